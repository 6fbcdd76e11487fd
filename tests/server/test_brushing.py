"""Masks of random clauses against brute force, and the rules between views."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headbrush.server.session.brush.clauses import Box, Clause, Ids, Lasso, inside, joined, resolve
from headbrush.server.tools.byte_lru import ByteLRU
from headbrush.server.tools.loops.cell_index import SIDE, CellIndex

IMAGES, HEADS = 6, 4
RNG = np.random.default_rng(0)
POINTS = {name: RNG.uniform(-1, 1, (IMAGES * HEADS, 2)) for name in ("patch", "cls")}

floats = st.floats(-1.2, 1.2, allow_nan=False).map(lambda value: round(value, 3))
combines = st.sampled_from(["replace", "add", "subtract", "intersect", "xor"])
boxes = st.tuples(floats, floats, floats, floats).map(
    lambda v: Box(min(v[:2]), max(v[:2]), min(v[2:]), max(v[2:]))
)
lassos = st.lists(st.tuples(floats, floats), min_size=3, max_size=8).map(
    lambda corners: Lasso(*map(tuple, zip(*corners, strict=True)))
)


def id_clauses(view, size):
    ids = st.sets(st.integers(0, size - 1)).map(lambda chosen: Ids(tuple(sorted(chosen))))
    return st.builds(Clause, st.just(view), ids, combines)


clauses = st.lists(
    st.one_of(
        id_clauses("images", IMAGES),
        id_clauses("heads", HEADS),
        st.builds(
            Clause,
            st.just("patterns"),
            st.one_of(boxes, lassos),
            combines,
            st.sampled_from(["patch", "cls"]),
        ),
    ),
    max_size=6,
)


def edges_of(lasso):
    corners = list(zip(map(Fraction, lasso.xs), map(Fraction, lasso.ys), strict=True))
    return zip(corners, corners[1:] + corners[:1], strict=True)


def winding_crossings(x, y, lasso):
    """Even-odd rule by shooting a ray to the right, edge by edge in exact arithmetic."""
    x, y = Fraction(float(x)), Fraction(float(y))
    crossings = 0
    for (x0, y0), (x1, y1) in edges_of(lasso):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            crossings += 1
    return crossings % 2 == 1


def on_outline(x, y, lasso):
    """Whether a point lies on an edge, to a billionth: there both answers are right."""
    x, y = Fraction(float(x)), Fraction(float(y))
    for (x0, y0), (x1, y1) in edges_of(lasso):
        within = min(x0, x1) <= x <= max(x0, x1) and min(y0, y1) <= y <= max(y0, y1)
        if within and abs((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) < 1e-9:
            return True
    return False


def marks(clause, image, head):
    if clause.view == "images":
        return image in clause.shape.ids
    if clause.view == "heads":
        return head in clause.shape.ids
    x, y = POINTS[clause.layout][image * HEADS + head]
    if isinstance(clause.shape, Box):
        return clause.shape.x0 <= x <= clause.shape.x1 and clause.shape.y0 <= y <= clause.shape.y1
    return winding_crossings(x, y, clause.shape)


def slow(used, image, head):
    """Whether one pattern is brushed: each view's clauses in order, then all views."""
    for view in {clause.view for clause in used}:
        own = [c for c in used if c.view == view]
        state = own[0].combine in ("subtract", "intersect")
        for clause in own:
            found = marks(clause, image, head)
            state = {
                "replace": found,
                "add": state or found,
                "subtract": state and not found,
                "intersect": state and found,
                "xor": state != found,
            }[clause.combine]
        if not state:
            return False
    return True


@settings(max_examples=300, deadline=None)
@given(clauses, st.sampled_from([None, "images", "heads", "patterns"]))
def test_masks_are_those_of_brute_force(given_clauses, exclude):
    brush = resolve(given_clauses, IMAGES, HEADS, POINTS.get, exclude, ByteLRU(1 << 20))
    used = [clause for clause in given_clauses if clause.view != exclude]
    expected = np.array([[slow(used, i, h) for h in range(HEADS)] for i in range(IMAGES)])
    np.testing.assert_array_equal(brush.patterns.reshape(IMAGES, HEADS), expected)
    np.testing.assert_array_equal(brush.image_count, expected.sum(1))
    np.testing.assert_array_equal(brush.head_count, expected.sum(0))
    assert brush.active == bool(used)
    if any(clause.view == "patterns" for clause in used):
        np.testing.assert_array_equal(brush.images, expected.any(1))
        np.testing.assert_array_equal(brush.heads, expected.any(0))


