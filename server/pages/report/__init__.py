"""The views as one HTML file that needs no server, or as parts of other pages."""
