"""The selected image under one map of its patches, for a class."""

from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import Button, Paragraph, Row, Select

from headbrush.analysis.explain.words import SIGNED
from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.session import Session
from headbrush.server.session.state import (
    EXPLAINED_FORMS,
    EXPLAINED_HEADS,
    EXPLAINED_TILES,
    ViewState,
)
from headbrush.server.views.common.choice import controls_line, labelled, small_buttons
from headbrush.server.views.common.prediction_bars import percent
from headbrush.server.views.common.written import written
from headbrush.server.views.images.gallery_order import sorted_images
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer
from headbrush.server.views.tokens.explain.patch_plot import PatchPlot
from headbrush.server.views.tokens.explain.words import (
    OF_CHOSEN_HEADS,
    TILE_WORDS,
    TITLES,
    faith_words,
    meaning,
)
from headbrush.server.views.tokens.token_name import pinned_patch, token_name
from headbrush.server.views.trends.tiles import class_words, tiles

_PREDICTED = ""
_TILES = ("auto", "1 patch", "2 × 2", "4 × 4")
_MOST_CLASSES = 5
_MOST_IMAGES = 24


class ExplainedImage:
    """The image large, one of its maps over or beside it, and the choice of class and heads."""

    name = "explained_image"
    title = "Which patches speak for this class?"
    help = (
        "The selected image and a map of its patches. Attends: the attention that the output pays "
        "to a patch (of all heads: in the last layer). Moves: how much is moved from it. Speaks "
        "for it: its part of the class's logit, exact along the residual stream; orange "
        "for, blue against. Rollout, generic attention and the logit lens are published methods; "
        "ablation removes the patch: tiles of 4 × 4 first, divided where the effect is large, or "
        "tiles of one size. Point at a patch to read its value, click to "
        "pin it: the heads are then ranked by what they take from it. The map can be of all, of "
        "the brushed, or of the selected heads."
    )

    def __init__(self, session: Session, answer: ExplanationAnswer) -> None:
        self._session, self._answer = session, answer
        self._shown: tuple[object, ...] = ()
        self._class = self._menu("explained_class", "Explained class", 174)
        self._class.on_change("value", self._choose_class)
        self._map = self._menu("explained_map", "Map", 118)
        self._map.options = list(TITLES.items())
        session.history.bind(self._map, "explained_map")
        self._heads = small_buttons("explained_heads", ("all heads", "brushed", "selected"),
                                    margin=(4, 3, 2, 3))  # fmt: skip
        session.history.bind(self._heads, "explained_heads", EXPLAINED_HEADS)
        self._tile = small_buttons("explained_tile", _TILES, margin=(4, 3, 2, 3))
        session.history.bind(self._tile, "explained_tile", EXPLAINED_TILES)
        self._form = small_buttons("explained_form", EXPLAINED_FORMS, margin=(4, 3, 2, 3))
        session.history.bind(self._form, "explained_form", EXPLAINED_FORMS)
        self._retry = Button(
            label="Retry", name="explained_retry", width=56, height=24, css_classes=["hb-small"],
            margin=(4, 3, 2, 3), visible=False,
        )  # fmt: skip
        self._retry.on_click(lambda: answer.retry())
        self._note = Paragraph(
            text="",
            name="explained_note",
            sizing_mode="stretch_width",
            styles={"margin": "2px 6px"},
        )
        self._choice = written("explained_choice", scrolls=True, margin=(2, 6))
        self._plain = PatchPlot(session, "explained_plain", False, self._pin)
        self._mapped = PatchPlot(session, "explained_plot", True, self._pin)
        self._pictures = row(sizing_mode="stretch_both", name="explained_pictures")
        self.layout = column(
            self._controls(), self._note, self._choice, self._pictures,
            sizing_mode="stretch_both", name=self.name,
        )  # fmt: skip
        session.asks.answer("patch", self._pin_asked)
        answer.changed.follow(self._draw)
        session.history.on_change(["explained_form", "token"], self.react)

    def _menu(self, name: str, words: str, width: int) -> Select:
        return Select(
            options=[], width=width, height=24, name=name, css_classes=["hb-small"],
            margin=(4, 3, 2, 3), html_attributes=labelled(words),
        )  # fmt: skip

    def _controls(self) -> Row:
        return controls_line(
            self._class, self._map, self._heads, self._tile, self._form, self._retry
        )

    def react(self, _state: ViewState) -> None:
        """Lay the map over the image, or beside it; tell the pinned patch's value."""
        self._draw()

    def _draw(self) -> None:
        state, answer = self._session.state, self._answer
        is_there = not answer.why_none
        is_ablation = state.explained_map == "ablation"
        for one in (self._class, self._map, self._form):
            one.visible = is_there
        self._heads.visible, self._tile.visible = (
            is_there and not is_ablation,
            is_there and is_ablation,
        )
        self._retry.visible = is_there and answer.can_retry
        self._heads.disabled = state.explained_map not in OF_CHOSEN_HEADS
        self._pictures.visible, self._choice.visible = is_there, state.image is None
        plots = [self._plain.plot] if state.explained_form == "beside" else []
        shown = [*plots, self._mapped.plot] if is_there else []
        if self._pictures.children != shown:  # Bokeh finds no ranges of a hidden plot
            self._pictures.update(children=shown)
        if state.image is None:
            self._offer_images()
        if not is_there or state.image is None:
            self._say(answer.why_none)
            return
        self._offer_classes(state.image)
        values = answer.map(state.explained_map)
        self._draw_pictures(state.image, state, values)
        self._say(self._words(state, values))

    def _offer_images(self) -> None:
        """Brushed images to begin with, those with the largest loss first."""
        session = self._session
        if not session.data.has_classifier:
            self._choice.text = ""
            return
        order = sorted_images(session.data, "loss", "down", session.head.number)
        some = order[session.brush("heads").images[order]][:_MOST_IMAGES].tolist()
        rows = [(one, class_words(session, one), session.data.names[one]) for one in some]
        self._choice.text = f"<p>The largest losses first:</p>{tiles(session, rows)}"

    def _offer_classes(self, image: int) -> None:
        data, state = self._session.data, self._session.state
        chances = data.probability[image]
        probable = np.argsort(-chances, kind="stable")[:_MOST_CLASSES].tolist()
        chosen = [] if state.explained_class is None else [state.explained_class]
        truth = [int(data.labels[image])] if data.is_labelled[image] else []
        options = [
            (_PREDICTED, f"predicted: {self._class_words(image, int(data.predicted[image]))}")
        ]
        for one in dict.fromkeys([*truth, *probable, *chosen]):
            mark = "true: " if one in truth else ""
            options.append((str(one), mark + self._class_words(image, one)))
        self._class.update(options=options)
        value = _PREDICTED if state.explained_class is None else str(state.explained_class)
        self._class.value = value

    def _class_words(self, image: int, which: int) -> str:
        data = self._session.data
        return f"{data.class_name(which)} {percent(float(data.probability[image, which]))}"

    def _draw_pictures(self, image: int, state: ViewState, values: np.ndarray | None) -> None:
        is_beside = state.explained_form == "beside"
        key = image, is_beside, state.explained_map, None if values is None else values.tobytes()
        if key == self._shown:
            return
        self._shown = key
        pixels = self._session.data.pixels(image)
        self._plain.show_image(pixels)
        self._mapped.show_image(None if is_beside else pixels)
        self._mapped.plot.outline_line_alpha = float(is_beside)
        self._mapped.show_map(values, state.explained_map in SIGNED)

    def _words(self, state: ViewState, values: np.ndarray | None) -> str:
        answer, kind = self._answer, state.explained_map
        if answer.fault:
            return answer.fault
        if answer.absent(kind):
            return f"There is no map “{TITLES[kind]}”: {answer.absent(kind)}."
        if values is None:
            return answer.instead
        words = meaning(kind, answer.class_name, self._heads_words())
        faith = faith_words(answer.faith(kind), answer.random)
        return "; ".join(filter(None, (f"{words[0].upper()}{words[1:]}", faith,
                                       self._pinned_words(values)))) + "."  # fmt: skip

    def _heads_words(self) -> str:
        heads, kind = self._answer.heads, self._session.state.explained_map
        if kind == "ablation":
            return TILE_WORDS[self._session.state.explained_tile]
        if heads is None:
            return "all heads" if kind in ("speaks", "rollout") else "the heads of the last layer"
        if self._session.state.explained_heads == "selected":
            return str(self._session.head)
        return f"the {int(heads.sum())} brushed heads"

    def _pinned_words(self, values: np.ndarray) -> str:
        store, token = self._session.data.store, self._session.state.token
        patch = pinned_patch(store, self._session.state)
        if token is None or patch < 0:
            return ""
        return f"{token_name(store, token)}: {values[patch]:.3g}"

    def _say(self, words: str) -> None:
        self._note.text = words
        image = self._session.state.image
        where = "" if image is None else f"{self._session.data.names[image]}: "
        self._session.summaries.describe(self.name, f"{where}{words}")

    def _choose_class(self, _attribute: str, _old: str, new: str) -> None:
        count = self._session.data.probability.shape[1]
        if new == _PREDICTED:
            self._session.history.change(explained_class=None)
        elif new.isdecimal() and int(new) < count:
            self._session.history.change(explained_class=int(new))

    def _pin_asked(self, token: Any) -> None:
        store = self._session.data.store
        number = number_below(str(token), self._session.data.num_tokens)
        if number is not None and number >= store.num_prefix_tokens:
            self._pin(number)

    def _pin(self, token: int) -> None:
        """Pin a patch; the one that is pinned is let go."""
        is_pinned = token == self._session.state.token
        self._session.history.change(token=None if is_pinned else token)
