"""The server process: launch, access, health, metrics, logs, shutdown.

May import ``server.stores`` and ``server.tools``; never ``server.pages`` or ``server.views``.
"""