@settings(max_examples=200, deadline=None)
@given(clauses)
def test_what_a_replacing_clause_drops_would_mark_nothing(given_clauses):
    kept = ()
    for clause in given_clauses:
        kept = joined(kept, clause)
    assert all(clause.combine != "replace" for clause in kept[1:] if clause.view == kept[0].view)
    short, long = (resolve(c, IMAGES, HEADS, POINTS.get) for c in (kept, given_clauses))
    np.testing.assert_array_equal(short.patterns, long.patterns)
    np.testing.assert_array_equal(short.images, long.images)
    np.testing.assert_array_equal(short.heads, long.heads)


@pytest.mark.parametrize("shape", [Box(-0.5, 0.5, -0.5, 0.5), Lasso((-1, 1, 0), (-1, -1, 1))])
def test_one_shape_marks_other_patterns_in_the_other_layout(shape):
    kept = ByteLRU(1 << 20)
    for layout in ("patch", "cls"):
        clause = Clause("patterns", shape, layout=layout)
        brush = resolve([clause], IMAGES, HEADS, POINTS.get, kept=kept)
        np.testing.assert_array_equal(brush.patterns, inside(shape, POINTS[layout]))


def test_images_stay_brushed_when_only_heads_are_left_out():
    images = Clause("images", Ids((1, 2)))
    heads = Clause("heads", Ids((0,)))
    brush = resolve([images, heads], IMAGES, HEADS, POINTS.get)
    assert np.flatnonzero(brush.images).tolist() == [1, 2]
    assert np.flatnonzero(brush.heads).tolist() == [0]
    assert brush.patterns.sum() == 2


def test_points_without_a_place_are_never_inside():
    points = np.array([[np.nan, 0.0], [0.0, 0.0]])
    for shape in (Box(-1, 1, -1, 1), Lasso((-1, 1, 1, -1), (-1, -1, 1, 1))):
        assert inside(shape, points).tolist() == [False, True]


GRID = st.integers(-3, 3).map(lambda step: step / 2)
awkward = st.lists(st.tuples(GRID, GRID), min_size=1, max_size=12).map(
    lambda corners: Lasso(*map(tuple, zip(*corners, strict=True)))
)


@settings(max_examples=300, deadline=None)
@given(awkward, st.sampled_from(["f4", "f8"]))
def test_a_lasso_through_the_points_that_crosses_or_doubles_itself_encloses_what_it_should(
    lasso, kind
):
    steps = np.arange(-4, 5) / 4
    points = np.array([(x, y) for x in steps for y in steps], kind)
    for (x, y), found in zip(points, inside(lasso, points), strict=True):
        if not on_outline(x, y, lasso):
            assert found == winding_crossings(x, y, lasso)


@pytest.mark.parametrize("corners", [3, 9, 250])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_a_lasso_over_very_many_points_encloses_what_it_does_of_each_part_of_them(corners, kind):
    rng = np.random.default_rng(corners)
    xs, ys = rng.normal(size=(2, corners)) * [[3], [0.01]]  # crosses itself again and again
    points = rng.normal(size=(60_000, 2)).astype(kind) * np.array([3, 0.01], kind)
    points[:corners] = np.stack([xs, ys], 1)  # also at the corners, and beside an edge
    points[corners : 2 * corners] = np.stack([xs, ys], 1) * (1 - 1e-7) + 1e-8
    lasso = Lasso(tuple(xs.tolist()), tuple(ys.tolist()))
    found = inside(lasso, points)
    parts = [inside(lasso, part) for part in np.array_split(points, 10)]  # few: each is tried
    assert 0 < found.sum() < len(points)
    np.testing.assert_array_equal(found, np.concatenate(parts))


