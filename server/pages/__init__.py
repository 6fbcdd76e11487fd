"""Puts views into documents: the page of a store, two stores, the list of stores, reports.

May import ``server.views`` and what that may import; never ``server.host``.
"""
