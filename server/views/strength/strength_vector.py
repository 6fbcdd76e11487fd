"""C2: how strongly the selected head attends to its k-hop neighbours (the paper's Fig. 1 C2)."""

from typing import cast

import numpy as np
from bokeh.models import ColumnDataSource, GlyphRenderer, HoverTool, Line, Range1d, TeeHead, Whisker

from headbrush.server.session.brush.named_brushes import MOST_COMPARED
from headbrush.server.session.palette import NEUTRAL, layer_colours
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.words import within_words
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.tools.loops.means import mean_and_deviation
from headbrush.server.views.common.figure_tools import make_figure, short_numbers


class StrengthVector:
    """One bar per hop for the selected image; mean ± sd over the brushed images beside it."""

    name = "strength_vector"
    title = "How far does this head look?"
    help = (
        "Bars: mean attention of a patch to one neighbour k steps away, in the selected image, or "
        "its mean over the brushed images (all if none). "
        "Grey: mean and ±1 standard deviation of this head over the brushed images (all if none); "
        "each compared brush has a line in its colour."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        within = within_words(session.data, "neighbours are those in the patch's window")
        self.help = f"{self.help} {within}".strip()
        hops = session.data.strength.shape[-1]
        columns = ("hop", "strength", "mean", "low", "high")
        self._source = ColumnDataSource(
            {name: np.zeros(hops) for name in columns}, name="hops_shown"
        )
        self.layout = plot = make_figure(
            self.name, x_range=Range1d(start=-0.7, end=hops - 0.3), y_range=Range1d(start=0, end=1)
        )
        self._bars = plot.vbar("hop", top="strength", width=0.8, source=self._source)
        mean = plot.line("hop", "mean", source=self._source, color=NEUTRAL, line_width=2)
        whisker = Whisker(
            base="hop",
            upper="high",
            lower="low",
            source=self._source,
            line_color=NEUTRAL,
            upper_head=TeeHead(size=6, line_color=NEUTRAL),
            lower_head=TeeHead(size=6, line_color=NEUTRAL),
        )
        plot.add_layout(whisker)
        self._of_brush = mean, whisker
        self._compared = [self._compared_line(slot) for slot in range(MOST_COMPARED)]
        plot.xaxis.axis_label = "hop (patches)"
        plot.yaxis.axis_label = "mean attention"
        plot.yaxis.formatter = short_numbers()
        tips = [("hop", "@hop"), ("shown", "@strength{0.0000}"), ("mean", "@mean{0.0000}")]
        plot.add_tools(HoverTool(renderers=[self._bars], tooltips=tips, mode="vline"))
        session.history.on_change(["image", "layer", "head", "clauses"], self.react)
        session.reader.follow_named(lambda: self.react(session.state))

    def _compared_line(self, slot: int) -> "GlyphRenderer[Line]":
        source = ColumnDataSource({"hop": [], "mean": []}, name=f"hops_compared_{slot}")
        return self.layout.line("hop", "mean", source=source, line_width=3)

    def react(self, new: ViewState) -> None:
        """Draw the vector of the selected head."""
        strength = self._session.data.strength[:, self._session.head.number]  # (m, hops)
        images = self._session.brush("heads").images
        mean, spread = mean_and_deviation(strength, images)
        bars = mean if new.image is None else strength[new.image]
        low, high = np.maximum(mean - spread, 0), mean + spread
        self._source.data = {
            "hop": np.arange(len(bars)), "strength": bars, "mean": mean, "low": low, "high": high
        }  # fmt: skip
        self._bars.glyph.fill_color = layer_colours(self._session.data.num_layers)[new.layer]
        self._bars.glyph.line_color = None
        compared = self._draw_compared(strength)
        drawn = np.concatenate([bars, high, *compared])
        number_range(self.layout.y_range).end = float(np.nan_to_num(drawn).max()) * 1.08 or 1.0
        self._describe(bars, "" if new.image is not None else _mean_words(int(images.sum())))

    def _draw_compared(self, strength: np.ndarray) -> list[np.ndarray]:
        compared = self._session.reader.compared()
        for drawn in self._of_brush:
            drawn.visible = not compared
        means = []
        for slot, line in enumerate(self._compared):
            line.visible = slot < len(compared)
            if line.visible:
                means.append(mean_and_deviation(strength, compared[slot].images)[0])
                line.glyph.line_color = compared[slot].colour
                cast(ColumnDataSource, line.data_source).data = {
                    "hop": np.arange(len(means[-1])),
                    "mean": means[-1],
                }
        return means

    def _describe(self, strength: np.ndarray, of_mean: str) -> None:
        head = str(self._session.head)
        if not np.isfinite(strength).any():
            words = "No image is brushed, so there are no values."
        else:
            hop = int(np.nanargmax(strength))
            words = (
                f"Mean attention of {head} to patches at {len(strength)} hops{of_mean}: strongest "
                f"at hop {hop} with {strength[hop]:.4f}; at hop 0 {strength[0]:.4f}, at the last "
                f"hop {strength[-1]:.4f}."
            )
        self._session.summaries.describe(self.name, words)


def _mean_words(count: int) -> str:
    return f", mean over {count} images" if count > 1 else ", one image"
