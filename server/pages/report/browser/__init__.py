"""What lets a report brush without a server."""
