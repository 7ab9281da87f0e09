"""Extractors: by rules (no model) and by one structured model call."""
