"""Other people's wires, answered by our memory."""
