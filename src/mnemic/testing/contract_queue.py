"""x."""

from mnemic.testing.contract_values import Contract


class QueueContract(Contract):
    """x."""
