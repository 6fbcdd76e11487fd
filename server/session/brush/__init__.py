"""Brushes: clauses, what they select, how they are named, written and exported.

May import ``server.stores`` and ``server.tools``, nothing else of ``server.session``.
"""
