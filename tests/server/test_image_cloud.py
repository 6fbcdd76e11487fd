"""A of very many images: one picture, and all that its points could do."""

from unittest.mock import patch

import numpy as np
import pytest
from bokeh.events import Tap
from bokeh.models import BoxSelectTool, ColumnDataSource, HoverTool, LassoSelectTool

from headbrush.server.session.brush.clauses import Clause, Ids, Lasso, inside
from headbrush.server.session.palette import NEUTRAL, class_colours, value_colours
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.views.common.figure_tools import inner_size
from headbrush.server.views.images import image_cloud
from headbrush.server.views.images.dots import FAINT, Dots, draw_dots
from headbrush.server.views.images.image_cloud import make_cloud
from headbrush.server.views.images.image_overview import (
    CORRECTNESS_COLOURS,
    ImageOverview,
    dot_sizes,
)
from tests.server.pages import columns, drag, happen, run_until, visible_range

VIEW = (-2.0, 2.0, -1.0, 1.5)
SIZE = (37, 23)


def slow_picture(dots, view, size):
    """Colour and opacity of each pixel: all discs over each other, one after the other."""
    (width, height), (x0, x1, y0, y1) = size, view
    kind, opacity = np.full((height, width), -1), np.zeros((height, width))
    stops = [(-1, 0, 1), (1.0, 0.18, 1.0)]
    weight = [
        float(np.interp(share, *stops)) if dots.chosen is None or chosen else FAINT
        for share, chosen in zip(
            dots.share, dots.share == 9 if dots.chosen is None else dots.chosen, strict=True
        )
    ]
    for i in sorted(range(len(weight)), key=lambda one: weight[one]):
        x, y = (dots.points[i] - (x0, y0)) * (width / (x1 - x0), height / (y1 - y0))
        radius = np.interp(dots.share[i], (-1, 0, 1), dots.sizes) / 2
        for row in range(height):
            for column in range(width):
                far = np.hypot(column + 0.5 - x, row + 0.5 - y)
                cover = min(radius + 0.5 - far, 1)
                if cover > 0:
                    if cover >= 0.5 or kind[row, column] < 0:
                        kind[row, column] = dots.kinds[i]
                    opacity[row, column] = max(opacity[row, column], cover * weight[i])
    return kind, opacity


def drawn(picture, palette):
    """The kind, -1 for none, and opacity of each pixel of a picture."""
    rgba = picture.rgba().view(np.uint8).reshape(*picture.pixels.shape, 4)
    known = {tuple(bytes.fromhex(one[1:])): at for at, one in enumerate(palette)}
    kinds = [[known[tuple(p[:3])] if p[3] else -1 for p in row] for row in rgba.tolist()]
    return np.array(kinds), rgba[..., 3] / 255


@pytest.mark.parametrize("brushed", ["nothing", "patterns", "images"])
def test_a_picture_is_that_of_discs_one_after_the_other(brushed):
    rng = np.random.default_rng(3)
    points = rng.normal(size=(60, 2))
    points[7] = np.nan
    points[8] = 1e30
    share = rng.random(60) if brushed == "patterns" else np.full(60, -1.0)
    chosen = rng.random(60) < 0.3 if brushed == "images" else None
    palette = ("#0072b2", "#e69f00", "#009e73")
    dots = Dots(points, rng.integers(0, 3, 60), palette, share, chosen, (4.0, 2.0, 7.0))
    kinds, opacity = drawn(draw_dots(dots, VIEW, SIZE), palette)
    slow_kinds, slow_opacity = slow_picture(dots, VIEW, SIZE)
    np.testing.assert_array_equal(kinds, slow_kinds)
    assert np.abs(opacity - slow_opacity).max() <= 1 / 85  # one of 85 steps


@pytest.fixture
def session(data):
    return Session(data, default_state(data))


@pytest.fixture
def view(session):
    shown = ImageOverview(session)
    with patch.object(image_cloud, "PICTURE_FROM", 1):
        make_cloud(session, shown)
    return shown


def picture(view):
    return columns(view, "image_levels")["image"][0]


def test_few_images_stay_points(session):
    shown = ImageOverview(session)
    make_cloud(session, shown)
    assert shown.dots in shown.plot.renderers
    assert shown.layout.select_one({"name": "image_levels"}) is None


def test_no_row_of_an_image_is_sent(view, session):
    sources = view.layout.select({"type": ColumnDataSource})
    assert session.images not in list(sources)
    assert not [tool for tool in view.plot.tools if isinstance(tool, HoverTool)]
    tools = [one for one in view.plot.tools if isinstance(one, BoxSelectTool | LassoSelectTool)]
    assert len(tools) == 2
    assert not any(one.renderers for one in tools)


