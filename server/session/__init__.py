"""One reader's session: state, brush, undo; no plots.

May import ``server.stores`` and ``server.tools``.
"""
