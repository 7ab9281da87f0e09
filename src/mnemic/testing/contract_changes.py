"""x."""

from mnemic.testing.contract_values import Contract


class ChangesContract(Contract):
    """x."""
