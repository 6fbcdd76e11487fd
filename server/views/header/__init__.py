"""What stands above the panels: title bar and brush bar."""
