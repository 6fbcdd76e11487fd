"""The effect of the prune set and of the named ones on the predictions, as a table."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

from bokeh.layouts import column, row
from bokeh.models import Button, TextInput

from headbrush.analysis.model.pruning.prune_set import NOTHING, PruneSet
from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.named_brushes import LONGEST_NAME, NamedError
from headbrush.server.session.prune.named_sets import (
    MOST_SETS,
    compared_sets,
    from_json,
    joined_sets,
    to_json,
    with_set,
)
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.views.common.choice import labelled
from headbrush.server.views.common.written import CROSS, button, written
from headbrush.server.views.what_if.set_answer import SetAnswer
from headbrush.server.views.what_if.words import (
    effect_sentence,
    gone_counts,
    interval_words,
    percent,
)

_SENTENCE = "56px"
"""Three lines: what is below must not move away from the pointer when a set is chosen."""
_TITLES = ("set", "heads gone", "correct", "95 %", "mean JSD (bits)", "changed")


class SetEffects:
    """Accuracy with its interval, divergence and changed predictions, growing image by image."""

    name = "set_effects"
    title = "What do the predictions become?"
    help = (
        "The model predicts the brushed images (all if none) again without the heads of the "
        "prune set, image by image in a random order; the figures grow with each answer. The "
        "interval is Wilson's, at 95 %. JSD is the Jensen-Shannon divergence from the unpruned "
        "prediction; changed counts the images whose most probable class is another. Give a set "
        "a name to compare it with others over the same images; named sets are saved in this "
        "browser and are part of the page's link."
    )

    def __init__(self, session: Session, answer: SetAnswer) -> None:
        self._session, self._answer = session, answer
        self._linked = session.reader.sets
        self._said = written("set_said", margin=(3, 6, 2, 6), styles={"min-height": _SENTENCE})
        self._table = written("set_table", scrolls=True, margin=(0, 6))
        self._name = TextInput(
            value="", placeholder="name of the set", max_length=LONGEST_NAME, width=150, height=24,
            name="set_name", css_classes=["hb-small"], margin=(2, 3),
            html_attributes=labelled("Name of the set"),
        )  # fmt: skip
        self._save = Button(
            label="Save the set", name="set_save", width=84, height=24, css_classes=["hb-small"],
            margin=(2, 3),
        )  # fmt: skip
        self._save.on_click(lambda: self._say_fault(self._save_set))
        self._note = written("set_note", margin=(4, 6))
        self._kept = Channel(name="prune_sets", tags=[{}])
        self.layout = column(
            self._said, row(self._name, self._save, self._note, sizing_mode="stretch_width"),
            self._table, sizing_mode="stretch_both", name=self.name,
            tags=[self._kept],
        )  # fmt: skip
        for kind, act in (
            ("drop", self._give_back), ("apply", self._apply), ("delete", self._delete),
            ("restore", self._restore),
        ):  # fmt: skip
            session.asks.answer(kind, partial(self._act, act))
        answer.changed.follow(self._draw)
        session.history.on_change(["image"], self.react)
        self._tell()

    def react(self, _state: ViewState) -> None:
        """Nothing of it depends on the image; its waiting words do."""
        self._draw()

    def _draw(self) -> None:
        session, answer = self._session, self._answer
        pruned, why = session.state.pruned, answer.why_none
        self._save.disabled = not pruned
        self._table.text = "" if why else self._rows()
        sentence = why or self._sentence(pruned)
        self._said.text = f"<p>{escape(sentence)}</p>"
        session.summaries.describe(self.name, sentence)

    def _sentence(self, pruned: PruneSet) -> str:
        answer = self._answer
        effect = answer.effect(pruned)
        if not pruned:
            return "No head is pruned: choose heads in E1 to see what the predictions become."
        if effect is None:
            return answer.fault_of(pruned) or answer.waits_for or "asking the model …"
        of = answer.count_words(pruned)
        return effect_sentence(pruned, self._session.data.num_heads, effect, of)

    def _rows(self) -> str:
        state, sets = self._session.state, self._session.reader.sets
        rows = [self._row("unpruned", NOTHING, False)]
        shown = compared_sets(sets, state.pruned)
        for place, one in enumerate(shown, len(sets) - len(shown)):
            name = one.name if place < 0 else _buttons(place, one.name)
            rows.append(self._row(name, one.pruned, one.pruned == state.pruned))
        head = "".join(f'<th scope="col">{title}</th>' for title in _TITLES)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    def _row(self, name: str, pruned: PruneSet, is_shown: bool) -> str:
        """A row; ``name`` is HTML."""
        gone = gone_counts(pruned)
        effect = self._answer.effect(pruned)
        if not pruned:
            some = next(filter(None, map(self._answer.effect, self._all_sets())), None)
            cells = [gone, "–" if some is None else percent(some.accuracy_before), "", "", ""]
        elif effect is None:
            cells = [gone, self._answer.fault_of(pruned) or "…", "", "", ""]
        else:
            cells = [
                gone, percent(effect.accuracy), interval_words(effect), f"{effect.jsd:.3g}",
                f"{len(effect.flipped)} of {effect.count}",
            ]  # fmt: skip
        told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        mark = ' aria-current="true"' if is_shown else ""
        return f'<tr{mark}><th scope="row">{name}</th>{told}</tr>'

    def _all_sets(self) -> list[PruneSet]:
        return [self._session.state.pruned, *(one.pruned for one in self._session.reader.sets)]

    def _tell(self, keep: bool = False) -> None:
        """Tell the browser which store it is, and what to keep."""
        data = self._session.data
        kept = to_json(self._session.reader.sets) if keep else None
        self._kept.tags = [
            {"store": data.store.path.name, "images": data.fingerprint, "keep": kept}
        ]

    def _act(self, act: Callable[[Any], None], asked: Any) -> None:
        self._say_fault(lambda: act(asked))

    def _say_fault(self, act: Callable[[], None]) -> None:
        self._note.text = ""
        try:
            act()
        except NamedError as error:
            self._note.text = escape(str(error))

    def _save_set(self) -> None:
        reader = self._session.reader
        name = self._name.value or f"set {len(reader.sets) + 1}"
        reader.change_sets(with_set(reader.sets, name, self._session.state.pruned))
        self._name.value = ""
        self._linked = ()
        self._tell(keep=True)

    def _give_back(self, place: Any) -> None:
        parts = self._session.state.pruned.parts
        number = number_below(str(place), len(parts))
        if number is not None:
            kept = PruneSet(parts[:number] + parts[number + 1 :])
            self._session.history.change(pruned=kept)

    def _apply(self, place: Any) -> None:
        number = number_below(str(place), len(self._session.reader.sets))
        if number is not None:
            self._session.history.change(pruned=self._session.reader.sets[number].pruned)

    def _delete(self, place: Any) -> None:
        sets = self._session.reader.sets
        number = number_below(str(place), len(sets))
        if number is not None:
            self._session.reader.change_sets(sets[:number] + sets[number + 1 :])
            self._linked = ()
            self._tell(keep=True)

    def _restore(self, text: Any) -> None:
        own, note = from_json(str(text), self._session.data)
        joined = joined_sets(own, self._linked)
        if joined != self._session.reader.sets:
            self._session.reader.change_sets(joined)
        lost = {one.pruned for one in self._linked} - {one.pruned for one in joined}
        if lost:
            left = f"{len(lost)} of the link's are left out."
            note = f"{note} At most {MOST_SETS} sets are kept; {left}"
        self._note.text = escape(note.strip())


def _buttons(place: int, name: str) -> str:
    """HTML of a named set: to delete it, and to prune it again."""
    label = f"<span>{escape(name)}</span>"
    delete = button("delete", place, CROSS, f"Delete {name}")
    return delete + button("apply", place, "", f"Prune {name} again", label)
