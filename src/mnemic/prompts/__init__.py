"""Prompts as code: one file a task, a typed function that writes it, the answer's shape beside it."""
