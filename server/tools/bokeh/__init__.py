"""The only folder that reaches into the private side of Bokeh; each file says why."""
