"""HTTP and websocket handlers."""
