"""Which heads stand in for each other: the store's interactions, and what answers a loss."""

from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import LayoutDOM, Paragraph, Select

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.studies.compensation import load_compensation
from headbrush.analysis.store.facts.studies.interactions import (
    GROUPS,
    LEVEL,
    MeanInteractions,
    load_interactions,
)
from headbrush.server.session.prune.choosing import heads_set
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.views.common.choice import labelled
from headbrush.server.views.what_if.relations.answers import Answers
from headbrush.server.views.what_if.relations.pair_plots import PairArcs, PairMatrix

_ANSWERS = "answers"
_MISSING = (
    "This store has no interactions yet: “headbrush interactions {0}” prunes every pair of heads, "
    "and says which stand in for each other; “headbrush compensation {0}” what answers when one is "
    "gone. Reload this page when it is done."
)


class HeadPairs:
    """A matrix of all pairs with arcs of the selected head, or what answers when one is gone."""

    name = "head_pairs"
    title = "Which heads stand in for each other?"
    help = (
        "Each cell is a pair of heads: the mean of ι = e(ab) − e(a) − e(b), the part of pruning "
        "both that pruning each alone does not tell, on the logit of the true class. Orange, "
        "above 0: more is lost together than separately, so each stands in for the other. Blue: "
        "their effects overlap. Grey cells lie within the noise of rounding; pairs with a dot "
        "differ from 0 after correction for so many pairs (Student's t, Benjamini and "
        "Hochberg).\n\n"
        "Click a cell to prune both. Below, arcs lead from the selected head to those it "
        "interacts with, wider for larger effects, pale where it could be chance; click the end "
        "of one to select that head.\n\n"
        "What answers: pruning a head changes the logit by what it says directly, less the "
        "responses of later heads, MLPs and the final norm, which add up exactly. It tells what "
        "did change, not what would be lost if what answers went too."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._note = Paragraph(
            text="", name="pairs_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        store = session.data.store
        studies = (load_interactions(store, groups) for groups in GROUPS)
        self._studies = {study.groups: study for study in studies if study is not None}
        self._answered = load_compensation(store)
        self._answers: Answers | None = None
        is_there = bool(self._studies) or self._answered is not None
        controls, drawn = self._parts() if is_there else ([], [])
        body = column(*drawn, sizing_mode="stretch_both", name="pairs_body", visible=is_there)
        self.layout = column(
            self._note, *controls, body, sizing_mode="stretch_both", name=self.name
        )
        if not is_there:
            missing = _MISSING.format(store.path.name)
            self._say(missing if session.data.has_classifier else session.data.no_prediction)
            return
        self._show(self._choice.value)
        session.history.on_change(["layer", "head"], self.react_to_head)

    def _parts(self) -> tuple[list[LayoutDOM], list[LayoutDOM]]:
        """What a page's reader chooses with, and what is drawn."""
        options: list[Any] = [(one, f"pairs of {GROUPS[one]}") for one in self._studies]
        drawn: list[LayoutDOM] = []
        if self._studies:
            self._matrix = PairMatrix(self._session, self._prune_pair)
            self._arcs = PairArcs(self._session, self._select)
            drawn += [self._matrix.plot, self._arcs.plot]
        if self._answered is not None:
            options.append((_ANSWERS, "what answers when a head is gone"))
            self._answers = Answers(self._session, self._answered, self._session.select_head)
            drawn.append(self._answers.layout)
        self._choice = Select(
            value=options[0][0], options=options, height=24, name="pairs_groups",
            css_classes=["hb-small"], margin=(2, 6), width=240,
            html_attributes=labelled("Relations of heads"), visible=len(options) > 1,
        )  # fmt: skip
        self._choice.on_change("value", lambda _attribute, _old, new: self._show(new))
        return [self._choice], drawn

    def _show(self, shown: str) -> None:
        if shown != _ANSWERS and shown not in self._studies:
            return
        if self._answers is not None:
            self._answers.layout.visible = shown == _ANSWERS
        if self._studies:
            self._matrix.plot.visible = self._arcs.plot.visible = shown != _ANSWERS
        if shown in self._studies:
            self._study = self._studies[shown]
            self._matrix.show(self._study)
        self.react_to_head(self._session.state)

    @property
    def study(self) -> MeanInteractions | None:
        """The interactions that are shown, if any are."""
        is_shown = bool(self._studies) and self._matrix.plot.visible
        return self._study if is_shown else None

    def react_to_head(self, _state: ViewState) -> None:
        """Draw the arcs, or the account, of the selected head, and frame it."""
        if self._answers is not None and self._answers.layout.visible:
            self._say(self._answers.show(self._session.head.number))
            return
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
