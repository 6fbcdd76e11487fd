"""Masks of random clauses against brute force, and the rules between views."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.brushing import Box, Clause, Ids, Lasso, inside, resolve

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


def id_clauses(view, kind, size):
    ids = st.sets(st.integers(0, size - 1)).map(lambda chosen: Ids(tuple(sorted(chosen))))
    return st.builds(Clause, st.just(view), st.just(kind), ids, combines)


clauses = st.lists(
    st.one_of(
        id_clauses("images", "image", IMAGES),
        id_clauses("heads", "head", HEADS),
        st.builds(
            Clause,
            st.just("patterns"),
            st.just("instance"),
            st.one_of(boxes, lassos),
            combines,
            st.sampled_from(["patch", "cls"]),
        ),
    ),
    max_size=6,
)


def winding_crossings(x, y, lasso):
    """Even-odd rule by shooting a ray to the right, edge by edge in plain Python."""
    crossings = 0
    corners = list(zip(lasso.xs, lasso.ys, strict=True))
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            crossings += 1
    return crossings % 2 == 1


def marks(clause, image, head):
    if clause.kind == "image":
        return image in clause.shape.ids
    if clause.kind == "head":
        return head in clause.shape.ids
    x, y = POINTS[clause.layout][image * HEADS + head]
    if isinstance(clause.shape, Box):
        return clause.shape.x0 <= x <= clause.shape.x1 and clause.shape.y0 <= y <= clause.shape.y1
    return winding_crossings(x, y, clause.shape)


def slow(used, image, head):
    """Whether one instance is brushed: each view's clauses in order, then all views."""
    for view in {clause.view for clause in used}:
        state = False
        for clause in (c for c in used if c.view == view):
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
    brush = resolve(given_clauses, IMAGES, HEADS, POINTS.get, exclude)
    used = [clause for clause in given_clauses if clause.view != exclude]
    expected = np.array([[slow(used, i, h) for h in range(HEADS)] for i in range(IMAGES)])
    np.testing.assert_array_equal(brush.instances.reshape(IMAGES, HEADS), expected)
    np.testing.assert_array_equal(brush.image_count, expected.sum(1))
    np.testing.assert_array_equal(brush.head_count, expected.sum(0))
    assert brush.active == bool(used)
    if any(clause.kind == "instance" for clause in used):
        np.testing.assert_array_equal(brush.images, expected.any(1))
        np.testing.assert_array_equal(brush.heads, expected.any(0))


def test_images_stay_brushed_when_only_heads_are_left_out():
    images = Clause("images", "image", Ids((1, 2)))
    heads = Clause("heads", "head", Ids((0,)))
    brush = resolve([images, heads], IMAGES, HEADS, POINTS.get)
    assert np.flatnonzero(brush.images).tolist() == [1, 2]
    assert np.flatnonzero(brush.heads).tolist() == [0]
    assert brush.instances.sum() == 2


def test_points_without_a_place_are_never_inside():
    points = np.array([[np.nan, 0.0], [0.0, 0.0]])
    for shape in (Box(-1, 1, -1, 1), Lasso((-1, 1, 1, -1), (-1, -1, 1, 1))):
        assert inside(shape, points).tolist() == [False, True]


@pytest.mark.parametrize(("x", "expected"), [(0.5, True), (1.5, False), (2.5, True)])
def test_a_lasso_that_crosses_itself_is_filled_by_the_even_odd_rule(x, expected):
    outer = [(0, 0), (3, 0), (3, 3), (0, 3), (0, 0)]
    hole = [(1, 1), (2, 1), (2, 2), (1, 2), (1, 1)]
    xs, ys = zip(*(outer + hole), strict=True)
    assert inside(Lasso(xs, ys), np.array([[x, 1.5]])).tolist() == [expected]
