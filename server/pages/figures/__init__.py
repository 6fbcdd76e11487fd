"""Figures for a paper: what a page shows, drawn by matplotlib at the width of a column.

A figure is drawn from the sources of the page's own views, so it holds the values of the page.
"""
