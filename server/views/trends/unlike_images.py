"""The images that the heads treat unlike the others of their class."""

from html import escape

import numpy as np
from bokeh.layouts import column

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.trends.questions import ask_unlike
from headbrush.server.stores.trends.unlike import OUTER, Unlike
from headbrush.server.views.common.written import button, written
from headbrush.server.views.trends.tiles import class_words, tiles
from headbrush.server.views.trends.trend_question import TrendQuestion

_MOST = 60
_MOST_HEADS = 5
_ENDINGS: dict[int, str] = {1: "st", 2: "nd", 3: "rd"}
_NO_CLASS = "No class has ten images, so none can be unlike the rest of its class."
_NO_LABELS = "No image has a label, so none can be unlike the rest of its class."


class UnlikeImages:
    """A list of images, the most unlike first, and the heads that treat the selected one unlike.

    Attributes
    ----------
    listed
        The images, and two lines of text about each.
    """

    name = "unlike_images"
    title = "Which images are unlike their class?"
    help = (
        "For each head, the images of a class are ranked by the chosen metric. The outer tenth "
        "are the first and the last 5 %. The brushed images (all, if nothing is brushed) are "
        "listed by the number of heads for which they are in the outer tenth of their class; for a "
        "usual image that is a tenth of the heads. For the selected image, the five heads are "
        "named for which it is farthest from the middle of its class; click one to select it. "
        "Classes of fewer than ten images are left out."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._question: TrendQuestion[Unlike] = TrendQuestion(session.document, self._draw)
        self.listed: list[tuple[int, str, str]] = []
        self._said = written("unlike_said", margin=(3, 6, 2, 6))
        self._list = written("unlike_list", scrolls=True, margin=(2, 6))
        self.layout = column(self._said, self._list, sizing_mode="stretch_both", name=self.name)
        session.history.follow(["metric"], self.react)
        session.history.on_change(["image", "clauses", "layer", "head"], self.react_to_choice)

    def react(self, state: ViewState) -> None:
        """Ask about another metric."""
        self._question.ask(ask_unlike(self._session.data, state.metric))

    def react_to_choice(self, _state: ViewState) -> None:
        """List the brushed images, mark the selected one, and name its heads."""
        self._draw()

    def _draw(self) -> None:
        found = self._question.result
        order = np.empty(0, int) if found is None else found.order
        self._list.visible = len(order) > 0
        self.listed = []
        if found is None or not len(order):
            self._list.text = ""
            none = _NO_CLASS if self._session.data.is_labelled.any() else _NO_LABELS
            self._say(self._question.words or self._session.data.worded(none))
            return
        brushed = order[self._session.brush("heads").images[order]]
        self.listed = self._rows(found, brushed)
        self._list.text = tiles(self._session, self.listed)
        self._said.text = f"<p>{self._sentence(found, brushed)}</p>"
        self._session.summaries.describe(self.name, self._plain(found, brushed))

    def _rows(self, found: Unlike, brushed: np.ndarray) -> list[tuple[int, str, str]]:
        heads = self._session.data.num_heads
        return [
            (image, class_words(self._session, image), f"{found.outer[image]} of {heads} heads")
            for image in brushed[:_MOST].tolist()
        ]

    def _plain(self, found: Unlike, brushed: np.ndarray) -> str:
        """What is said to all readers, as plain text."""
        image = self._session.state.image
        if image is not None:
            return self._of_image(found, image)
        if not len(brushed):
            return self._session.data.worded("No brushed image has a class of ten images.")
        first = int(brushed[0])
        heads = self._session.data.num_heads
        usual, what = f"{OUTER * heads:.0f}", self._session.data.worded("class")
        return (
            f"Of {grouped(len(brushed))} images, {self._session.data.names[first]} "
            f"({class_words(self._session, first)}) is the most unlike its {what}: it is in the "
            f"outer tenth for {found.outer[first]} of {heads} heads; about {usual} are usual."
        )

    def _of_image(self, found: Unlike, image: int) -> str:
        told = [f"{name} {place}" for name, place, _ in self._heads(found, image)]
        name, what = self._session.data.names[image], self._session.data.worded("class")
        if not told:
            return f"{name} has no {what} of ten images to be compared with."
        return (
            f"{name} ({class_words(self._session, image)}) is in the outer tenth of its {what} "
            f"for {found.outer[image]} of {self._session.data.num_heads} heads. Farthest out: "
            f"{', '.join(told)}."
        )

    def _heads(self, found: Unlike, image: int) -> list[tuple[str, str, int]]:
        """Name, percentile in words, and number of the heads that treat an image unlike."""
        data = self._session.data
        return [
            (data.head_labels[one], ordinal(float(found.percentile[image, one])), one)
            for one in found.columns_of(image, _MOST_HEADS)
        ]

    def _sentence(self, found: Unlike, brushed: np.ndarray) -> str:
        """The plain words, in which heads are buttons."""
        text = escape(self._plain(found, brushed))
        image = self._session.state.image
        if image is None:
            return text
        what = self._session.data.worded("class")
        for name, place, number in self._heads(found, image):
            title = f"Select {name}: this image lies at the {place} of its {what}"
            pressed = number == self._session.head.number
            made = button("head", number, name, title, escape(name), pressed)
            text = text.replace(f"{name} {place}", f"{made} {place}", 1)
        return text

    def _say(self, words: str) -> None:
        self._said.text = f"<p>{escape(words)}</p>"
        self._session.summaries.describe(self.name, words)


def ordinal(percentile: float) -> str:
    """A share in (0, 1) as a percentile in words: ``98th percentile``."""
    number = min(99, max(1, round(100 * percentile)))
    ending = "th" if 10 < number < 20 else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending} percentile"
