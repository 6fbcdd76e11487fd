"""What one reader sees and marks: state, brush, undo; no plots.

May import ``server.stores`` and ``server.tools``.
"""
