"""What a report is written as: netCDF values, fragments of pages."""
