"""D2 to D5 in words and numbers, for screen readers."""

from functools import partial

import numpy as np

from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.views.tokens.selected_matrix import ShownMatrix, from_codes
from headbrush.server.views.tokens.token_name import token_name

_VIEWS = ("image_context", "two_axes", "attention_matrix", "threshold")


class MatrixWords:
    """Follows the shown matrix, the threshold and the pinned token."""

    name = "matrix_words"

    def __init__(self, session: Session, matrix: ShownMatrix) -> None:
        self._session = session
        self._matrix = matrix
        session.history.on_change(["threshold", "token"], self.react)
        matrix.follow(self._tell)

    def react(self, _state: ViewState) -> None:
        """Describe the new threshold and token."""
        self._tell()

    def _tell(self) -> None:
        image, codes, head = self._session.state.image, self._matrix.codes, self._session.head
        if self._matrix.waiting or codes is None:
            words = dict.fromkeys(_VIEWS, self._matrix.remark)
        elif image is None:
            words = self._words(f"{head!s}, {self._matrix.remark}", "", from_codes(codes))
        else:
            where, remark = f"{head!s} in {self._session.data.names[image]}", self._matrix.remark
            words = self._words(where, f", {remark}", from_codes(codes))
        for view, text in words.items():
            self._session.summaries.describe(view, text)

    def _words(self, where: str, remark: str, attention: np.ndarray) -> dict[str, str]:
        name = partial(token_name, self._session.data.store)
        threshold = self._matrix.tokens.threshold
        source, target = map(int, np.unravel_index(int(attention.argmax()), attention.shape))
        strong = int((attention >= threshold).sum())
        some = f"{strong} of {attention.size} values are at least {threshold:.3g}"
        return {
            "attention_matrix": (
                f"Attention of {where}{remark}: strongest "
                f"{attention[source, target]:.3g}, from {name(source)} to {name(target)}; {some}."
            ),
            "two_axes": f"Lines from source to target tokens of {where}: {some}.",
            "threshold": (
                f"Values of {where} from {attention.min():.2g} to {attention.max():.2g}, median "
                f"{np.median(attention):.2g}; {some}."
            ),
            "image_context": f"{where} under two masks: {self._masks(attention)}.",
        }

    def _masks(self, attention: np.ndarray) -> str:
        store, token = self._session.data.store, self._session.state.token
        prefix, name = store.num_prefix_tokens, partial(token_name, store)
        if token is None and not store.attrs["has_class_token"]:
            return "means over all tokens, because the model has no class token"
        token = token or 0
        looks = prefix + int(attention[token, prefix:].argmax())
        looked = prefix + int(attention[prefix:, token].argmax())
        return f"{name(looked)} attends most to {name(token)}, which looks most at {name(looks)}"
