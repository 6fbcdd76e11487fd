"""All maps of the selected image beside one another, with how faithful each is."""

from html import escape
from typing import Any

import numpy as np
from bokeh.layouts import column

from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.session import Session
from headbrush.server.session.state import EXPLAINED_MAPS
from headbrush.server.views.common.written import button, written
from headbrush.server.views.tokens.explain.explanation_answer import ExplanationAnswer
from headbrush.server.views.tokens.explain.map_pictures import map_picture
from headbrush.server.views.tokens.explain.words import TITLES, better_ways, faith_words

_NAMES = ("deletion", "insertion")


class ExplanationMaps:
    """A tile a map: its picture, its deletion and insertion within the band of random orders."""

    name = "explanation_maps"
    title = "Which map is faithful?"
    help = (
        "Every map of the selected image and class, for the same choice of heads. Deletion is the "
        "mean probability of the class while patches are removed in ten steps, the map's highest "
        "first: low is faithful. Insertion is the same while they come in that order: high is "
        "faithful. The grey band is what five random orders reach; a map whose marks lie outside "
        "of it, left for deletion and right for insertion, orders the patches better than chance, "
        "and only such a map has a tick. Click a map to see it large."
    )

    def __init__(self, session: Session, answer: ExplanationAnswer) -> None:
        self._session, self._answer = session, answer
        self._pictures: dict[bytes, str] = {}
        self._image: int | None = None
        self._said = written("maps_said", margin=(3, 6, 2, 6))
        self._list = written("maps_list", scrolls=True, margin=(2, 6))
        self.layout = column(self._said, self._list, sizing_mode="stretch_both", name=self.name)
        session.asks.answer("explained_map", self._choose)
        answer.changed.follow(self._draw)

    def _draw(self) -> None:
        answer, image = self._answer, self._session.state.image
        is_there = not (answer.why_none or answer.fault) and answer.sources is not None
        self._list.visible = is_there
        if image is None or not is_there:
            self._list.text = ""
            self._say(answer.instead)
            return
        if image != self._image:
            self._image, self._pictures = image, {}
        made = [self._tile(image, place, kind) for place, kind in enumerate(EXPLAINED_MAPS)]
        self._list.text = f'<ul class="hb-maps">{"".join(made)}</ul>'
        self._say(self._words())

    def _tile(self, image: int, place: int, kind: str) -> str:
        answer = self._answer
        values, why = answer.map(kind), answer.absent(kind)
        if values is None:
            words = escape(why or "…")
            return f'<li><div class="hb-absent">{escape(TITLES[kind])}<br>{words}</div></li>'
        found, random = answer.faith(kind), answer.random
        tick = " ✓" if all(better_ways(found, random)) else ""
        inner = (
            f'<img alt="" src="{self._picture(image, values)}"><span>{escape(TITLES[kind])}{tick}'
            f"{self._bands(found)}</span>"
        )
        title = f"{TITLES[kind]}: {faith_words(found, random) or 'not measured yet'}"
        pressed = kind == self._session.state.explained_map
        return f"<li>{button('explained_map', place, '', title, inner, pressed)}</li>"

    def _bands(self, found: np.ndarray | None) -> str:
        """Deletion and insertion on a scale from 0 to 1, with the band of random orders."""
        random, made = self._answer.random, []
        for row, name in enumerate(_NAMES):
            band = mark = ""
            if random is not None:
                low, high = float(random[row].min()), float(random[row].max())
                band = f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
            if found is not None:
                mark = f'<b style="left:{100 * float(found[row]):.1f}%"></b>'
            unknown = "–" if self._answer.trouble else "…"
            number = unknown if found is None else f"{found[row]:.2f}"
            made.append(
                f'<span class="hb-band"><span class="hb-quiet">{name[:3]}. {number}</span>'
                f'<span class="hb-scale">{band}{mark}</span></span>'
            )
        return "".join(made)

    def _picture(self, image: int, values: np.ndarray) -> str:
        key = values.tobytes()
        if key not in self._pictures:
            pixels = self._session.data.pixels(image)
            self._pictures[key] = map_picture(pixels, values, self._session.data.store.grid)
        return self._pictures[key]

    def _words(self) -> str:
        answer = self._answer
        there = [kind for kind in EXPLAINED_MAPS if answer.map(kind) is not None]
        known = [kind for kind in there if answer.faith(kind) is not None]
        random = answer.random
        if answer.trouble:
            return f"How faithful the maps are is not known: {answer.trouble}"
        if random is None or len(known) < len(there):
            return f"Measuring how faithful the maps are: {len(known)} of {len(there)} …"
        better = [TITLES[kind] for kind in known if all(better_ways(answer.faith(kind), random))]
        orders = f"all {random.shape[1]} random orders, in deletion and insertion"
        if not better:
            return f"No map orders the patches better than {orders}."
        if len(better) == len(known):
            return f"Every map orders the patches better than {orders}."
        return f"Better than {orders}: {', '.join(better)}."

    def _say(self, words: str) -> None:
        self._said.text = f"<p>{escape(words)}</p>"
        self._session.summaries.describe(self.name, words)

    def _choose(self, place: Any) -> None:
        number = number_below(str(place), len(EXPLAINED_MAPS))
        if number is not None:
            self._session.history.change(explained_map=EXPLAINED_MAPS[number])
