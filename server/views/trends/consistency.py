"""Whether the images of a class use the heads alike: distances within a class and to others."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, HoverTool, Paragraph, Range1d
from bokeh.plotting import figure

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.percent import percent
from headbrush.server.session.brush.clauses import Clause, Ids, without
from headbrush.server.session.palette import BRUSHED, NEUTRAL
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.trends.classes import LEVEL
from headbrush.server.stores.trends.consistency import (
    MOST_OF_CLASS,
    MOST_OTHERS,
    Consistency,
)
from headbrush.server.stores.trends.questions import (
    MOST_CLASSES,
    PERMUTATIONS,
    ask_consistency,
    known_labels,
)
from headbrush.server.tools.bokeh.bokeh_types import number_range
from headbrush.server.views.common.class_axis import put_classes_on
from headbrush.server.views.common.figure_tools import make_figure, on_nearest
from headbrush.server.views.common.legend import make_legend, swatches
from headbrush.server.views.common.written import button, written
from headbrush.server.views.trends.brushed_rows import brushed_share
from headbrush.server.views.trends.find_class import found_classes, shown_words
from headbrush.server.views.trends.trend_question import TrendQuestion

_LEAST_BITS = 0.005
"""That a class decides, to be said: less is written as 0.00."""
_LINES = ("within the class", "to other classes")
_COLUMNS = ("y", "class", "within", "between", "energy", "p", "n", "alpha")
_REACH = 60
_FAINT = 0.35
_BAND = 0.2
_MOST_HEADS = 3


class ClassConsistency:
    """A line a class: from the mean distance within it to that from it to the others."""

    name = "class_consistency"
    title = "Do images of one class use the heads alike?"
    help = (
        "An image is described by its values of the chosen metric: for each head, by the normal "
        "score of its rank among all images. The blue dot is the mean distance between two "
        "images of the class, the grey one between an image of it and one of another class; two "
        "unrelated images are about 1.4 apart. The farther the blue dot is left of the grey one, "
        "the more alike the images of the class use the heads. Pale classes do not differ from "
        "shuffled labels (energy distance, permutation p > 1 % after Benjamini and Hochberg). "
        "Click a class to brush its images; the share of its images that is brushed is shaded."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._question: TrendQuestion[Consistency] = TrendQuestion(session.document, self._draw)
        self._rows = np.empty(0, int)
        self._source = ColumnDataSource({name: [] for name in _COLUMNS}, name="consistency_rows")
        self._brushed = ColumnDataSource({"y0": [], "y1": []}, name="consistency_brushed")
        self._note = Paragraph(
            text="", name="consistency_note", sizing_mode="stretch_width",
            styles={"margin": "2px 6px"},
        )  # fmt: skip
        legend = make_legend("consistency_legend")
        legend.text = swatches([session.data.worded(one) for one in _LINES], [BRUSHED, NEUTRAL])
        self._plot = self._figure()
        self._bits = written("class_bits_said", margin=(2, 6))
        self._bits.visible = bool(self._by_class())
        self._body = column(
            legend, self._plot, self._bits, sizing_mode="stretch_both", name="consistency_body"
        )
        self.layout = column(self._note, self._body, sizing_mode="stretch_both", name=self.name)
        session.history.follow(["layer", "head"], self.react_to_head)
        session.history.follow(["metric"], self.react)
        session.history.on_change(["trend_words"], self.react_to_words)
        session.history.on_change(["clauses"], self.react_to_brush)

    def _figure(self) -> figure:
        plot = make_figure(
            "consistency_plot",
            x_range=Range1d(start=0, end=2),
            y_range=Range1d(start=0.5, end=-0.5),
        )
        plot.toolbar.active_drag = None
        plot.ygrid.visible = False
        plot.xaxis.axis_label = "mean distance"
        plot.yaxis.major_tick_line_color = None
        plot.hstrip(
            "y0", "y1", source=self._brushed, fill_color=BRUSHED, fill_alpha=_BAND, line_color=None
        )
        plot.segment(
            "within", "y", "between", "y", source=self._source, line_width=2, line_color=NEUTRAL,
            line_alpha="alpha",
        )  # fmt: skip
        plot.scatter("between", "y", source=self._source, size=7, color=NEUTRAL, alpha="alpha")
        dots = plot.scatter(
            "within", "y", source=self._source, size=9, color=BRUSHED, alpha="alpha"
        )
        plot.add_tools(
            HoverTool(
                renderers=[dots],
                formatters={"@p": "printf", "@energy": "printf"},
                tooltips=[
                    ("class", "@class"), ("within", "@within{0.00}"),
                    ("to others", "@between{0.00}"), ("energy distance", "@energy{%.3g}"),
                    ("p, corrected", "@p{%.3g}"), ("images", "@n"),
                ],
            )
        )  # fmt: skip
        on_nearest(plot, self._places, self._brush, _REACH)
        return plot

    def react(self, state: ViewState) -> None:
        """Ask about another metric."""
        self._question.ask(ask_consistency(self._session.data, state.metric))

    def react_to_words(self, _state: ViewState) -> None:
        """Show the classes whose name has the words."""
        self._draw()

    def react_to_brush(self, _state: ViewState) -> None:
        """Shade the classes of which images are brushed, as high as their share."""
        share = brushed_share(self._session, self._rows)
        (y,) = np.nonzero(share)
        self._brushed.data = {"y0": y - share[y] / 2, "y1": y + share[y] / 2}

    def _by_class(self) -> list[tuple[int, float]]:
        """Heads and the bits that the class decides of where they look, the most first."""
        bits = [(n, one.by_class) for n, one in enumerate(self._session.data.head_bits)]
        known = [pair for pair in bits if pair[1] > _LEAST_BITS]
        return sorted(known, key=lambda pair: -pair[1])[:_MOST_HEADS]

    def react_to_head(self, _state: ViewState) -> None:
        """Mark the selected head among those whose attention depends on the class."""
        labels, selected = self._session.data.head_labels, self._session.head.number
        told = [
            button(
                "head", number, labels[number], f"Select {labels[number]}", "", number == selected
            )
            + f" {bits:.2f} bits"
            for number, bits in self._by_class()
        ]
        what = self._session.data.worded("class")
        self._bits.text = (
            f"<p>The {what} decides most about where these heads look: {', '.join(told)}.</p>"
        )

    def _draw(self) -> None:
        found = self._question.result
        self._body.visible = found is not None
        if found is None:
            self._rows = np.empty(0, int)
            self._source.data = {name: [] for name in _COLUMNS}
            self._say(self._question.words)
            self.react_to_brush(self._session.state)
            return
        names = self._session.data.class_names
        rows = found_classes(self._session, found.clearest)[:MOST_CLASSES]
        self._rows = rows
        self._source.data = {
            "y": np.arange(len(rows)), "class": [names[one] for one in rows],
            "within": found.within[rows], "between": found.between[rows],
            "energy": found.energy[rows], "p": found.fdr[rows], "n": found.count[rows],
            "alpha": np.where(found.differs[rows], 1.0, _FAINT),
        }  # fmt: skip
        put_classes_on(self._plot, [names[one] for one in rows])
        if len(rows):
            ends = np.r_[found.within[rows], found.between[rows]]
            room = 0.08 * (ends.max() - ends.min()) or 0.1
            number_range(self._plot.x_range).update(
                start=max(0, ends.min() - room), end=ends.max() + room
            )
        self.react_to_brush(self._session.state)
        self._say(self._words(found))

    def _words(self, found: Consistency) -> str:
        names, known = self._session.data.class_names, int(np.isfinite(found.fdr).sum())
        worded = self._session.data.worded
        sample = f", at most {MOST_OF_CLASS} of a class beside a sample of {grouped(MOST_OTHERS)}"
        images = f"{grouped(found.images)} images{worded(sample) if found.is_sampled else ''}"
        test = (
            f"{METRIC_NAMES[self._session.state.metric]}, {images}, energy distance, "
            f"{grouped(PERMUTATIONS)} permutations, p ≤ {percent(LEVEL)} after Benjamini and "
            "Hochberg"
        )
        differing, alike = int(found.differs.sum()), int(found.is_alike.sum())
        classes = worded("classes")
        of = f"of {grouped(known)} {classes}"
        some = "all" if alike == differing else grouped(alike)
        shown = shown_words(self._session, len(self._rows), known)
        if not differing:
            return f"None {of} uses the heads differently from the rest ({test}).{shown}"
        nearer = np.where(found.is_alike, found.between - found.within, -np.inf)
        most = f", those of {names[int(nearer.argmax())]} most" if alike else ""
        return (
            f"{grouped(differing)} {of} use the heads differently from the rest; in "
            f"{some} of them, images are more like one another than like those of other "
            f"{classes}{most} ({test}).{shown}"
        )

    def _say(self, words: str) -> None:
        self._note.text = words
        self._session.summaries.describe(self.name, words)

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self._source.data["within"]), np.asarray(self._source.data["y"])

    def _brush(self, place: int) -> None:
        """Brush the images of a class; where they are brushed, let go."""
        session, one = self._session, int(self._rows[place])
        images = np.flatnonzero(known_labels(session.data) == one)
        clause = Clause("images", Ids(tuple(images.tolist())))
        if clause in session.state.clauses:
            session.history.change(clauses=without(session.state.clauses, "images"))
        else:
            session.add_clause(clause)
