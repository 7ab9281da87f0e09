"""The memory as a server: one for every device and every member of a team. `mnemic serve` runs it."""

from mnemic.server.app import create_app

__all__ = ["create_app"]
