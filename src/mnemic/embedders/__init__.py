"""Embedders: the bundled one, and remote ones through a model library."""
