"""Helpers around Bokeh; the only folder that reaches into its private side, each file says why."""
