"""The same brush done as Bokeh and HoloViews users do: an app for ``page/brushing.py``."""

import sys
from pathlib import Path

import numpy as np
from bokeh.io import curdoc
from bokeh.layouts import row
from bokeh.models import ColumnDataSource, LassoSelectTool
from bokeh.plotting import figure

from headbrush.analysis.store.store import Store
from headbrush.server.stores.store_data import StoreData

_SIZE = {"width": 600, "height": 500}


def plain(data: StoreData):
    """One source of all points; the server counts the selected indices by head."""
    xy = data.embedding(data.layouts[0])
    source = ColumnDataSource({"x": xy[:, 0], "y": xy[:, 1]})
    lasso = LassoSelectTool(continuous=False)
    plot = figure(name="patterns_plot", tools=[lasso], output_backend="webgl", **_SIZE)
    plot.toolbar.active_drag = lasso
    plot.scatter("x", "y", source=source, size=3, nonselection_alpha=0.1)
    heads = np.arange(data.num_heads)
    counts = ColumnDataSource({"head": heads, "count": np.zeros(data.num_heads)})
    bars = figure(tools="", **_SIZE)
    bars.vbar("head", top="count", source=counts, width=0.8)

    def count(_attribute, _old, new) -> None:
        of_head = np.asarray(new, int) % data.num_heads
        counts.data = {"head": heads, "count": np.bincount(of_head, minlength=data.num_heads)}

    source.selected.on_change("indices", count)
    return row(plot, bars)


def holoviews(data: StoreData):
    """``link_selections`` over a datashaded layout and a histogram of heads."""
    import holoviews as hv
    from holoviews.operation.datashader import datashade

    hv.extension("bokeh")
    xy = data.embedding(data.layouts[0])
    head = np.tile(np.arange(data.num_heads), data.num_images)
    table = hv.Dataset({"x": xy[:, 0], "y": xy[:, 1], "head": head}, ["x", "y", "head"])

    def named(plot, _element) -> None:
        plot.state.name = "patterns_plot"
        plot.state.toolbar.active_drag = next(
            tool for tool in plot.state.tools if isinstance(tool, LassoSelectTool)
        )

    points = datashade(hv.Points(table, ["x", "y"])).opts(
        hv.opts.RGB(tools=["lasso_select"], hooks=[named], **_SIZE)
    )
    bars = hv.operation.histogram(table, dimension="head", num_bins=data.num_heads)
    linked = hv.link_selections(points + bars)
    return hv.renderer("bokeh").get_plot(linked, doc=curdoc()).state


made = {"plain": plain, "holoviews": holoviews}[sys.argv[1]]
curdoc().add_root(made(StoreData(Store(Path(sys.argv[2])))))
