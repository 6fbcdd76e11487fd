"""C3: how the entropy of the selected head is distributed over images (Fig. 1 C3)."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import BasicTicker, ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure

from headbrush.server.session.brush.named_brushes import MOST_COMPARED
from headbrush.server.session.palette import BRUSHED, NEUTRAL, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.views.common.figure_tools import make_figure
from headbrush.server.views.common.legend import height_of, make_legend, swatches

_BINS = 24
_LINES = 2
_SLOTS = tuple(f"compared_{place}" for place in range(MOST_COMPARED))
_NARROWEST = 0.002
"""Width of the plot where all images have the same entropy."""

_TIPS = [("entropy", "@left{0.000} to @right{0.000}"), ("of all images", "@all{0.0} %")]
_BRUSHED_TIP = ("of the brushed ones", "@brushed{0.0} %")


class EntropyDistribution:
    """Histograms of all images and of the brushed ones, with a line at the selected image."""

    name = "entropy_distribution"
    title = "Is this typical of the head?"
    help = (
        "How the entropy of this head's strength vector is distributed: grey over all images, blue "
        "over the brushed ones, each as shares of its own images. The line is the selected image; "
        "without one, the means are said."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        columns = ("left", "right", "all", "brushed", *_SLOTS)
        self._source = ColumnDataSource({name: [] for name in columns}, name="entropy_bars")
        self._legend = make_legend("entropy_legend", _LINES)
        self._plot = self._figure()
        self.layout = column(self._legend, self._plot, sizing_mode="stretch_both", name=self.name)
        session.history.on_change(["layer", "head", "clauses"], self.react)
        session.history.on_change(["image", "layer", "head", "clauses"], self.react_to_image)
        session.reader.follow_named(self._on_named)

    def _on_named(self) -> None:
        state = self._session.state
        self.react(state)
        self.react_to_image(state)

    def _figure(self) -> figure:
        plot = make_figure(
            "entropy_plot", x_range=Range1d(start=0, end=1), y_range=Range1d(start=0, end=1)
        )
        plot.toolbar_location = plot.toolbar.active_scroll = None
        areas = [
            plot.quad(
                left="left", right="right", top=name, bottom=0, source=self._source,
                fill_color=colour, fill_alpha=alpha, line_color=colour,
            )
            for name, colour, alpha in (("all", NEUTRAL, 0.45), ("brushed", BRUSHED, 0.35))
        ]  # fmt: skip
        self._compared = [
            plot.quad(
                left="left", right="right", top=name, bottom=0, source=self._source,
                fill_alpha=0.4, line_alpha=0.8,
            )
            for name in _SLOTS
        ]  # fmt: skip
        self._line = Span(
            dimension="height", line_color=SELECTED, line_width=3, name="entropy_line"
        )
        plot.add_layout(self._line)
        self._hover = HoverTool(renderers=[areas[0]], tooltips=_TIPS, mode="vline")
        plot.add_tools(self._hover)
        plot.xaxis.axis_label = "entropy (0–1)"
        plot.yaxis.axis_label = "% of images"
        plot.xaxis.ticker = BasicTicker(desired_num_ticks=3)
        plot.xgrid.visible = False
        return plot

    def react(self, _state: ViewState) -> None:
        """Count the images in each interval."""
        values = self._session.data.entropy[:, self._session.head.number]  # (m,)
        brushed, compared = self._shown_brush(), self._session.reader.compared()
        self._hover.tooltips = [*_TIPS, _BRUSHED_TIP] if brushed.any() else _TIPS
        edges = _edges(values)
        chosen = [one.images for one in compared]
        none = np.zeros_like(brushed)
        unused = [none] * (MOST_COMPARED - len(chosen))
        masks = [~none, brushed, *chosen, *unused]
        shares = [_shares(values[mask], edges) for mask in masks]
        columns = zip(("all", "brushed", *_SLOTS), shares, strict=True)
        self._source.data = {"left": edges[:-1], "right": edges[1:], **dict(columns)}
        for area, one in zip(self._compared, compared, strict=False):
            area.glyph.update(fill_color=one.colour, line_color=one.colour)
        margin = 0.04 * (edges[-1] - edges[0])
        self._plot.x_range.update(start=edges[0] - margin, end=edges[-1] + margin)
        number_range(self._plot.y_range).end = float(np.max(shares)) * 1.08 or 1.0

    def _shown_brush(self) -> np.ndarray:
        """The brushed images ``(m,)``; none where all are, or where named brushes are compared."""
        images = self._session.brush("heads").images
        shown = not images.all() and not self._session.reader.compared()
        return images if shown else np.zeros_like(images)

    def react_to_image(self, new: ViewState) -> None:
        """Move the line to the selected image."""
        data = self._session.data
        brushed = self._shown_brush()
        names, colours = [f"all {data.num_images}"], [NEUTRAL]
        values = data.entropy[:, self._session.head.number]
        if new.image is None:
            names[0] += f": mean {values.mean():.3f}"
        if brushed.any():
            mean = f": mean {values[brushed].mean():.3f}" if new.image is None else ""
            names.append(f"{brushed.sum()} brushed{mean}")
            colours.append(BRUSHED)
        for one in self._session.reader.compared():
            names.append(f"{one.images.sum()} {one.name}")
            colours.append(one.colour)
        self._line.visible = new.image is not None
        if new.image is not None:
            entropy = float(data.entropy[new.image, self._session.head.number])
            self._line.location = entropy
            names.append(f"this image: {entropy:.3f}")
            colours.append(SELECTED)
        self._legend.update(
            text=swatches(names, colours),
            height=height_of(max(_LINES, min(len(names), _LINES + 1))),
        )
        head = str(self._session.head)
        spread = np.quantile(data.entropy[:, self._session.head.number], (0, 0.5, 1))
        self._session.summaries.describe(
            self.name,
            f"Entropy of {head} in {', '.join(names)}; least, median and largest over all images: "
            f"{', '.join(f'{value:.3f}' for value in spread)}.",
        )


def _edges(values: np.ndarray) -> np.ndarray:
    """Borders of even intervals over the values; those of equal values still have a width."""
    low, high = float(values.min()), float(values.max())
    widen = max(0.0, _NARROWEST - (high - low)) / 2
    return np.linspace(low - widen, high + widen, _BINS + 1)


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Per cent of ``values`` in each interval; zero of none."""
    counts = np.histogram(values, edges)[0]
    return 100 * counts / max(counts.sum(), 1)
