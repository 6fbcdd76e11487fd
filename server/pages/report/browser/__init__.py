"""Data and scripts with which a report brushes without a server."""
