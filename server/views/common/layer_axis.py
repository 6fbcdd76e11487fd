"""An axis of head numbers that names their layers, with a stripe under every second one."""

from bokeh.models import (
    BoxAnnotation,
    CustomJSTickFormatter,
    FixedTicker,
    Node,
    Ticker,
    TickFormatter,
)
from bokeh.plotting import figure

from headbrush.server.stores.store_data import StoreData

_STRIPE: dict[str, str | Node] = {"--bk-fill-color": "var(--stripe)"}


class LayerAxis:
    """Stripes on a plot, and what its x axis needs to name the layers.

    Attributes
    ----------
    marks
        Ticks in the middle of each layer, and their labels.
    label
        Title of the axis.
    """

    def __init__(self, data: StoreData, plot: figure) -> None:
        heads, layers = data.heads_per_layer, range(data.num_layers)
        self._stripes = [_stripe(layer * heads - 0.5, heads) for layer in layers[::2]]
        for stripe in self._stripes:
            plot.add_layout(stripe)
        self.label = f"layer ({heads} heads each)"
        self.marks = layer_marks(len(layers), heads)

    def put_on(self, plot: figure) -> None:
        """Name the layers on the x axis."""
        ticker, formatter = self.marks
        plot.xaxis[0].update(ticker=ticker, formatter=formatter, axis_label=self.label)
        plot.xgrid.visible = False

    def show_stripes(self, is_shown: bool) -> None:
        """Show the stripes, or hide them."""
        for stripe in self._stripes:
            stripe.visible = is_shown


def layer_marks(layers: int, heads: int) -> tuple[Ticker, TickFormatter]:
    """Ticks in the middle of each layer along head numbers, and the layers' numbers."""
    return (
        FixedTicker(ticks=[layer * heads + (heads - 1) / 2 for layer in range(layers)]),
        CustomJSTickFormatter(args={"heads": heads}, code="return '' + Math.floor(tick / heads)"),
    )


def _stripe(left: float, heads: int) -> BoxAnnotation:
    return BoxAnnotation(
        left=left, right=left + heads, fill_color="#f3f5f7", css_variables=_STRIPE,
        line_color=None, level="image",
    )  # fmt: skip
