"""A tooltip of the point nearest to the pointer, however many there are.

The browser asks with the pointer's place, one question at a time; the server looks through all
points, and the newest place wins.
"""

from collections.abc import Callable
from math import isfinite

import numpy as np
from bokeh.document import Document
from bokeh.models import ColumnDataSource, CustomJS, HoverTool
from bokeh.plotting import figure

from headbrush.server.tools.bokeh.bokeh_types import ends_of
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.tools.bokeh.teardown import soon
from headbrush.server.tools.latest_only import LatestOnly
from headbrush.server.tools.loops import kernels
from headbrush.server.views.common.figure_tools import REACH, inner_size

Pictures = list[tuple[str, str]]
_Question = tuple[object, np.ndarray, float, float, float, float]


class NearestTip:
    """Answers the places that ``static/page/nearest_tip.js`` asks for, for a page with a server.

    Attributes
    ----------
    asked
        ``tags``: place and number of a question; nothing that the page asks is trusted.
    told
        ``tags``: number of the question, words or None, pictures with their titles, and the place
        of the point.
    """

    def __init__(
        self,
        document: Document,
        plot: figure,
        kind: str,
        points: Callable[[], np.ndarray],
        about: Callable[[int], tuple[str, Pictures]],
        then: Callable[[object, int], object] = lambda _question, _point: None,
    ) -> None:
        """Replace the plot's own tooltips.

        Parameters
        ----------
        kind
            Begins the names of the models.
        points
            ``(n, 2)`` where the points are now.
        about
            Words and pictures of a point, by its number.
        then
            Called with a question and the point that it was answered with.
        """
        self._plot, self._points, self._about, self._then = plot, points, about, then
        self.asked = Channel(name=f"{kind}_asked", tags=[])
        self.told = Channel(name=f"{kind}_told", tags=[])
        self._find = LatestOnly(_nearest, self._tell, soon(document))
        plot.tools = [tool for tool in plot.tools if not isinstance(tool, HoverTool)]
        mark = ColumnDataSource({"x": [], "y": []}, name=f"{kind}_hovered")
        plot.scatter(
            "x", "y", source=mark, size=12, fill_color=None, line_width=2, level="overlay",
            line_color="#e8590c",
        )  # fmt: skip
        args = {"asked": self.asked, "told": self.told, "mark": mark}
        act = {
            name: CustomJS(
                args=args, code=f"headbrush.nearestTip.{name}({{asked, told, mark}}, cb_obj)"
            )
            for name in ("move", "leave", "show")
        }
        plot.js_on_event("mousemove", act["move"])
        plot.js_on_event("mouseleave", act["leave"])
        self.told.js_on_change("tags", act["show"])
        self.asked.on_change("tags", self._on_asked)

    def add(self, question: object, picture: tuple[str, str]) -> None:
        """Show a further picture of the point, if the question is still the last."""
        told = self.told.tags
        if told[:1] == [question]:
            self.told.tags = [question, told[1], [*told[2], picture], told[3]]

    def _on_asked(self, _attribute: str, _old: list, new: list) -> None:
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
            self._find.ask((new[2], self._points(), place[0], place[1], scales[0], scales[1]))

    def _tell(self, answer: Callable[[], tuple[object, int]]) -> None:
        question, point = answer()
        if point < 0:
            self.told.tags = [question, None, [], []]
            return
        words, pictures = self._about(point)
        known = [one for one in pictures if one[1]]
        self.told.tags = [question, words, known, self._points()[point].tolist()]
        self._then(question, point)


def warm_up() -> None:
    """Compile the loop that the first answer needs."""
    _nearest((0, np.zeros((1, 2), np.float32), 0.0, 0.0, 1.0, 1.0))


def _nearest(question: _Question) -> tuple[object, int]:
    """In a worker thread: the point nearest to a place, -1 if none is within reach."""
    number, points, x, y, per_x, per_y = question
    points = kernels.given(points, np.float32)
    found, distance = kernels.nearest(points, float(x), float(y), float(per_x), float(per_y))
    return number, found if distance <= REACH**2 else -1
