"""The store: its schema, how it is written, opened and checked.

Needs numpy, xarray and netCDF4, never torch. Imports nothing else of headbrush.
"""
