"""The figure of an explained prediction: what it draws, and what it refuses."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from headbrush.analysis.explain.words import MAPS, Explanation
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.pages.figures.explanation import (
    draw_explanation,
    read_class,
    read_maps,
    read_tile,
)
from headbrush.server.stores.store_data import StoreData
from tests.stores import make_store


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return StoreData(Store(make_store(tmp_path_factory.mktemp("explained") / "s.headbrush")))


def explanation(data, **changed):
    """An explanation of random numbers, of all maps; the second map does not exist."""
    draw = np.random.default_rng(0)
    attrs, heads = data.store.attrs, data.importance("jsd").shape[1]
    maps = draw.standard_normal((len(MAPS), attrs["grid_height"] * attrs["grid_width"]))
    maps[1] = np.nan
    absent = np.array(["", "no such map here", *[""] * 5])
    says, total = draw.standard_normal((2, 1, heads))
    given = {
        "maps": maps,
        "absent": absent,
        "says": says,
        "total": total,
        "logit": np.array(3.25),
        "probability": np.array(0.5),
        "parts": np.array([1, -2, 0.5]),
        "absent_parts": np.array(""),
        "sinks": np.zeros((1, heads), np.int8),
        "outliers": np.zeros(1, int),
    }
    given |= {name: draw.random(7) for name in ("deletion", "insertion")}
    given |= {name: draw.random(5) for name in ("random_deletion", "random_insertion")}
    return Explanation(**given | changed)


def test_every_map_is_drawn_with_its_figures_and_a_missing_one_says_why(data):
    found = explanation(data)
    figure = draw_explanation(data, 0, 1, list(MAPS), found, 6.9, 100, True)
    drawn = {
        axes.get_title().split("\n")[0]: axes for axes in figure.subfigs[0].axes if axes.get_title()
    }
    for row, (kind, words) in enumerate(MAPS.items()):
        meshes = [one for one in drawn[words].collections if isinstance(one, QuadMesh)]
        if kind == "moves":
            assert not meshes
            assert "no such map here" in drawn[words].texts[0].get_text().replace("\n", " ")
            continue
        np.testing.assert_allclose(np.ravel(meshes[0].get_array()), found.maps[row])
        assert f"del. {found.deletion[row]:.2f}, ins. {found.insertion[row]:.2f}" in (
            drawn[words].get_title()
        )
    assert figure.content("pdf")[:4] == b"%PDF"
    tiles = draw_explanation(data, 0, 1, ["ablation"], explanation(data, tile="2"), 6.9, 100, True)
    titles = [axes.get_title() for axes in tiles.subfigs[0].axes]
    assert titles[1].startswith("logit lost by tiles of 2 × 2\n")


def test_bars_are_the_heads_that_say_most_beside_their_total_effect(data):
    found = explanation(data)
    figure = draw_explanation(data, 0, 1, ["lens"], found, 3.35, 100, False)
    (axes,) = figure.subfigs[1].axes
    heads = sorted(range(found.says.size), key=lambda head: -abs(found.says[0, head]))[:8]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        str(data.head(head)) for head in heads
    ]
    heights = [patch.get_height() for patch in axes.patches]
    expected = [*found.says[0, heads], *found.total[0, heads]]
    np.testing.assert_allclose(heights, expected)


def test_the_caption_says_the_sum_only_where_it_is_known(data):
    says = np.zeros((1, data.num_heads))
    says[0, 0] = 3.75
    found = explanation(data, says=says, probability=np.array(0.998))
    words = draw_explanation(data, 0, 1, [], found, 6.9, 100, True).caption
    assert "Logit 3.25 = heads 3.75" in words
    assert "n = 1 image" in words
    assert "P = 99.8\u00a0%" in words
    assert "random orders" not in words  # of maps that are not shown
    words = draw_explanation(data, 0, 1, ["lens"], explanation(data), 6.9, 100, True).caption
    assert "What heads say is not exact: the parts add up to" in words
    assert "Logit" not in words
    assert "5 random orders" in words
    unknown = {"absent_parts": np.array("it ends with tanh"), "says": np.full((1, 1), np.nan)}
    found = explanation(data, **unknown, total=np.ones((1, 1)))
    words = draw_explanation(data, 0, 1, [], found, 6.9, 100, True).caption
    assert "What heads say is not known: it ends with tanh." in words
    assert "Logit" not in words


def test_bars_of_what_is_not_known_are_not_drawn(data):
    unknown = {"says": np.full((1, data.num_heads), np.nan)}
    figure = draw_explanation(data, 0, 1, ["lens"], explanation(data, **unknown), 3.35, 100, False)
    (axes,) = figure.subfigs[1].axes
    assert len(axes.patches) == data.num_heads


def test_classes_are_named_or_numbered_and_others_refused_in_one_line(data):
    name = data.class_names[1]
    assert read_class(data, name, 0) == read_class(data, "1", 0) == 1
    assert read_class(data, None, 2) == data.predicted[2]
    assert read_maps(["lens", "lens", "rollout"]) == ["lens", "rollout"]
    assert read_maps([]) == list(MAPS)
    assert read_maps("lens") == ["lens"]
    assert (read_tile(2), read_tile("auto")) == ("2", "auto")
    for refused in (
        lambda: read_class(data, "-1", 0), lambda: read_maps(["gradcam"]), lambda: read_tile(3)
    ):  # fmt: skip
        with pytest.raises(InputError) as found:
            refused()
        assert "\n" not in str(found.value)
