"""Stores: one file each, all held to `mnemic.testing.contract`."""
