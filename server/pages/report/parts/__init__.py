"""What a report holds: the request, its panels, its thumbnails."""
