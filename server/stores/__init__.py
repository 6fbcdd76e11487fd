"""What is served, read-only, whoever reads it. May import ``server.tools``."""
