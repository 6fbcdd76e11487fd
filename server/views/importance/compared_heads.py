"""Compared brushes in B1: a mean and a band each, and the difference of two on its own axis."""

from collections.abc import Sequence

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    Band,
    ColumnDataSource,
    GlyphRenderer,
    Legend,
    LegendItem,
    LinearAxis,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from headbrush.server.session.brush.named_brushes import MOST_COMPARED, Compared
from headbrush.server.stores.store_data import mean_and_deviation

_FONT = "11px"
_AXIS = "difference"


class ComparedHeads:
    """Lines and bands over head numbers, with a legend that shows while there are any.

    Attributes
    ----------
    has_difference
        Whether two brushes are drawn, and so the difference of their means.
    """

    def __init__(self, plot: figure) -> None:
        self.has_difference = False
        self._is_drawn = False
        columns = ("number", "mean", "low", "high")
        self._sources = [
            ColumnDataSource({name: [] for name in columns}, name=f"importance_compared_{slot}")
            for slot in range(MOST_COMPARED)
        ]
        self._lines = [plot.line("number", "mean", source=s, line_width=2) for s in self._sources]
        self._bands = [
            Band(base="number", lower="low", upper="high", source=source, fill_alpha=0.18,
                 line_color=None, level="underlay")
            for source in self._sources
        ]  # fmt: skip
        for band in self._bands:
            plot.add_layout(band)
        self._range = plot.extra_y_ranges[_AXIS] = Range1d(start=-1, end=1)
        self._means_apart = ColumnDataSource(
            {"number": [], "mean": []}, name="importance_difference"
        )
        self._difference = plot.line(
            "number", "mean", source=self._means_apart, line_width=1.5, line_dash="dashed",
            y_range_name=_AXIS,
        )  # fmt: skip
        zero = Span(dimension="width", location=0, line_dash="dotted", y_range_name=_AXIS)
        axis = LinearAxis(y_range_name=_AXIS, axis_label="first − second")
        self._of_difference = zero, axis
        for part, place in zip(self._of_difference, ("center", "right"), strict=True):
            part.visible = False
            plot.add_layout(part, place)
        self._legend = Legend(
            name="compared_legend", orientation="horizontal", location="right", visible=False,
            label_text_font_size=_FONT, spacing=8, margin=0, label_standoff=3, glyph_height=12,
            glyph_width=16, label_height=13, background_fill_alpha=0, border_line_color=None,
        )  # fmt: skip
        self._legend.update(padding=0)  # as an argument unknown to Bokeh's stubs
        plot.add_layout(self._legend, "above")

    def draw(
        self, compared: Sequence[Compared], values: np.ndarray, lowest: float
    ) -> list[np.ndarray]:
        """Draw means of ``values`` ``(m, L·H)``, and bands not below ``lowest``.

        Returns
        -------
        All that the plot must have room for.
        """
        if not compared and not self._is_drawn:
            return []
        self._is_drawn = bool(compared)
        drawn, means = [], []
        for slot, source in enumerate(self._sources):
            one = compared[slot] if slot < len(compared) else None
            chosen = values[one.images] if one else values[:0]
            mean, spread = mean_and_deviation(chosen)
            source.data = {
                "number": np.arange(len(mean)), "mean": mean,
                "low": np.maximum(mean - spread, lowest), "high": mean + spread,
            }  # fmt: skip
            if one:
                self._lines[slot].glyph.line_color = one.colour
                self._bands[slot].fill_color = one.colour
                means.append(mean)
                drawn += [mean, mean + spread]
        self.has_difference = len(means) == MOST_COMPARED
        difference = (
            means[0] - means[1] if self.has_difference else np.full(values.shape[1], np.nan)
        )
        self._means_apart.data = {
            "number": np.arange(len(difference)), "mean": difference
        }  # fmt: skip
        for part in self._of_difference:
            part.visible = self.has_difference
        finite = abs(difference[np.isfinite(difference)])
        end = 1.06 * float(finite.max(initial=0)) or 1.0
        self._range.update(start=-end, end=end, reset_start=-end, reset_end=end)
        self._name([one.name for one in compared])
        return drawn

    def paint(self, ink: str) -> None:
        """Draw the difference in the colour of the text."""
        self._difference.glyph.line_color = self._of_difference[0].line_color = ink
        self._legend.label_text_color = ink
        self._legend.background_fill_color = None

    def _name(self, names: list[str]) -> None:
        items = [_item(name, line) for name, line in zip(names, self._lines, strict=False)]
        if self.has_difference:
            items.append(_item("difference, right axis", self._difference))
        self._legend.update(items=items, visible=bool(items))


def _item(name: str, line: GlyphRenderer) -> LegendItem:
    return LegendItem(label=value(name), renderers=[line])
