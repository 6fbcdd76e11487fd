"""Updates of a source's columns, sent to the browser only if they changed."""

import numpy as np
from bokeh.models import ColumnDataSource


def update_columns(source: ColumnDataSource, **columns: np.ndarray) -> None:
    """Replace columns unless all are equal to what they were: every plot of a source repaints."""
    if any(
        not np.array_equal(source.data[name], new, equal_nan=new.dtype.kind == "f")
        for name, new in columns.items()
    ):
        source.data.update(columns)