@pytest.mark.parametrize("seed", range(60))
def test_a_lasso_encloses_the_same_of_points_whose_cells_are_known(seed):
    rng = np.random.default_rng(seed)
    corners, kind = rng.choice([3, 4, 7, 48, 300]), rng.choice(["f4", "f8"])
    scale = 10.0 ** rng.integers(-3, 4, 2)
    points = (rng.normal(size=(3000, 2)) * scale).astype(kind)
    outline = rng.normal(size=(corners, 2)) * scale * rng.choice([0.1, 1, 3])
    if seed % 3 == 1:  # corners upon points
        outline = points[rng.integers(len(points), size=corners)]
    if seed % 3 == 2:  # all of it upon the borders of cells
        points = (rng.integers(0, SIDE + 1, (3000, 2)) / SIDE * scale).astype(kind)
        outline = rng.integers(0, SIDE + 1, (corners, 2)) / SIDE * scale
    points[::97] = np.nan
    lasso = Lasso(*(tuple(map(float, along)) for along in outline.T))
    np.testing.assert_array_equal(inside(lasso, CellIndex(points)), inside(lasso, points))


@pytest.mark.parametrize("points", [[], [[1, 2]], [[1, 2], [1, 2]], [[np.nan, 0], [3, np.nan]]])
def test_cells_of_hardly_any_points_are_fine(points):
    points = np.array(points, float).reshape(-1, 2)
    lasso = Lasso((0.0, 4.0, 4.0, 0.0), (0.0, 0.0, 4.0, 4.0))
    assert inside(lasso, CellIndex(points)).tolist() == np.isfinite(points).all(1).tolist()


def test_a_lasso_of_hundreds_of_corners_encloses_what_it_should():
    rng = np.random.default_rng(3)
    turn = np.sort(rng.uniform(0, 2 * np.pi, 400))
    far = rng.uniform(0.2, 1.2, 400)
    lasso = Lasso(tuple((far * np.cos(turn)).tolist()), tuple((far * np.sin(turn)).tolist()))
    points = rng.uniform(-1.2, 1.2, (300, 2)).astype("f4")
    expected = [winding_crossings(x, y, lasso) for x, y in points]
    assert inside(lasso, points).tolist() == expected


@pytest.mark.parametrize("size", [1e-310, 1e300])
@pytest.mark.parametrize("known", [np.asarray, CellIndex])
def test_a_lasso_of_any_size_that_a_link_may_ask_for_is_answered(size, known):
    lasso = Lasso((-size, size, size, -size), (-size, -size, size, size))
    found = inside(lasso, known(np.array([[0.0, 0.0], [np.nan, 0.0], [1e301, 0.0]])))
    assert found.tolist() == [True, False, False]


def test_what_a_shape_encloses_is_asked_for_once():
    asked, kept = [], ByteLRU(1 << 20)

    def points(layout):
        asked.append(layout)
        return POINTS[layout]

    first = Clause("patterns", Box(-1, 0, -1, 1), "replace", "patch")
    second = Clause("patterns", Lasso((0, 1, 1), (0, 0, 1)), "add", "patch")
    for used in ([first], [first, second], [first, second]):
        brush = resolve(used, IMAGES, HEADS, points, kept=kept)
        fresh = resolve(used, IMAGES, HEADS, POINTS.get)
        np.testing.assert_array_equal(brush.patterns, fresh.patterns)
    assert len(asked) == 2


@pytest.mark.parametrize(("x", "expected"), [(0.5, True), (1.5, False), (2.5, True)])
def test_a_lasso_that_crosses_itself_is_filled_by_the_even_odd_rule(x, expected):
    outer = [(0, 0), (3, 0), (3, 3), (0, 3), (0, 0)]
    hole = [(1, 1), (2, 1), (2, 2), (1, 2), (1, 1)]
    xs, ys = zip(*(outer + hole), strict=True)
    assert inside(Lasso(xs, ys), np.array([[x, 1.5]])).tolist() == [expected]
