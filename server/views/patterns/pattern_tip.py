"""D1's tooltip: what the pattern nearest to the pointer is, however many there are.

The browser asks with the pointer's place, one question at a time; the server looks through all
patterns, and the newest place wins.
"""

from collections.abc import Callable
from functools import partial
from math import isfinite

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS, HoverTool
from bokeh.plotting import figure

from headbrush.server.session.session import Session
from headbrush.server.tools import kernels
from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.bokeh.teardown import soon
from headbrush.server.tools.latest_only import LatestOnly
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.views.common.figure_tools import REACH, inner_size
from headbrush.server.views.common.head_pictures import offset_picture, picture

_Question = tuple[object, np.ndarray, float, float, float, float]
_Pictures = list[tuple[str, str]]


class PatternTip:
    """Answers the places that ``static/page/pattern_tip.js`` asks for, for a page with a server.

    Attributes
    ----------
    asked
        ``tags``: place and number of a question; nothing that the page asks is trusted.
    told
        ``tags``: number of the question, words or None, pictures with their titles, and the place
        of the pattern.
    """

    def __init__(self, session: Session, plot: figure) -> None:
        self._session, self._plot = session, plot
        self.asked = Channel(name="pattern_asked", tags=[])
        self.told = Channel(name="pattern_told", tags=[])
        self._find = LatestOnly(_nearest, self._tell, soon(session.document))
        self._matrix = PendingAnswer(session.document)
        # the plot's own is of the selected image's heads only
        plot.tools = [tool for tool in plot.tools if not isinstance(tool, HoverTool)]
        mark = ColumnDataSource({"x": [], "y": []}, name="pattern_hovered")
        plot.scatter(
            "x", "y", source=mark, size=12, fill_color=None, line_width=2, level="overlay",
            line_color="#e8590c",
        )  # fmt: skip
        args = {"asked": self.asked, "told": self.told, "mark": mark}
        act = {
            name: CustomJS(
                args=args, code=f"headbrush.patternTip.{name}({{asked, told, mark}}, cb_obj)"
            )
            for name in ("move", "leave", "show")
        }
        plot.js_on_event("mousemove", act["move"])
        plot.js_on_event("mouseleave", act["leave"])
        self.told.js_on_change("tags", act["show"])
        self.asked.on_change("tags", self._on_asked)

    def _on_asked(self, _attribute: str, _old: list, new: list) -> None:
        self._matrix.drop()
        place = [one for one in new[:2] if isinstance(one, (int, float)) and isfinite(one)]
        if len(new) == 3 and len(place) == 2:
            width, height = inner_size(self._plot)
            scales = [
                size / (abs(end - start) or 1.0)
                for size, (start, end) in zip(
                    (width, height), map(ends_of, (self._plot.x_range, self._plot.y_range)),
                    strict=True,
                )
            ]  # fmt: skip
            points = self._session.data.embedding(self._session.state.pattern)
            self._find.ask((new[2], points, place[0], place[1], scales[0], scales[1]))

    def _tell(self, answer: Callable[[], tuple[object, int]]) -> None:
        question, pattern = answer()
        if pattern < 0:
            self.told.tags = [question, None, [], []]
            return
        data = self._session.data
        image, number = divmod(pattern, data.num_heads)
        pictures = [("image", data.thumbnail(image)), ("mean offset", offset_picture(data, number))]
        xy = data.embedding(self._session.state.pattern)[pattern].tolist()
        known = [one for one in pictures if one[1]]
        self.told.tags = [question, self._words(image, number), known, xy]
        head = data.head(number)
        self._matrix.ask(
            data.matrices.ask(image, head.layer, head.head),
            partial(self._add_matrix, question, known),
            lambda: None,
        )

    def _add_matrix(
        self, question: object, pictures: _Pictures, matrix: np.ndarray | None, _fault: str
    ) -> None:
        """Show the attention between patches too, where it is stored and can be read."""
        told = self.told.tags
        if matrix is not None and told[:1] == [question]:
            prefix = self._session.data.store.num_prefix_tokens
            drawn = picture(matrix[prefix:, prefix:])
            self.told.tags = [question, told[1], [*pictures, ("attention", drawn)], told[3]]

    def _words(self, image: int, number: int) -> str:
        data = self._session.data
        name = "" if data.families is None else f" · {data.pattern_label(image, number)}"
        lines = [f"{data.head(number)}{name}", data.names[image], f"true: {data.true_class(image)}"]
        if data.has_classifier:
            guess = data.class_name(int(data.predicted[image]))
            lines.append(f"predicted: {guess} ({data.probability[image].max():.0%})")
        return "\n".join(lines)


def warm_up() -> None:
    """Compile the loop that the first answer needs."""
    _nearest((0, np.zeros((1, 2), np.float32), 0.0, 0.0, 1.0, 1.0))


def _nearest(question: _Question) -> tuple[object, int]:
    """In a worker thread: the pattern nearest to a place, -1 if none is within reach."""
    number, points, x, y, per_x, per_y = question
    points = kernels.given(points, np.float32)
    found, distance = kernels.nearest(points, float(x), float(y), float(per_x), float(per_y))
    return number, found if distance <= REACH**2 else -1
