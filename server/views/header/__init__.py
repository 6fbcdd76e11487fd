"""The header above the panels: title bar and brush bar."""
