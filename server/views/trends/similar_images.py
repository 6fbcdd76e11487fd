"""The images in which the heads matter as they do in the selected one."""

from html import escape

import numpy as np
from bokeh.layouts import column
from bokeh.models import Button

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.trends.questions import Similar, ask_similar
from headbrush.server.views.common.written import written
from headbrush.server.views.trends.tiles import class_words, tiles
from headbrush.server.views.trends.trend_question import TrendQuestion

_NO_IMAGE = "Select an image to find others in which the same heads matter."


class SimilarImages:
    """The nearest images, the nearest first; they can be brushed.

    Attributes
    ----------
    listed
        The images, and two lines of text about each.
    """

    name = "similar_images"
    title = "In which images do the same heads matter?"
    help = (
        "The images nearest to the selected one. An image is described by its values of the chosen "
        "metric: for each head, by the normal score of its rank among all images. "
        "The distance is the root of the mean square difference; two unrelated images are about "
        "1.4 apart. Click an image to select it; the button brushes the selected one and "
        "those listed."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._question: TrendQuestion[Similar] = TrendQuestion(session.document, self._draw)
        self.listed: list[tuple[int, str, str]] = []
        self._said = written("similar_said", margin=(3, 6, 2, 6))
        self._brush = Button(
            label="", name="similar_brush", height=24, width=210, css_classes=["hb-small"],
            margin=(2, 6), visible=False,
        )  # fmt: skip
        self._brush.on_click(lambda: self._brush_them())
        self._list = written("similar_list", scrolls=True, margin=(2, 6))
        self.layout = column(
            self._said, self._brush, self._list, sizing_mode="stretch_both", name=self.name
        )
        session.history.follow(["metric", "image"], self.react)

    def react(self, state: ViewState) -> None:
        """Ask about another image or metric."""
        if state.image is None:
            self._question.drop(_NO_IMAGE)
        else:
            self._question.ask(ask_similar(self._session.data, state.metric, state.image))

    def _draw(self) -> None:
        found, image = self._question.result, self._session.state.image
        is_known = found is not None and image is not None and len(found.images) > 0
        self._brush.visible = self._list.visible = is_known
        if found is None or image is None or not is_known:
            self.listed, self._list.text = [], ""
            self._say(self._question.words or "This store has no other image to compare it with.")
            return
        self._brush.label = f"Brush it and these {len(found.images)} images"
        pairs = zip(found.images.tolist(), found.distance.tolist(), strict=True)
        self.listed = [
            (one, class_words(self._session, one), f"distance {away:.2f}") for one, away in pairs
        ]
        self._list.text = tiles(self._session, self.listed)
        self._say(self._words(found, image))

    def _words(self, found: Similar, image: int) -> str:
        data = self._session.data
        count = f"{len(found.images)} of {grouped(data.num_images)} images are listed"
        said = f"{count}, those nearest to {data.names[image]}"
        if not data.is_labelled[image]:
            return f"{said}."
        same = data.is_labelled & (data.labels == data.labels[image])
        share = (same.sum() - 1) / max(data.num_images - 1, 1)
        alike = int(same[found.images].sum())
        return (
            f"{said}. {alike} are of its {data.worded('class')}, {data.true_class(image)}; "
            f"{len(found.images) * share:.1f} are expected by chance."
        )

    def _say(self, words: str) -> None:
        self._said.text = f"<p>{escape(words)}</p>"
        self._session.summaries.describe(self.name, words)

    def _brush_them(self) -> None:
        found, image = self._question.result, self._session.state.image
        if found is not None and image is not None:
            chosen = np.append(found.images, image).tolist()
            self._session.brush_ids("images", chosen, "replace")