def corners(data):
    """An outline through the middle of the images, by its corners."""
    xy = data.store.read("image_embedding")
    middle, spread = np.median(xy, 0), xy.std(0)
    turn = np.linspace(0, 2 * np.pi, 13, endpoint=False)
    return middle + 0.8 * spread * np.column_stack([np.cos(turn), np.sin(turn) * 1.3])


def lasso(data, at=0.0):
    xs, ys = (corners(data) + at).T.tolist()
    places = {"sx": [50 * x for x in xs], "sy": [50 * y for y in ys]}
    return {"type": "poly", "x": xs, "y": ys, **places}


def test_a_lasso_brushes_what_it_encloses_with_all_keys(view, session, data):
    xs, ys = corners(data).round(6).T
    within = inside(Lasso(tuple(xs), tuple(ys)), data.store.read("image_embedding"))
    assert 0 < within.sum() < data.num_images
    drag(view, lasso(data))
    assert session.state.clauses == (Clause("images", Ids(tuple(np.flatnonzero(within).tolist()))),)
    drag(view, lasso(data), shift=True, ctrl=True)
    assert session.brush().images.sum() == 0
    drag(view, lasso(data, 1e6))
    assert session.state.clauses == ()
    drag(view, lasso(data, 1e6), shift=True)
    assert session.state.clauses == ()


def test_a_box_brushes_what_it_encloses(view, session, data):
    x = data.store.read("image_embedding")[:, 0]
    x0, x1 = np.quantile(x, (0.2, 0.7)).round(4).tolist()
    drag(view, {"type": "rect", "x0": x0, "x1": x1, "y0": -1e9, "y1": 1e9})
    assert session.brushes.own_ids("images") == np.flatnonzero((x >= x0) & (x <= x1)).tolist()


@pytest.mark.parametrize("zoom", [None, (-0.5, 0.5, -0.25, 0.5)])
@pytest.mark.parametrize("chosen", [(), (2, 5)])
def test_images_have_the_colours_of_their_kind_and_others_are_faint(
    view, session, data, chosen, zoom
):
    session.history.change(images_range=zoom)
    if chosen:
        session.brush_ids("images", chosen, "replace")
    sure = np.minimum((data.label_probability * 15).astype(int), 14)
    ramp = [value_colours()[round(at)] for at in np.linspace(0, len(value_colours()) - 1, 15)]
    kinds = {
        "class": (data.labels, class_colours(len(data.class_names))),
        "correct": (np.where(data.predicted == data.labels, 0, 1), CORRECTNESS_COLOURS),
        "probability": (sure, [*ramp, NEUTRAL]),
    }
    mask = np.isin(np.arange(data.num_images), chosen) if chosen else None
    xy, nothing = data.store.read("image_embedding"), np.full(data.num_images, -1.0)
    for name, (kind, palette) in kinds.items():
        session.history.change(image_colour=name)
        dots = Dots(xy, kind, tuple(palette), nothing, mask, dot_sizes(len(xy)))
        wanted = draw_dots(dots, visible_range(view.plot), inner_size(view.plot))
        np.testing.assert_array_equal(picture(view), wanted.pixels)
    where = columns(view, "image_levels")
    x0, x1, y0, y1 = visible_range(view.plot)
    assert [where[one][0] for one in ("x", "y", "dw", "dh")] == [x0, y0, x1 - x0, y1 - y0]
    assert zoom is None or (x0, x1, y0, y1) == zoom


def test_in_the_gallery_nothing_is_drawn_until_the_layout_is_shown(view, session):
    session.history.change(images_form="gallery")
    before = picture(view)
    session.brush_ids("images", [2, 5], "replace")
    assert picture(view) is before
    session.history.change(images_form="layout")
    assert not np.array_equal(picture(view), before)


def test_a_click_selects_the_nearest_image(view, session, data):
    x, y = data.store.read("image_embedding")[9].tolist()
    happen(Tap(view.plot, x=x, y=y))
    assert session.state.image == 9


def test_the_image_nearest_to_the_pointer_is_told(view, data, document):
    xy = data.store.read("image_embedding")
    place = xy[4] + 0.01 * xy.std(0)
    pixels = np.array(inner_size(view.plot)) / [
        view.plot.x_range.end - view.plot.x_range.start,
        view.plot.y_range.end - view.plot.y_range.start,
    ]
    nearest = int((((xy - place) * pixels) ** 2).sum(1).argmin())
    asked, told = (
        next(one for one in view.plot.references() if one.name == f"image_{name}")
        for name in ("asked", "told")
    )
    asked.tags = [*place.tolist(), 7]
    run_until(document, lambda: told.tags[:1] == [7])
    assert told.tags[1].split("\n")[:2] == [
        data.names[nearest], f"true: {data.true_class(nearest)}"
    ]  # fmt: skip
    assert dict(told.tags[2]) == {"image": data.thumbnail(nearest)}
