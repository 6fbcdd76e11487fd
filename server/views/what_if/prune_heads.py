"""The prune set: cells to tap, chips, and ways to choose many heads at once."""

from collections.abc import Callable
from html import escape

from bokeh.layouts import column, row
from bokeh.models import Button, NumericInput, Row, Select

from headbrush.analysis.model.pruning.modes import PRUNING_MODES
from headbrush.analysis.model.pruning.prune_set import NOTHING
from headbrush.server.session.prune.choosing import (
    families_of_heads,
    heads_set,
    part_words,
    weakest,
)
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.metrics import DIRECT, METRIC_NAMES
from headbrush.server.views.common.choice import controls_line, labelled
from headbrush.server.views.common.written import CROSS, button, written
from headbrush.server.views.importance.pruning_answer import mode_labels
from headbrush.server.views.what_if.head_grid import HeadGrid
from headbrush.server.views.what_if.words import gone_words

_NO_NAME = ""
_MOST_CHIPS = 400


class PruneHeads:
    """What is pruned, and how it is chosen."""

    name = "prune_heads"
    title = "Which heads are gone?"
    help = (
        "The prune set: these heads are left out, all at once. Click a cell to prune a head or to "
        "give it back; drag over many (Shift adds, Ctrl+Shift takes away). A cell is darker, "
        "the more pruning that head alone changes over the brushed images (by the square root). "
        "Choose a part of a "
        "head to prune only that part of its attention. The weakest are those with the least mean "
        "of the chosen metric. The set is in the page's link, and Undo takes it back."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._modes = mode_labels(session.data.store)
        self._grid = HeadGrid(session)
        self._chips = written(
            "prune_chips", styles={"height": "42px", "overflow": "hidden auto"},
            margin=(0, 6, 2, 6),
        )  # fmt: skip
        self._selected = self._button("", "prune_selected", self._prune_selected, 110)
        self._brushed = self._button("", "prune_brushed", self._prune_brushed, 112)
        self._clear = self._button("Clear", "prune_clear", self._prune_none, 48)
        self.layout = column(
            self._controls(), self._chips, self._grid.plot, sizing_mode="stretch_both",
            name=self.name,
        )  # fmt: skip
        session.history.follow(["pruned", "layer", "head", "clauses"], self.react)
        session.history.follow(["metric"], self._call_weakest)

    def _controls(self) -> Row:
        data = self._session.data
        has_prefix = data.store.num_prefix_tokens > 0
        modes = PRUNING_MODES if has_prefix else PRUNING_MODES[:1]
        names = {1: "whole heads"} | {mode: self._modes[mode] for mode in modes[1:]}
        mode = Select(
            value="1", options=[(str(mode), name) for mode, name in names.items()], width=126,
            height=24, name="prune_mode", css_classes=["hb-small"], margin=(4, 3, 2, 3),
            html_attributes=labelled("What a click prunes"), visible=has_prefix,
        )  # fmt: skip
        mode.on_change("value", self._choose_mode)
        families = families_of_heads(data)
        named = [(family, f"{family} · {len(heads)}") for family, heads in families]
        self._families = dict(families)
        self._by_name = Select(
            value=_NO_NAME, options=[(_NO_NAME, "by pattern name …"), *named], width=142, height=24,
            name="prune_by_name", css_classes=["hb-small"], margin=(4, 3, 2, 3),
            html_attributes=labelled("Prune the heads of a pattern name"), visible=bool(families),
        )  # fmt: skip
        self._by_name.on_change("value", self._prune_named)
        self._count = NumericInput(
            value=min(5, data.num_heads), low=1, high=data.num_heads, width=44, height=24,
            name="prune_count", css_classes=["hb-small"], margin=(4, 1, 2, 3),
            html_attributes=labelled("How many of the weakest heads"),
        )  # fmt: skip
        self._weakest = self._button("weakest", "prune_weakest", self._prune_weakest, 58)
        return controls_line(
            mode,
            self._selected,
            self._brushed,
            self._by_name,
            row(self._count, self._weakest, margin=0),
            self._clear,
        )

    def _button(self, label: str, name: str, act: Callable[[], None], width: int) -> Button:
        made = Button(
            label=label, name=name, width=width, height=24, css_classes=["hb-small"],
            margin=(4, 3, 2, 3),
        )  # fmt: skip
        made.on_click(lambda: act())
        return made

    def react(self, new: ViewState) -> None:
        """Write the chips, and what the buttons would do."""
        data = self._session.data
        words = [part_words(data, part, self._modes) for part in new.pruned]
        chips = [
            f'<span class="hb-chip">{escape(one)}'
            + button("drop", number, CROSS, f"Give {one} back")
            + "</span>"
            for number, one in enumerate(words[:_MOST_CHIPS])
        ]
        rest = f" and {len(words) - _MOST_CHIPS} more" if len(words) > _MOST_CHIPS else ""
        empty = "No head is pruned: click a cell, drag over many, or choose heads above."
        self._chips.text = " ".join(chips) + rest if words else empty
        is_in = (new.layer, new.head) in new.pruned.places
        self._selected.label = f"{'keep' if is_in else 'prune'} {self._session.head}"
        brush = self._session.brush().heads
        self._brushed.label = f"{int(brush.sum())} brushed heads"
        self._brushed.disabled = not brush.any() or bool(brush.all())
        self._clear.disabled = not new.pruned
        said = gone_words(new.pruned, data.num_heads)
        self._session.summaries.describe(
            self.name, f"Pruned: {said}: {', '.join(words)}." if words else "No head is pruned."
        )

    def _call_weakest(self, new: ViewState) -> None:
        which = f"with the least mean {METRIC_NAMES[new.metric]}"
        if new.metric == DIRECT:
            which = "that say least for or against the true class"
        title = f"Prune so many heads {which}, and no others"
        self._weakest.html_attributes = {"title": title}

    def _choose_mode(self, _attribute: str, _old: str, new: str) -> None:
        if new.isdecimal() and int(new) in PRUNING_MODES:
            self._grid.mode = int(new)

    def _prune_selected(self) -> None:
        state = self._session.state
        (part,) = heads_set(self._session.data, [self._session.head.number], self._grid.mode)
        self._session.history.change(pruned=state.pruned.toggled(part))

    def _prune_brushed(self) -> None:
        self._add(self._session.brush().heads.nonzero()[0].tolist())

    def _prune_named(self, _attribute: str, _old: str, new: str) -> None:
        if new in self._families:
            self._add(self._families[new])
            self._by_name.value = _NO_NAME

    def _prune_weakest(self) -> None:
        data, count = self._session.data, int(self._count.value or 1)
        images = self._session.brush("heads").images
        numbers = weakest(data, self._session.state.metric, images, count)
        self._session.history.change(pruned=heads_set(data, numbers, self._grid.mode))

    def _prune_none(self) -> None:
        self._session.history.change(pruned=NOTHING)

    def _add(self, numbers: list[int]) -> None:
        more = heads_set(self._session.data, numbers, self._grid.mode)
        self._session.history.change(pruned=self._session.state.pruned | more)
