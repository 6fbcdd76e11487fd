"""Which heads stand in for each other: the store's interactions of all pairs."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import LayoutDOM, Paragraph, Select

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.studies.interactions import (
    GROUPS,
    LEVEL,
    load_interactions,
)
from headbrush.server.session.prune.choosing import heads_set
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.views.common.choice import labelled
from headbrush.server.views.what_if.pair_plots import PairArcs, PairMatrix

_MISSING = (
    "This store has no interactions yet: “headbrush interactions {}” prunes every pair of heads, "
    "and says which stand in for each other. Reload this page when it is done."
)


class HeadPairs:
    """A matrix of all pairs, and arcs from the selected head to those it interacts with."""

    name = "head_pairs"
    title = "Which heads stand in for each other?"
    help = (
        "Each cell is a pair of heads: the mean of ι = e(ab) − e(a) − e(b), the part of pruning "
        "both that pruning each alone does not tell, on the logit of the true class. Orange, "
        "above 0: more is lost together than separately, so each stands in for the other. Blue: "
        "their effects overlap. Grey cells lie within the noise of rounding; pairs with a dot "
        "differ from 0 after correction for so many pairs (Student's t, Benjamini and Hochberg). "
        "Click a cell to prune both. Below, arcs lead from the selected head to those it "
        "interacts with, wider for larger effects, pale where it could be chance; click the end of "
        "one to select that head."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._note = Paragraph(
            text="", name="pairs_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        studies = (load_interactions(session.data.store, groups) for groups in GROUPS)
        self._studies = {study.groups: study for study in studies if study is not None}
        controls, drawn = self._parts() if self._studies else ([], [])
        body = column(
            *drawn, sizing_mode="stretch_both", name="pairs_body", visible=bool(self._studies)
        )
        self.layout = column(
            self._note, *controls, body, sizing_mode="stretch_both", name=self.name
        )
        if not self._studies:
            self._say(_MISSING.format(session.data.store.path.name))
            return
        self._show(next(iter(self._studies)))
        session.history.on_change(["layer", "head"], self.react_to_head)

    def _parts(self) -> tuple[list[LayoutDOM], list[LayoutDOM]]:
        """What a page's reader chooses with, and what is drawn."""
        groups = list(self._studies)
        choice = Select(
            value=groups[0], options=[(one, GROUPS[one]) for one in groups], height=24,
            name="pairs_groups", css_classes=["hb-small"], margin=(2, 6), width=230,
            html_attributes=labelled("Pairs of"), visible=len(groups) > 1,
        )  # fmt: skip
        choice.on_change("value", lambda _attribute, _old, new: self._show(new))
        self._matrix = PairMatrix(self._session, self._prune_pair)
        self._arcs = PairArcs(self._session, self._select)
        return [choice], [self._matrix.plot, self._arcs.plot]

    def _show(self, groups: str) -> None:
        study = self._studies.get(groups)
        if study is not None:
            self._study = study
            self._matrix.show(study)
            self.react_to_head(self._session.state)

    def react_to_head(self, _state: ViewState) -> None:
        """Draw the arcs of the selected head, and frame it."""
        place = self._place()
        self._matrix.mark(place)
        self._arcs.show(self._study, place)
        self._say(self._words(place))

    def _place(self) -> int | None:
        """Where the selected head, or the group that holds it, is in the study."""
        number = self._session.head.number
        holds = (place for place, heads in enumerate(self._study.members) if number in heads)
        return next(holds, None)

    def _words(self, place: int | None) -> str:
        study = self._study
        above = np.triu(study.significant, 1)
        count, together = int(above.sum()), int((above & (study.iota > 0)).sum())
        of = (
            f"{grouped(len(study.pairs))} pairs of {len(study.names)} {study.groups}, "
            f"{study.images} images"
        )
        if not count:
            return f"No pair interacts beyond chance ({of}; q ≤ {LEVEL:g})."
        said = (
            f"{grouped(count)} pairs interact beyond chance, {grouped(together)} of them stand in "
            f"for each other ({of}; q ≤ {LEVEL:g})."
        )
        return f"{said} {self._of_one(place)}" if place is not None else said

    def _of_one(self, place: int) -> str:
        study, name = self._study, self._study.names[place]
        partners = np.flatnonzero(study.significant[place])
        if not len(partners):
            return f"{name} interacts with none beyond chance."
        first = int(partners[np.argmax(np.abs(study.iota[place, partners]))])
        iota = study.iota[place, first]
        how = "stands in most for" if iota > 0 else "overlaps most with"
        return (
            f"{name} {how} {study.names[first]}: {iota:+.2g} logits "
            f"[{study.low[place, first]:.2g}, {study.high[place, first]:.2g}]."
        )

    def _say(self, words: str) -> None:
        self._note.text = words
        self._session.summaries.describe(self.name, words)

    def _prune_pair(self, first: int, second: int) -> None:
        heads = sorted({*self._study.members[first], *self._study.members[second]})
        chosen = heads_set(self._session.data, heads)
        if chosen == self._session.state.pruned:
            return
        head = self._session.data.head(self._study.members[first][0])
        self._session.history.change(pruned=chosen, layer=head.layer, head=head.head)

    def _select(self, place: int) -> None:
        self._session.select_head(self._study.members[place][0])
