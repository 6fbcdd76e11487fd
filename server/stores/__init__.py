"""The served stores, read-only and independent of the reader. May import ``server.tools``."""
