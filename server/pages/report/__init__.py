"""The views as one HTML file that needs no server, or as fragments for other pages."""
