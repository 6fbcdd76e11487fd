"""C1: every head by layer and by the entropy of its strength vector (the paper's Sec. 5.3.2)."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    Range1d,
    SingleIntervalTicker,
)

from headbrush.server.session.brush.dot_share import share_label, share_words, sized
from headbrush.server.session.palette import SELECTED
from headbrush.server.session.session import Session
from headbrush.server.session.state import OVERVIEWS, ViewState
from headbrush.server.stores.words import within_words
from headbrush.server.tools.bokeh.bokeh_types import columns_of, ends_of
from headbrush.server.tools.bokeh.column_updates import update_columns
from headbrush.server.tools.loops.means import mean_and_deviation
from headbrush.server.views.common.choice import small_choice
from headbrush.server.views.common.figure_tools import (
    head_hover,
    make_figure,
    on_narrowing,
    on_nearest,
    outlined,
    padded_range,
)
from headbrush.server.views.strength.bits_bar import BitsBar
from headbrush.server.views.strength.bits_overview import BitsOverview
from headbrush.server.views.strength.head_counts import HeadCounts
from headbrush.server.views.strength.name_table import NameTable


class StrengthOverview:
    """Heads of the selected image, or their mean over the brushed images."""

    name = "strength_overview"
    title = "Do heads look near or everywhere?"
    help = (
        "Each point is a head. Low entropy: its patches attend to neighbours at one distance; "
        "high: equally to patches at all distances. Click to select a head, drag a box or a lasso "
        "to brush heads. Counts show how many patterns of each head are brushed. Bits show what "
        "decides where a head looks: fixed, the same in every image; content, by the image's class "
        "or the image itself; spread, not decided. The bar is that of the selected head; while "
        "images are brushed, a second one has brushed or not as the class. Names count the heads "
        "of each layer by what most of their patterns are called; click a cell to brush its heads."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        data = session.data
        within = within_words(data, "hops, bits and names are those within a window")
        self.help = f"{self.help} {within}".strip()
        self._selected = ColumnDataSource({"x": [], "y": []}, name="head_ring")
        self.plot = plot = make_figure(
            "overview_plot",
            brush=("lasso", "box"),
            x_range=Range1d(start=-0.7, end=data.num_layers - 0.3),
            y_range=padded_range(data.entropy),
        )
        on_narrowing(plot, session.narrow)
        self.extent = ends_of(plot.y_range)
        plot.xaxis.axis_label = "layer"
        plot.xaxis.ticker = SingleIntervalTicker(interval=max(1, data.num_layers // 12))
        plot.yaxis.axis_label = "entropy (0–1)"
        dots = plot.scatter(
            "layer_jitter", "entropy", source=session.heads, fill_color="colour",
            line_color="white", line_width=0.5, nonselection_alpha=0.15, **outlined(2),
            **sized(9, 4, 15),
        )  # fmt: skip
        plot.scatter(
            "x", "y", source=self._selected, size=17, fill_color=None, line_color=SELECTED,
            line_width=3, level="overlay",
        )  # fmt: skip
        tips = [("head", "@label"), ("entropy", "@entropy{0.000}")]
        plot.add_tools(head_hover(session, dots, tips))
        on_nearest(plot, self._points, session.select_head)
        self._share = share_label(plot)
        self._counts = HeadCounts(session)
        self._bits = BitsOverview(session)
        self._bar: BitsBar | None = None
        self._names = NameTable(session)
        shown = small_choice(session.history, "overview", OVERVIEWS)
        self.layout = column(
            shown,
            plot,
            self._counts.plot,
            self._bits.layout,
            self._names.layout,
            sizing_mode="stretch_both",
            name=self.name,
        )
        session.history.follow(["overview"], self.react_to_overview)
        session.history.follow(["image", "clauses"], self.react)
        session.history.on_change(["layer", "head"], self.react_to_head)

    def react_to_overview(self, new: ViewState) -> None:
        """Show entropies, counts, bits, or names."""
        self.plot.visible = new.overview == "entropy"
        self._counts.plot.visible = new.overview == "counts"
        self._names.show(new.overview == "names")
        is_bits = new.overview == "bits"
        self._bits.show(is_bits)
        if is_bits and self._bar is None:
            self._bar = BitsBar(self._session)
            self.layout.children = [*self.layout.children, self._bar.layout]
        if self._bar is not None:
            self._bar.layout.visible = is_bits

    def react(self, new: ViewState) -> None:
        """Show the entropies of the selected image, or the mean over the brushed ones."""
        entropy = self._session.data.entropy
        if new.image is None:
            shown = mean_and_deviation(entropy, self._session.brush("heads").images)[0]
        else:
            shown = entropy[new.image]
        update_columns(self._session.heads, entropy=shown)
        self._share.text = share_words(self._session.brushes.head_share)
        self._bits.say_share(self._share.text)
        self.react_to_head(new)

    def react_to_head(self, _state: ViewState) -> None:
        """Ring the selected head."""
        number = [self._session.head.number]
        x, y = self._points()
        update_columns(self._selected, x=x[number], y=y[number])
        self._describe(y, number[0])

    def _describe(self, entropy: np.ndarray, number: int) -> None:
        labels = self._session.data.head_labels
        if not np.isfinite(entropy).any():
            words = "No image is brushed, so no head has an entropy."
        else:
            low, high = int(np.nanargmin(entropy)), int(np.nanargmax(entropy))
            words = (
                f"Entropy of {len(entropy)} heads, from {entropy[low]:.2f} at {labels[low]} to "
                f"{entropy[high]:.2f} at {labels[high]}; selected head {labels[number]}: "
                f"{entropy[number]:.2f}."
            )
        if self._session.data.head_bits:
            words += f" {labels[number]}: {self._session.data.head_bits[number].words}."
        self._session.summaries.describe(self.name, words)

    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        columns = columns_of(self._session.heads)
        return np.asarray(columns["layer_jitter"]), np.asarray(columns["entropy"])
