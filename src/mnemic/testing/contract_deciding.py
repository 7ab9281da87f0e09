"""x."""

from mnemic.testing.contract_values import Contract


class DecidingContract(Contract):
    """x."""
