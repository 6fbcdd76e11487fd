"""Stored attention, read in threads and processes of its own. May import ``server.tools``."""
