"""Which head of one store is which of the other: chosen, changed by hand, and saved."""

from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from bokeh.layouts import column
from bokeh.models import Paragraph, Row, Select

from headbrush.server.session.beside.matched_heads import MatchedHeads
from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.state import Stage, ViewState
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.trends.matching import MATCHES
from headbrush.server.views.beside.partner_map import PartnerMap
from headbrush.server.views.common.choice import controls_line, labelled
from headbrush.server.views.common.class_axis import shortened
from headbrush.server.views.common.written import button, written

_WAYS = {"place": "by place", "correlation": "by correlation", "name": "by pattern name"}
_NONE = "-1"
_UNDO = "Match all heads as before the changes by hand"
_SAVE = "Pairs and differences, as one CSV file"
_WEAK = 0.2
"""A correlation below which partners hardly matter to the same images."""


class HeadPartners:
    """The ways to match, the partner of the selected head, and a map of all."""

    name = "head_partners"
    title = "Which head is which?"
    help = (
        "Selecting or brushing heads on one side does so for their partners on the other, and "
        "the differences compare partners.\n\n"
        "By place: the same layer and head. By correlation: heads that matter to the same "
        "images, by Spearman's rank correlation over the images of the same name; the sum over "
        "all partners is as large as it can be. By pattern name: heads of the same name at the "
        "nearest depth.\n\n"
        "The map has a cell for every head of the first store (columns) and of the second "
        "(rows): the stronger its colour, the more they correlate. Dots are partners, pink ones "
        "changed by hand. Click a column to select its head; the menu gives it another partner, "
        "and a head that had this one takes the former partner. “headbrush trends --beside … "
        "--match FILE” reads the saved CSV."
    )

    def __init__(
        self, matched: MatchedHeads, names: Sequence[str], save: Callable[[MatchedHeads], None]
    ) -> None:
        self._matched, self._names = matched, (names[0], names[1])
        self._first, self._second = matched.sessions
        self._ways = written("partner_ways", margin=(4, 6, 0, 6))
        self._select = Select(
            options=[], height=24, width=200, name="partner", css_classes=["hb-small"],
            margin=(2, 3), html_attributes=labelled("Partner of the selected head"),
        )  # fmt: skip
        self._is_writing = False
        self._select.on_change("value", self._on_select)
        self._of = Paragraph(text="", name="partner_of", margin=(2, 3, 2, 6))
        self._said = written("partner_said", margin=(2, 6))
        self._map = PartnerMap(matched, self._names, self._first.select_head)
        self.layout = column(
            self._ways, self._choice(), self._said, self._map.plot, sizing_mode="stretch_both",
            name=self.name,
        )  # fmt: skip
        asks = self._first.asks
        asks.answer("match", self._on_way)
        asks.answer("partners", lambda _number: self._first.history.change(partners=()))
        asks.answer("partners_csv", lambda _number: save(matched))
        self._first.history.follow(["match", "partners"], self.react, Stage.PAGE)
        self._first.history.on_change(["layer", "head"], self.react_to_head)

    def _choice(self) -> Row:
        return controls_line(self._of, self._select)

    def react(self, state: ViewState) -> None:
        """Show how heads are matched."""
        self._map.show()
        self._ways.text = f"<p>{' '.join(self._way(how) for how in MATCHES)}</p>{self._reasons()}"
        self.react_to_head(state)

    def _way(self, how: str) -> str:
        is_chosen = how == self._first.state.match
        number, label = list(MATCHES).index(how), _WAYS[how]
        why = self._why_not(how)
        made = button("match", number, label, why or MATCHES[how], escape(label), is_chosen)
        return made.replace("<button", '<button aria-disabled="true"', 1) if why else made

    def _why_not(self, how: str) -> str:
        return "" if self._matched.matches is None else self._matched.matches.why_not.get(how, "")

    def _reasons(self) -> str:
        reasons = [
            f"Not {label}: {escape(self._why_not(how))}."
            for how, label in _WAYS.items() if self._why_not(how)
        ]  # fmt: skip
        return f'<p class="hb-quiet">{" ".join(reasons)}</p>' if reasons else ""

    def react_to_head(self, _state: ViewState) -> None:
        """Show the partner of the selected head."""
        head = self._first.head.number
        self._map.mark(head)
        first, second = map(shortened, self._names)
        self._of.text = f"{self._first.data.head_labels[head]} of {first} ↔ {second}:"
        self._is_writing = True
        try:
            self._select.update(options=self._options(head), value=str(self._matched.pairs[head]))
        finally:
            self._is_writing = False
        self._say(head)

    def _options(self, head: int) -> list[tuple[str, str]]:
        """Heads of the second store, those that correlate most first."""
        labels = self._second.data.head_labels
        others = np.arange(len(labels))
        r = self._matched.correlations(np.full(len(labels), head), others)
        order = np.argsort(-np.nan_to_num(r, nan=-2), kind="stable")
        known = {int(one): f", r = {r[one]:.2f}" for one in order if np.isfinite(r[one])}
        heads = [(str(one), f"{labels[one]}{known.get(one, '')}") for one in order.tolist()]
        return [*heads, (_NONE, "no partner")]

    def _say(self, head: int) -> None:
        words = self._matched.words or self._words()
        by_hand = bool(self._first.state.partners)
        undo = button("partners", 0, "", _UNDO, "Drop changes") if by_hand else ""
        save = button("partners_csv", 0, "", _SAVE, "Save CSV")
        self._said.text = f'<div class="hb-line"><p>{escape(words)}</p>{undo}{save}</div>'
        labels, other = self._second.data.head_labels, int(self._matched.pairs[head])
        partner = labels[other] if other >= 0 else "no partner"
        self._first.summaries.describe(
            self.name, f"{words} {self._first.data.head_labels[head]} is matched with {partner}."
        )

    def _words(self) -> str:
        """How many are partners, and how alike they are."""
        matched = self._matched
        heads = np.flatnonzero(matched.pairs >= 0)
        said = f"{len(heads)} of {len(matched.pairs)} heads have a partner"
        if by_hand := int(matched.changed_by_hand.sum()):
            said += f", {by_hand} changed by hand"
        r = matched.correlations(heads, matched.pairs[heads])
        r = r[np.isfinite(r)]
        if not len(r) or matched.matches is None:
            return f"{said}."
        weak = int((r < _WEAK).sum()) or "none"
        return (
            f"{said}. Rank correlation of {METRIC_NAMES[matched.matches.metric]} over "
            f"{matched.matches.common} common images: median {np.median(r):.2f}, {weak} "
            f"below {_WEAK:g}."
        )

    def _on_way(self, number: object) -> None:
        place = number_below(str(number), len(MATCHES))
        if place is not None:
            self._matched.choose(list(MATCHES)[place])

    def _on_select(self, _attribute: str, _old: str, new: str) -> None:
        other = -1 if new == _NONE else number_below(new, self._second.data.num_heads)
        if not self._is_writing and other is not None:
            self._matched.give(self._first.head.number, other)
