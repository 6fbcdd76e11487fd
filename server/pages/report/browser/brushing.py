"""Brushing without a server: the data with which the browser computes means and bands.

Values travel as 16-bit codes of their range (``static/report/brushing.js`` turns them back).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.events import PanEnd, RangesUpdate, SelectionGeometry, Tap
from bokeh.models import ColumnDataSource, CustomJS, LayoutDOM, Model

from headbrush.server.pages.report.browser.patterns import empty_pictures, pattern_places
from headbrush.server.pages.report.browser.quantise import to_codes
from headbrush.server.pages.report.parts.panels import HeadPage, Panel, named_models
from headbrush.server.pages.report.parts.request import why_kept
from headbrush.server.session.brush.clauses import BrushView
from headbrush.server.session.session import Session
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.bokeh.bokeh_types import columns_of

MOST_CODES = 1_200_000
"""Limit on the importance values sent; larger stores send only the shown metric."""
_SELECTED_IN: tuple[BrushView, ...] = ("images", "heads")
PARTS = {
    "head_importance": (
        "metric", "importance_band", "importance_reference", "importance_cursor", "importance_plot",
    ),
    "image_overview": (
        "image_ring", "images_plot", "image_legend", "image_gallery", "images_form",
    ),
    "strength_overview": (),
    "entropy": ("head_ring", "overview_plot"),
    "counts": ("head_counts",),
    "bits": ("bits_ring", "bits_plot"),
    "names": (),
    "pattern_layout": ("pattern_picture", "own_patterns", "pattern_ring", "patterns_plot"),
}  # fmt: skip
"""Names of what follows the brush or chooses something, by view; of C1 the one that is shown."""


def link(
    session: Session,
    panels: tuple[Panel, ...],
    pages: list[HeadPage],
    side: str = "",
    beside: Sequence[LayoutDOM] = (),
) -> list[str]:
    """Let plots of images and heads brush each other in the browser.

    Parameters
    ----------
    side
        Begins the names of what belongs to one of two stores.
    beside
        Importance plots of the other store, which have one scale with that of ``panels``.

    Returns
    -------
    Sentences on what is left out.
    """
    data = session.data
    none_brushed = _count_all(session)
    _prepare(session, side)
    shown = _shown(session, panels)
    args: dict[str, Any] = _parts(panels, shown)
    args |= {"shown": shown, "images": session.images, "heads": session.heads}
    args |= {"side": side, "beside": list(beside)}
    args["hops"] = [codes for page in pages if (codes := _hops(page)) is not None]
    notes: list[str] = []
    if "head_importance" in shown:
        metrics, notes = _sent_metrics(data, session.state.metric)
        args["metric"].options = [(name, data.metric_titles[name]) for name in metrics]
        args["importance"] = [
            _codes(n, data.shown_importance(n), data.metric_axis(n)) for n in metrics
        ]
    if "entropy" in shown:
        args["entropy"] = _codes("entropy", data.entropy)
    if "pattern_layout" in shown:
        if why := why_kept(data, session.state.pattern_style):
            notes.append(why)
        else:
            empty_pictures(_root(panels, "pattern_layout"))
            args["pattern_places"] = pattern_places(session)
            shown.append("pattern_places")
    _follow(args)
    return none_brushed + notes


def _shown(session: Session, panels: tuple[Panel, ...]) -> list[str]:
    """Views that are in the report; of C1 also which of its plots."""
    shown = [panel.view for panel in panels]
    return [*shown, session.state.overview] if "strength_overview" in shown else shown


def _root(panels: tuple[Panel, ...], view: str) -> LayoutDOM:
    return next(panel.root for panel in panels if panel.view == view)


def _parts(panels: tuple[Panel, ...], shown: list[str]) -> dict[str, Model]:
    """The named parts of the shown views.

    Raises
    ------
    KeyError
        If a view has no part of a name.
    """
    models: dict[str, Model] = {}
    for panel in panels:
        models |= named_models(panel.root)
    return {name: models[name] for view in shown for name in PARTS[view]}


def _count_all(session: Session) -> list[str]:
    """Drop brushes that contain no image or head; in the browser they would be no brush."""
    found: list[BrushView] = [view for view in _SELECTED_IN if session.brushes.is_none(view)]
    for view in found:
        session.drop_clauses(view)
    return [f"The brush contained no {view}, so the report shows all of them."
            for view in found]  # fmt: skip


def _follow(args: dict[str, Any]) -> None:
    """Redraw after every brush, choice and metric."""
    update = _script(args, "update(args)")
    for source in (args["images"], args["heads"]):
        source.selected.js_on_change("indices", update)
        source.js_on_change("tags", update)
    if "head_importance" in args["shown"]:
        args["metric"].js_on_change("value", update)
    _choose(args)
    if "pattern_places" in args["shown"]:
        _follow_patterns(args, update)


def _prepare(session: Session, side: str) -> None:
    """Names, selection and further columns of the two shared sources."""
    session.images.name, session.heads.name = f"{side}headbrush_images", f"{side}headbrush_heads"
    session.images.tags = [session.state.image]
    session.heads.tags = [session.head.number]
    of_patterns = [clause for clause in session.state.clauses if clause.view == "patterns"]
    columns = columns_of(session.images)
    columns["within"] = session.resolved(of_patterns).images.astype(np.uint8)
    columns["class"] = session.data.labels.astype(np.int32)
    columns["correct"] = session.data.correctness.astype(np.int32)


def _choose(args: dict[str, Any]) -> None:
    """Let a tap choose an image or a head."""
    if "image_overview" in args["shown"]:
        args["images_plot"].js_on_event(Tap, _script(args, "tapImage(args, cb_obj)"))
        args["image_gallery"].tags = [args["images"]]
        args["images_form"].js_on_change("active", _script(args, "chooseForm(args, cb_obj)"))
    if "entropy" in args["shown"]:
        args["overview_plot"].js_on_event(Tap, _script(args, "tapHead(args, cb_obj)"))
    if "bits" in args["shown"]:
        args["bits_plot"].js_on_event(Tap, _script(args, "tapHead(args, cb_obj)"))
    if "head_importance" in args["shown"]:
        choose = _script(args, "chooseHead(args, cb_obj)")
        args["importance_cursor"].js_on_change("tags", choose)


def _follow_patterns(args: dict[str, Any], update: CustomJS) -> None:
    """Let box, lasso and tap brush and choose patterns; draw them when size or range change."""
    plot = args["patterns_plot"]
    args["pattern_places"].js_on_change("tags", update)
    gesture = _script(args, "gesture(args, cb_obj)", "patterns")
    for event in (SelectionGeometry, PanEnd):
        plot.js_on_event(event, gesture)
    plot.js_on_event(Tap, _script(args, "tap(args, cb_obj)", "patterns"))
    redraw = _script(args, "redraw(args)")
    plot.js_on_event(RangesUpdate, redraw)
    for side in ("inner_width", "inner_height"):
        plot.js_on_change(side, redraw)


def _script(args: dict[str, Any], call: str, part: str = "report") -> CustomJS:
    """A call of a function of ``headbrush.report``, or of another part of ``headbrush``."""
    parts = f"headbrush.report.parts({{{', '.join(args)}}})"
    return CustomJS(args=args, code=f"const args = {parts}\nheadbrush.{part}.{call}")


def _sent_metrics(data: StoreData, shown: str) -> tuple[list[str], list[str]]:
    defined = [name for name in data.metric_titles if np.isfinite(data.importance(name)).any()]
    if len(defined) * data.num_patterns <= MOST_CODES or shown not in defined:
        return defined, []
    left_out = ", ".join(METRIC_NAMES[name] for name in defined if name != shown)
    return [shown], [f"Only the metric {METRIC_NAMES[shown]} is included; left out: {left_out}."]


def _codes(name: str, values: np.ndarray, title: str = "") -> ColumnDataSource:
    codes, low, step = to_codes(values)
    return ColumnDataSource({"code": codes.ravel()}, name=f"codes_{name}", tags=[low, step, title])


def _hops(page: HeadPage) -> ColumnDataSource | None:
    """Codes ``(m, hops)`` of a page's head, and the source that shows their mean."""
    panel = next((panel for panel in page.panels if panel.view == "strength_vector"), None)
    if panel is None:
        return None
    codes = _codes("hops", page.session.data.strength[:, page.head])
    codes.tags = [*codes.tags, named_models(panel.root)["hops_shown"]]
    return codes
