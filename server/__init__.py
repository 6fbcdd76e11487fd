"""The Bokeh application: ``bokeh serve server --args STORE``."""
