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
from headbrush.server.tools.loops.means import mean_and_deviation

_FONT = "11px"
_AXIS = "difference"
_LONGEST = 18
"""Letters of a name on the axis."""
_TOLD = "told_first", "told_second"
Part = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation of one brush, ``(L·H,)`` each."""


class ComparedHeads:
    """Lines and bands over head numbers, with a legend that shows while there are any.

    Attributes
    ----------
    has_difference
        Whether two brushes are drawn, and so the difference of their means.
    difference
        ``(L·H,)`` the first brush's mean effect without the second's; None without two.
    """

    def __init__(self, plot: figure) -> None:
        self.has_difference = False
        self.difference: np.ndarray | None = None
        self._parts: list[Part] = []
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
        axis = LinearAxis(
            y_range_name=_AXIS, axis_label="", major_label_policy=plot.yaxis[0].major_label_policy
        )
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

    def resolve(
        self, compared: Sequence[Compared], values: np.ndarray, drops: np.ndarray | None
    ) -> list[Part]:
        """Mean and deviation of each brush over ``values`` ``(m, L·H)``, and their difference.

        The difference is that of ``drops`` ``(m, L·H)`` where they are given: of the true-class
        probability its drop, as brushes differ in the probability itself.
        """
        self._parts = [mean_and_deviation(values, one.images) for one in compared]
        if drops is None:
            means = [mean for mean, _ in self._parts]
        else:
            means = [mean_and_deviation(drops, one.images)[0] for one in compared]
        self.has_difference = len(means) == MOST_COMPARED
        self.difference = means[0] - means[1] if self.has_difference else None
        return self._parts

    def told(self, compared: Sequence[Compared]) -> dict[str, list[str]]:
        """Words for the tooltips of all heads: each brush, and the difference."""
        columns = {}
        for name, one, (mean, spread) in zip(_TOLD, compared, self._parts, strict=False):
            count = int(one.images.sum())
            columns[name] = [
                f"{one.name}: {middle:.3g}{f' ± {wide:.2g}' if count > 1 else ''} (n = {count})"
                for middle, wide in zip(mean, spread, strict=True)
            ]
        if self.difference is not None:
            names = _apart(compared)
            columns["told_difference"] = [f"{names}: {value:+.3g}" for value in self.difference]
        return columns

    def draw(
        self, compared: Sequence[Compared], heads: np.ndarray, lowest: float, metric: str
    ) -> None:
        """Draw the resolved means at the places of ``heads`` ``(L·H,)``, bands from ``lowest``."""
        if not compared and not self._is_drawn:
            return
        self._is_drawn = bool(compared)
        nothing = np.empty(0)
        for slot, source in enumerate(self._sources):
            mean, spread = self._parts[slot] if slot < len(compared) else (nothing, nothing)
            order = heads if len(mean) else np.empty(0, int)
            source.data = {
                "number": np.arange(len(mean)), "mean": mean[order],
                "low": np.maximum(mean - spread, lowest)[order], "high": (mean + spread)[order],
            }  # fmt: skip
            if slot < len(compared):
                self._lines[slot].glyph.line_color = compared[slot].colour
                self._bands[slot].fill_color = compared[slot].colour
        self._draw_difference(heads, metric)
        self._name([one.name for one in compared])

    def _draw_difference(self, heads: np.ndarray, metric: str) -> None:
        apart = np.full(len(heads), np.nan) if self.difference is None else self.difference[heads]
        self._means_apart.data = {"number": np.arange(len(apart)), "mean": apart}
        zero, axis = self._of_difference
        zero.visible = axis.visible = self.has_difference
        if self.has_difference:
            of = ",\nof P − P′" if metric == "probability" else ""
            axis.axis_label = f"first − second{of}"
        end = 1.06 * float(abs(apart[np.isfinite(apart)]).max(initial=0)) or 1.0
        self._range.update(start=-end, end=end, reset_start=-end, reset_end=end)

    def paint(self, ink: str) -> None:
        """Draw the difference in the colour of the text."""
        self._difference.glyph.line_color = self._of_difference[0].line_color = ink
        self._legend.label_text_color = ink
        self._legend.background_fill_color = None

    def _name(self, names: list[str]) -> None:
        items = [_item(name, line) for name, line in zip(names, self._lines, strict=False)]
        if self.has_difference:
            items.append(_item("difference", self._difference))
        self._legend.update(items=items, visible=bool(items))


def _item(name: str, line: GlyphRenderer) -> LegendItem:
    return LegendItem(label=value(name), renderers=[line])


def _apart(compared: Sequence[Compared]) -> str:
    """``shirt, wrong − shirt, right``."""
    names = [one.name for one in compared]
    return " − ".join(n if len(n) <= _LONGEST else f"{n[: _LONGEST - 1]}…" for n in names)
