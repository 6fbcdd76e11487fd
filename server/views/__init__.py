"""One panel a file: built from a session, redrawn when its part of the state changes.

May import ``server.session`` and what that may import; never ``server.pages``.
"""
