"""One view a file: built from the session, redrawn when its part of the state changes."""
