"""The contents of a report: request, panels, thumbnails."""
