"""Statistics that scipy lacks or would load too much for."""
