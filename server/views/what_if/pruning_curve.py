"""How accuracy falls when head after head is pruned, in several orders; a point is a prune set."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import Band, ColumnDataSource, Div, HoverTool, LayoutDOM, Range1d
from bokeh.plotting import figure

from headbrush.analysis.store.facts.percent import exact_percent
from headbrush.analysis.store.facts.studies.curve import ORDERS, Curve, Line, load_curve
from headbrush.server.session.palette import NEUTRAL, SELECTED, class_colours
from headbrush.server.session.prune.choosing import heads_set
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.views.common.choice import small_buttons
from headbrush.server.views.common.figure_tools import make_figure, on_nearest
from headbrush.server.views.common.legend import make_legend, swatches
from headbrush.server.views.common.written import unbroken
from headbrush.server.views.what_if.set_answer import SetAnswer

_MISSING = (
    "This store has no curve yet: “headbrush prune {} --curve” prunes head after head, in several "
    "orders and beside orders at random. Reload this page when it is done."
)
_DASHES = {"jsd": "solid", "gradient": "dashed", "greedy": "dotdash", "repeated": "dotted"}
_SHORT = {"jsd": "JSD", "gradient": "gradient", "greedy": "greedy", "repeated": "same pattern"}
"""In the legend; the tip of a point says the order in full."""
_BAND = ("pruned", "low", "high", "middle")
_HERE = ("pruned", "value", "told")
_LINE = (*_HERE, "order")


class PruningCurve:
    """Lines of the orders, the band of those at random, and where the shown prune set lies."""

    name = "pruning_curve"
    title = "How far can pruning go?"
    help = (
        "Accuracy, or the mean divergence from the unpruned predictions, with fewer and fewer "
        "heads. Each line prunes in an order that was chosen on one half of the images, and is "
        "drawn for the other half; grey is the band of orders at random, from the least to the "
        "most, with their mean. The orders: smallest mean JSD first; smallest mean gradient first; "
        "greedy, smallest JSD given those already pruned first; same pattern, heads whose pattern "
        "another one has too first. The diamond is the prune set of this page, over the brushed "
        "images. Click a point to prune the heads that are gone there."
    )

    def __init__(self, session: Session, answer: SetAnswer) -> None:
        self._session, self._answer = session, answer
        self._is_there = False
        curve = load_curve(session.data.store)
        self._note = Div(
            text="", name="curve_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        controls, drawn = ([], []) if curve is None else self._parts(curve)
        body = column(
            *drawn, sizing_mode="stretch_both", name="curve_body", visible=curve is not None
        )
        self.layout = column(
            self._note, *controls, body, sizing_mode="stretch_both", name=self.name
        )
        session.history.on_change(["pruned"], self.react)
        if curve is None:
            missing = _MISSING.format(session.data.store.path.name)
            self._say(missing if session.data.has_classifier else session.data.no_prediction)
            return
        self._is_there = True
        self._show()
        answer.changed.follow(self._mark)

    def _parts(self, curve: Curve) -> tuple[list[LayoutDOM], list[LayoutDOM]]:
        """What a page's reader chooses with, and what is drawn."""
        self._curve = curve
        self._orders = [order for order in curve.orders if order in _DASHES]
        self._colours = class_colours(len(_DASHES))[: len(self._orders)]
        self._sources = [
            ColumnDataSource({name: [] for name in _LINE}, name=f"curve_{order}")
            for order in self._orders
        ]
        self._band = ColumnDataSource({name: [] for name in _BAND}, name="curve_band")
        self._here = ColumnDataSource({name: [] for name in _HERE}, name="curve_here")
        self._measure = small_buttons(
            "curve_measure", ("accuracy", "JSD"), active=0 if curve.labelled else 1,
            visible=curve.labelled > 0, margin=(2, 3, 2, 6), width=110,
        )  # fmt: skip
        self._measure.on_change("active", lambda _attribute, _old, _new: self._show())
        legend = make_legend("curve_legend", 2)
        words = ["at random", *(_SHORT[order] for order in self._orders), "this set"]
        legend.text = swatches(words, [NEUTRAL, *self._colours, SELECTED])
        self._plot = self._figure()
        return [self._measure], [legend, self._plot]

    def _figure(self) -> figure:
        count = self._curve.layers * self._curve.heads
        ends = Range1d(start=-0.02 * count, end=1.02 * count)
        plot = make_figure("curve_plot", x_range=ends, y_range=Range1d(start=0, end=1))
        plot.toolbar.active_drag = None
        plot.xaxis.axis_label = f"heads pruned, of {count}"
        band = Band(
            base="pruned", lower="low", upper="high", source=self._band, fill_color=NEUTRAL,
            fill_alpha=0.3, line_color=None, level="underlay",
        )  # fmt: skip
        plot.add_layout(band)
        plot.line("pruned", "middle", source=self._band, color=NEUTRAL, line_width=1.5)
        dots = []
        for order, source, colour in zip(self._orders, self._sources, self._colours, strict=True):
            look = {"source": source, "color": colour}
            plot.line("pruned", "value", line_width=1.8, line_dash=_DASHES[order], **look)
            dots.append(plot.scatter("pruned", "value", size=4, **look))
        here = plot.scatter(
            "pruned", "value", source=self._here, size=13, marker="diamond", color=SELECTED,
            level="overlay",
        )  # fmt: skip
        tips = [("", "@order"), ("pruned", "@pruned heads"), ("", "@told")]
        plot.add_tools(HoverTool(renderers=dots, tooltips=tips))
        plot.add_tools(HoverTool(renderers=[here], tooltips=[("this set", "@told")]))
        on_nearest(plot, self._places, self._choose)
        return plot

    @property
    def _is_accuracy(self) -> bool:
        return self._measure.active == 0

    def _values(self, line: Line) -> np.ndarray:
        return self._curve.accuracy(line) if self._is_accuracy else np.array(line.jsd)

    def _words(self, value: float) -> str:
        return f"{exact_percent(value)} correct" if self._is_accuracy else f"{value:.3g} bits"

    def _show(self) -> None:
        """Draw the chosen measure."""
        pruned = np.array(self._curve.pruned)
        for order, source in zip(self._orders, self._sources, strict=True):
            values = self._values(self._curve.of(order)[0])
            source.data = {
                "pruned": pruned, "value": values, "told": [self._words(one) for one in values],
                "order": [ORDERS[order]] * len(pruned),
            }  # fmt: skip
        at_random = np.array([self._values(line) for line in self._curve.of("random")])
        if len(at_random):
            self._band.data = {
                "pruned": pruned, "low": at_random.min(0), "high": at_random.max(0),
                "middle": at_random.mean(0),
            }  # fmt: skip
        most = max(np.nanmax(self._values(line)) for line in self._curve.lines)
        high = 1.0 if self._is_accuracy else max(float(most), 1e-3)
        number_range(self._plot.y_range).update(start=-0.03 * high, end=1.05 * high)
        self._plot.yaxis.axis_label = "accuracy" if self._is_accuracy else "mean JSD (bits)"
        self._say(self._sentence())
        self._mark()

    def _sentence(self) -> str:
        """Which order spares the most heads, beside orders at random."""
        curve = self._curve
        of = f"chosen on {len(curve.chosen)} images, drawn on {len(curve.drawn)}"
        if not curve.labelled or not self._orders:
            return f"Orders {of}."
        spared = {order: curve.spared(curve.of(order)[0]) for order in self._orders}
        best = max(spared, key=lambda order: spared[order])
        chance = [curve.spared(line) for line in curve.of("random")]
        beside = f", at random {min(chance)} to {max(chance)}" if chance else ""
        return f"For 1 point of accuracy {spared[best]} heads can go, {ORDERS[best]}{beside}; {of}."

    def _say(self, words: str) -> None:
        self._note.text = unbroken(words)
        self._session.summaries.describe(self.name, words)

    def react(self, _state: ViewState) -> None:
        """Move the diamond to the new set."""
        if self._is_there:
            self._mark()

    def _mark(self) -> None:
        """The shown set, as far as it is known, if only whole heads are pruned."""
        pruned = self._session.state.pruned
        effect = self._answer.effect(pruned) if pruned.is_whole else None
        if effect is None or (self._is_accuracy and not effect.labelled):
            self._here.data = {name: [] for name in _HERE}
            return
        value = effect.accuracy if self._is_accuracy else effect.jsd
        told = f"{len(pruned)} heads pruned: {self._words(value)}"
        self._here.data = {"pruned": [len(pruned)], "value": [value], "told": [told]}

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        lines = [self._values(self._curve.of(order)[0]) for order in self._orders]
        return np.tile(self._curve.pruned, len(lines)), np.concatenate([*lines, []])

    def _choose(self, point: int) -> None:
        """Prune the first heads of the line whose point was clicked."""
        order, place = divmod(point, len(self._curve.pruned))
        (line, *_) = self._curve.of(self._orders[order])
        heads = line.heads[: self._curve.pruned[place]]
        self._session.history.change(pruned=heads_set(self._session.data, heads))
