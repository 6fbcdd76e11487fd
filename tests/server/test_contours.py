"""Contours enclose the shares of the patterns that they say."""

import time

import numpy as np
import pytest

from headbrush.server.session.brush.clauses import Box, Clause
from headbrush.server.views.patterns.contours import FEW_SHARES, SHARES, contours, mass_levels
from headbrush.server.views.patterns.density import COUNT, Colouring
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from tests.server.pages import part

RAMP = ("#111111", "#222222", "#333333", "#444444", "#555555")
VIEW, SIZE = (-5.0, 5.0, -5.0, 5.0), (400, 300)


def enclosed(lines, entry, points):
    """Share of the points within an odd number of the rings of an entry, ring by ring."""
    xs, ys = lines.xs[entry], lines.ys[entry]
    odd = np.zeros(len(points), bool)
    for ring in np.split(np.arange(len(xs)), np.flatnonzero(np.isnan(xs))):
        x, y = xs[ring], ys[ring]
        x, y = x[~np.isnan(x)], y[~np.isnan(y)]
        for xa, ya, xb, yb in zip(x[:-1], y[:-1], x[1:], y[1:], strict=True):
            crosses = (ya > points[:, 1]) != (yb > points[:, 1])
            with np.errstate(divide="ignore", invalid="ignore"):
                at = xa + (points[:, 1] - ya) / (yb - ya) * (xb - xa)
            odd ^= crosses & (points[:, 0] < at)
    return odd.mean()


def cloud(count, *centres):
    rng = np.random.default_rng(0)
    parts = [rng.normal(centre, 0.6, (count, 2)) for centre in centres]
    return np.concatenate(parts).astype("f4")


@pytest.mark.parametrize("points", [cloud(4_000, (0, 0)), cloud(2_000, (-2, -2), (2, 1))])
def test_each_line_encloses_its_share(points):
    lines = contours(points, VIEW, SIZE, COUNT, None, RAMP)
    assert lines.shares == list(SHARES)
    assert lines.colours == list(RAMP)
    found = [enclosed(lines, entry, points) for entry in range(len(SHARES))]
    np.testing.assert_allclose(found, SHARES, atol=0.05)


def test_levels_are_those_of_sorted_mass():
    density = np.random.default_rng(0).exponential(size=(30, 40))
    for share, level in zip(SHARES, mass_levels(density, SHARES), strict=True):
        above = density[density >= level].sum() / density.sum()
        assert share <= above <= share + density.max() / density.sum()


def test_every_kind_has_lines_around_its_own_points():
    points = cloud(500, (-2, 0), (2, 0), (0, 2))
    kinds = Colouring(np.repeat([0, 1, -1], 500), ("#ff0000", "#0000ff"))
    lines = contours(points, VIEW, SIZE, kinds, None, RAMP)
    assert lines.colours == ["#ff0000"] * 2 + ["#0000ff"] * 2
    assert lines.shares == [*FEW_SHARES, *FEW_SHARES]
    for entry, side in ((0, -1), (2, 1)):
        assert np.nanmean(lines.xs[entry]) * side > 1
        own = points[kinds.categories == entry // 2]
        assert enclosed(lines, entry, own) == pytest.approx(0.9, abs=0.06)


def test_what_is_brushed_has_lines_over_grey_ones_of_all():
    points = cloud(500, (-2, 0), (2, 0))
    mask = points[:, 0] > 0
    lines = contours(points, VIEW, SIZE, COUNT, mask, RAMP)
    assert lines.colours[len(FEW_SHARES) :] == list(RAMP)
    assert len(set(lines.colours[: len(FEW_SHARES)]) - set(RAMP)) == 1
    assert np.nanmin(lines.xs[-1]) > 0
    assert np.nanmin(lines.xs[0]) < -2


def test_kinds_of_one_colour_share_their_lines():
    points = cloud(300, (-2, 0), (2, 0))
    kinds = Colouring(np.repeat([0, 1], 300), ("#ff0000", "#ff0000"))
    lines = contours(points, VIEW, SIZE, kinds, None, RAMP)
    one = Colouring(np.zeros(600, int), ("#ff0000",))
    same = contours(points, VIEW, SIZE, one, None, RAMP)
    np.testing.assert_array_equal(lines.xs[0], same.xs[0])


@pytest.mark.parametrize("count", [0, 1, 2, 19])
@pytest.mark.parametrize("size", [(1, 1), (400, 300)])
def test_few_points_have_few_lines(count, size):
    points = cloud(19, (0, 0))[:count]
    mask = np.arange(count) > 0
    for colouring in (COUNT, Colouring(np.zeros(count, int), ("#ff0000",))):
        for chosen in (None, mask):
            lines = contours(points, VIEW, size, colouring, chosen, RAMP)
            assert bool(lines.xs) == (count > 0)
    assert not contours(points, (90.0, 91.0, 90.0, 91.0), size, COUNT, None, RAMP).xs


def test_points_without_a_place_are_not_counted():
    points = np.concatenate([cloud(200, (0, 0)), np.full((50, 2), np.nan, "f4")])
    lines = contours(points, VIEW, SIZE, COUNT, None, RAMP)
    same = contours(points[:200], VIEW, SIZE, COUNT, None, RAMP)
    np.testing.assert_array_equal(lines.xs[0], same.xs[0])


def test_what_is_sent_does_not_grow_with_the_points():
    sizes, seconds = [], []
    for count in (2_000, 2_000_000):
        rng = np.random.default_rng(1)
        points = rng.normal(0, 1.2, (count, 2)).astype("f4")
        start = time.process_time()
        lines = contours(points, VIEW, SIZE, COUNT, None, RAMP)
        seconds.append(time.process_time() - start)
        sizes.append(sum(xs.nbytes for xs in lines.xs))
    assert sizes[1] < 1.5 * sizes[0]
    assert seconds[1] < 2


def test_the_view_shows_lines_instead_of_a_picture_and_back(session):
    view = PatternLayout(session)
    session.history.change(pattern_style="contours")
    assert len(part(view, "pattern_lines").data["xs"]) == len(SHARES)
    for picture in ("pattern_picture", "pattern_levels"):
        assert not part(view, picture).data["image"]
    assert "lines enclose 25, 50, 75, 90, 98 %" in part(view, "pattern_legend").text
    session.add_clause(Clause("patterns", Box(-1.0, 1.0, -1.0, 1.0), layout="patch"))
    assert len(part(view, "pattern_lines").data["xs"]) == len(SHARES) + len(FEW_SHARES)
    session.history.change(pattern_colour="layer")
    colours = set(part(view, "pattern_lines").data["colour"])
    assert len(colours) == session.data.num_layers + 1
    session.history.change(pattern_style="density", pattern_colour="count")
    assert not part(view, "pattern_lines").data["xs"]
    assert len(part(view, "pattern_levels").data["image"]) == 1
