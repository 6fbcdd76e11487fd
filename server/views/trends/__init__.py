"""Views of the workspace Trends: classes, images of a class, images alike."""
