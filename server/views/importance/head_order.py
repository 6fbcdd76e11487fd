"""Where each head stands on B1's axis: layer after layer, or by its effect."""

import numpy as np
from bokeh.models import (
    AdaptiveTicker,
    CustomJSTickFormatter,
    Select,
    Ticker,
    TickFormatter,
)
from bokeh.plotting import figure

from headbrush.server.session.session import Session
from headbrush.server.stores.heads import rank_heads
from headbrush.server.views.common.choice import labelled
from headbrush.server.views.common.layer_axis import LayerAxis

_TITLES = [("layer", "by layer"), ("mean", "by mean"), ("difference", "by difference")]


class HeadOrder:
    """The choice of an order, the axis that names the heads, and the stripes of the layers.

    Attributes
    ----------
    heads
        ``(L·H,)`` number of the head at each place.
    places
        ``(L·H,)`` place of each head number.
    is_by_layer
        Whether the heads stand layer after layer.
    """

    def __init__(self, session: Session, plot: figure) -> None:
        self._data, self._plot = session.data, plot
        self.heads = self.places = np.arange(self._data.num_heads)
        self.is_by_layer = True
        self._by_layer = LayerAxis(self._data, plot)
        self._axes: dict[bool, tuple[Ticker, TickFormatter]] = {
            True: self._by_layer.marks,
            False: (AdaptiveTicker(min_interval=1, num_minor_ticks=0), _named([])),
        }
        plot.xgrid.visible = False
        self.layout = Select(
            options=list(_TITLES), width=98, height=24, margin=(4, 3, 2, 3),
            name="importance_order", css_classes=["hb-small"],
            html_attributes=labelled("Order of the heads"),
        )  # fmt: skip
        session.history.bind(self.layout, "importance_order")
        self.sort("layer", np.zeros(self._data.num_heads), None, "")

    def sort(self, wanted: str, effect: np.ndarray, difference: np.ndarray | None, of: str) -> None:
        """Place the heads.

        Parameters
        ----------
        wanted
            One of ``IMPORTANCE_ORDERS``.
        effect, difference
            ``(L·H,)``, the largest first, equal ones by number; no difference without two brushes,
            then the heads stay by layer.
        of
            What the effect is the mean of, in words.
        """
        data = self._data
        label = self._by_layer.label
        order = np.arange(data.num_heads)
        if wanted == "mean":
            order, label = np.array(rank_heads(effect)), f"heads, largest mean first ({of})"
        elif wanted == "difference" and difference is None:
            label += "; compare two named brushes to sort by their difference"
        elif wanted == "difference" and difference is not None:
            order, label = np.array(rank_heads(difference)), "heads, largest difference first"
        self.heads, self.places = order, np.argsort(order)
        self.is_by_layer = wanted == "layer" or (wanted == "difference" and difference is None)
        self._by_layer.show_stripes(self.is_by_layer)
        axis = self._plot.xaxis[0]
        ticker, formatter = self._axes[self.is_by_layer]
        if not self.is_by_layer:
            formatter = _named([data.head_labels[number] for number in order])
        axis.update(ticker=ticker, formatter=formatter, axis_label=label)


def _named(labels: list[str]) -> TickFormatter:
    """The head at each place."""
    return CustomJSTickFormatter(args={"labels": labels}, code="return labels[tick] ?? ''")
