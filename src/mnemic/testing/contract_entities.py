"""x."""

from mnemic.testing.contract_values import Contract


class EntitiesContract(Contract):
    """x."""
