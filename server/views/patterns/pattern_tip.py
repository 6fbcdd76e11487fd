"""D1's tooltip: what the pattern nearest to the pointer is, however many there are."""

from functools import partial

import numpy as np
from bokeh.plotting import figure

from headbrush.analysis.store.facts.percent import percent
from headbrush.server.session.session import Session
from headbrush.server.tools.pending_answer import PendingAnswer
from headbrush.server.views.common.head_pictures import offset_picture, picture
from headbrush.server.views.common.nearest_tip import NearestTip, Pictures


class PatternTip:
    """Tells image, head, name and class, and the attention where it is stored.

    Attributes
    ----------
    asked, told
        As of :class:`NearestTip`.
    """

    def __init__(self, session: Session, plot: figure) -> None:
        self._session = session
        self._matrix = PendingAnswer(session.document)
        # the plot's own tooltip is of the selected image's heads only
        self._tip = NearestTip(
            session.document, plot, "pattern", self._places, self._about, self._ask
        )
        self.asked, self.told = self._tip.asked, self._tip.told
        self.asked.on_change("tags", lambda _attribute, _old, _new: self._matrix.drop())

    def _places(self) -> np.ndarray:
        return self._session.data.embedding(self._session.state.pattern)

    def _about(self, pattern: int) -> tuple[str, Pictures]:
        data = self._session.data
        image, number = divmod(pattern, data.num_heads)
        pictures = [("image", data.thumbnail(image)), ("mean offset", offset_picture(data, number))]
        return self._words(image, number), pictures

    def _ask(self, question: object, pattern: int) -> None:
        data = self._session.data
        image, number = divmod(pattern, data.num_heads)
        head = data.head(number)
        self._matrix.ask(
            data.matrices.ask(image, head.layer, head.head),
            partial(self._add_matrix, question),
            lambda: None,
        )

    def _add_matrix(self, question: object, matrix: np.ndarray | None, _fault: str) -> None:
        """Show the attention between patches too, where it is stored and can be read."""
        if matrix is not None:
            prefix = self._session.data.store.num_prefix_tokens
            self._tip.add(question, ("attention", picture(matrix[prefix:, prefix:])))

    def _words(self, image: int, number: int) -> str:
        data = self._session.data
        name = "" if data.families is None else f" · {data.pattern_label(image, number)}"
        lines = [f"{data.head(number)}{name}", data.names[image], f"true: {data.true_class(image)}"]
        if data.has_classifier:
            guess = data.class_name(int(data.predicted[image]))
            lines.append(f"predicted: {guess} ({percent(data.probability[image].max())})")
        return "\n".join(lines)
