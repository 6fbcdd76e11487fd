"""The live model of a store, run in a child process. May import ``server.tools``."""
