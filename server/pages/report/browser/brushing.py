"""Brushing without a server: what the browser needs to compute means and bands by itself.

Values travel as 16-bit codes of their range (``static/report/brushing.js`` turns them back).
"""

from typing import Any

import numpy as np
from bokeh.events import PanEnd, RangesUpdate, SelectionGeometry, Tap
from bokeh.models import ColumnDataSource, CustomJS, Model, Select

from headbrush.server.pages.report.browser.patterns import empty_pictures, pattern_places
from headbrush.server.pages.report.browser.quantise import to_codes
from headbrush.server.pages.report.parts.panels import Page, Panel, named_models
from headbrush.server.pages.report.parts.request import why_kept
from headbrush.server.session.session import Session
from headbrush.server.stores.store_data import METRIC_AXES, METRIC_NAMES, StoreData

MOST_CODES = 1_200_000
"""So many values of importance are sent; of larger stores only the metric that is shown."""
_NAMES = (
    "metric", "importance_band", "importance_reference", "importance_cursor", "importance_plot",
    "head_ring", "image_ring", "images_plot", "overview_plot", "pattern_picture", "own_patterns",
    "pattern_ring", "patterns_plot", "head_counts",
)  # fmt: skip
"""Parts of the panels that follow the brush or choose something."""
_UPDATE = "headbrushReport.update(args)"


def link(session: Session, panels: tuple[Panel, ...], pages: list[Page]) -> list[str]:
    """Let plots of images and heads brush each other in the browser.

    Returns
    -------
    Sentences that say what is left out.
    """
    data = session.data
    none_brushed = _count_all(session)
    _prepare(session)
    found: dict[str, Model] = {}
    for panel in reversed(panels):
        found |= named_models(panel.root)
    args: dict[str, Any] = {name: found.get(name) for name in _NAMES}
    metrics, notes = _sent_metrics(data, session.state.metric)
    menu = args["metric"]
    if menu is None:
        metrics, notes, menu = [], [], Select()
    menu.options = [(name, METRIC_NAMES[name]) for name in metrics]
    args |= {
        "images": session.images,
        "heads": session.heads,
        "metric": menu,
        "importance": [_codes(n, data.shown_importance(n), METRIC_AXES[n]) for n in metrics],
        "entropy": _codes("entropy", data.entropy) if args["overview_plot"] else None,
        "hops": [found for page in pages if (found := _hops(page)) is not None],
    }
    args["pattern_places"] = _places(session, panels, notes)
    _follow(args)
    return none_brushed + notes


def _count_all(session: Session) -> list[str]:
    """Leave out what brushes none of the images or heads; to the browser that is no brush."""
    found = [view for view in ("images", "heads") if session.brushes_none(view)]
    for view in found:
        session.drop_clauses(view)
    return [f"The brush held no {view}; a report cannot show that, so all {view} count."
            for view in found]  # fmt: skip


def _follow(args: dict[str, Any]) -> None:
    """Draw anew after every brush, choice and metric."""
    update = _script(args, _UPDATE)
    images, heads = args["images"], args["heads"]
    for source in (images, heads):
        source.selected.js_on_change("indices", update)
    for model, attribute in ((images, "tags"), (heads, "tags"), (args["metric"], "value")):
        model.js_on_change(attribute, update)
    _choose(args)
    _follow_patterns(args, update)


def _prepare(session: Session) -> None:
    """Names, selection and further columns of the two shared sources."""
    session.images.name, session.heads.name = "headbrush_images", "headbrush_heads"
    session.images.tags = [session.state.image]
    session.heads.tags = [session.head_number]
    of_patterns = [clause for clause in session.state.clauses if clause.kind == "instance"]
    session.images.add(session.resolved(of_patterns).images.astype(np.uint8), "within")
    session.images.add(session.data.labels.astype(np.int32), "class")
    session.images.add(session.data.correct, "correct")


def _choose(args: dict[str, Any]) -> None:
    """Let a tap choose an image or a head."""
    for plot, kind in (("images_plot", "image"), ("overview_plot", "head")):
        if args[plot] is not None:
            args[plot].js_on_event(
                "tap", _script(args, f"headbrushReport.tap(args, '{kind}', cb_obj)")
            )
    if args["importance_cursor"] is not None:
        code = "headbrushReport.choose(args.heads, cb_obj.tags[0])"
        args["importance_cursor"].js_on_change("tags", _script(args, code))


def _places(
    session: Session, panels: tuple[Panel, ...], notes: list[str]
) -> ColumnDataSource | None:
    """Places of the patterns, which the browser draws; None where they are too many."""
    root = next((panel.root for panel in panels if panel.view == "pattern_layout"), None)
    if root is None:
        return None
    if why := why_kept(session.data):
        notes.append(why)
        return None
    empty_pictures(root)
    return pattern_places(session)


def _follow_patterns(args: dict[str, Any], update: CustomJS) -> None:
    """Let box, lasso and tap brush and choose patterns; draw them when size or range change."""
    plot, places = args["patterns_plot"], args["pattern_places"]
    if places is None:
        return
    places.js_on_change("tags", update)
    gesture = _script(args, "headbrushPatterns.gesture(args, cb_obj)")
    for event in (SelectionGeometry, PanEnd):
        plot.js_on_event(event, gesture)
    plot.js_on_event(Tap, _script(args, "headbrushPatterns.tap(args, cb_obj)"))
    redraw = _script(args, "headbrushReport.redraw(args)")
    plot.js_on_event(RangesUpdate, redraw)
    for side in ("inner_width", "inner_height"):
        plot.js_on_change(side, redraw)


def _script(args: dict[str, Any], code: str) -> CustomJS:
    return CustomJS(args=args, code=f"const args = {{{', '.join(args)}}}\n{code}")


def _sent_metrics(data: StoreData, shown: str) -> tuple[list[str], list[str]]:
    defined = [name for name in METRIC_NAMES if np.isfinite(data.importance(name)).any()]
    if len(defined) * data.num_instances <= MOST_CODES or shown not in defined:
        return defined, []
    left_out = ", ".join(METRIC_NAMES[name] for name in defined if name != shown)
    return [shown], [f"Of the metrics only {METRIC_NAMES[shown]} is here; left out: {left_out}."]


def _codes(name: str, values: np.ndarray, title: str = "") -> ColumnDataSource:
    codes, low, step = to_codes(values)
    return ColumnDataSource({"code": codes.ravel()}, name=f"codes_{name}", tags=[low, step, title])


def _hops(page: Page) -> ColumnDataSource | None:
    """Codes ``(m, hops)`` of a page's head, and the source that shows their mean."""
    panel = next((panel for panel in page.panels if panel.view == "strength_vector"), None)
    if panel is None:
        return None
    codes = _codes("hops", page.session.data.strength[:, page.head])
    codes.tags = [*codes.tags, named_models(panel.root)["hops_shown"]]
    return codes
