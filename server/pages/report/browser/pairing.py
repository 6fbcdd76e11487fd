"""Links brushes, selections and metrics of two stores in a report (``static/report/pair.js``)."""

from collections.abc import Sequence
from typing import Any

from bokeh.models import CustomJS, Model, Select

from headbrush.server.session.beside.same_names import SameNames
from headbrush.server.session.session import Session


def join(sessions: Sequence[Session], metrics: Sequence[Select | None], same: SameNames) -> None:
    """Let each side of a report follow the other.

    Parameters
    ----------
    metrics
        The menus of metrics; None where a side has none.
    """
    for here, there in ((0, 1), (1, 0)):
        first, second = sessions[here], sessions[there]
        images = _script("brush", first.images, second.images, same.images[here])
        first.images.selected.js_on_change("indices", images)
        heads = _script("brush", first.heads, second.heads, same.heads[here])
        first.heads.selected.js_on_change("indices", heads)
        image = _script("selectImage", first.images, second.images, same.images[here])
        first.images.js_on_change("tags", image)
        head = _script("selectHead", first.heads, second.heads, same.heads[here])
        first.heads.js_on_change("tags", head)
        own, other = metrics[here], metrics[there]
        if own is not None and other is not None:
            own.js_on_change("value", _script("choose", own, other))


def _script(act: str, source: Model, other: Model, same: Sequence[int] | None = None) -> CustomJS:
    args: dict[str, Any] = {"source": source, "other": other}
    if same is not None:
        args["same"] = list(same)
    return CustomJS(args=args, code=f"headbrush.pair.{act}({', '.join(args)})")
