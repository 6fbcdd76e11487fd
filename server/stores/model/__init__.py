"""The model of a store, run live in a process of its own. May import ``server.tools``."""
