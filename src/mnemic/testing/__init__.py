"""For those who test against Mnemic or extend it: fakes, the store contract, the provider contracts."""
