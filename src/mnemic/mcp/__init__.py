"""Memory for assistants that speak the Model Context Protocol: over stdio, and under the server at /mcp.

What needs the package `mcp` (extra `mcp`) is imported by who serves.
"""
