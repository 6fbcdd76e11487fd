"""Other outputs of a report: values as netCDF, fragments for other pages."""
