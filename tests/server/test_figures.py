"""Figures for a paper: nothing is cut, the values are those of the store, the files are whole."""

import re
from dataclasses import replace
from unittest.mock import patch
from urllib.parse import urlencode

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from scipy.spatial.distance import jensenshannon

from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.studies.curve import save_curve
from headbrush.analysis.store.facts.studies.interactions import save_interactions
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.pages.figures.compose import draw_figure
from headbrush.server.pages.figures.make_figure import make_figure, save_figure
from headbrush.server.pages.figures.parts import tokens
from headbrush.server.pages.figures.parts.fonts import paper_style
from headbrush.server.pages.figures.request import PANELS, WIDTHS
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.named_brushes import saved
from headbrush.server.session.brush.named_link import named_pairs
from headbrush.server.session.reader import ReaderLists
from headbrush.server.session.url_state import default_state, to_query
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.statistics.normal_scores import normal_scores
from headbrush.server.stores.trends.unlike import nearest
from tests.server.fakes import FakeModel, PromptWorker, live_models, pruned
from tests.server.studies import LINES, curve_study, interactions
from tests.server.test_explain import reply, sources
from tests.stores import attributes, make_store, values

LONG = "a class with a name that goes on and on, $and$ on, 猫, until the end of the line"


class AnsweringModel(FakeModel):
    """Answers at once."""

    def __init__(self, classes):
        super().__init__()
        self._classes = classes

    def partial_pruning(self, *selection):
        future = super().partial_pruning(*selection)
        future.set_result(pruned(self._classes))
        return future

    def predictions(self, images, *question, **how):
        future = super().predictions(images, *question, **how)
        chances = np.random.default_rng(0).dirichlet(np.ones(self._classes), len(images))
        future.set_result(chances)
        return future

    def importance(self, *question, **how):
        future = super().importance(*question, **how)
        future.set_result(np.random.default_rng(0).uniform(0, 1, (4, 3, 2)))
        return future

    def kept(self, what, question):
        future = super().kept(what, question)
        future.set_result(reply((what, *question)))
        return future


@pytest.fixture
def answering():
    with live_models(lambda store: AnsweringModel(len(store.read("class_name")))):
        yield


def with_studies(path):
    """Interactions and a curve, measured on the store."""
    attrs = Store(path).attrs
    save_interactions(path, interactions(attrs))
    save_curve(path, curve_study(attrs))


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    path = make_store(tmp_path_factory.mktemp("studied") / "small.headbrush")
    with_studies(path)
    with patch("headbrush.server.stores.attention.matrices.ThreadQueue", PromptWorker):
        return StoreData(Store(path))


@pytest.fixture(scope="module")
def long_names(tmp_path_factory):
    """1 000 classes, and long names of classes and files."""
    path = make_store(tmp_path_factory.mktemp("long") / f"{'long-' * 12}store.headbrush")
    content = values(classes=1000)
    content["name"] = np.array([f"{LONG}/{i}-{LONG}.png" for i in range(24)], object)
    content["class_name"] = np.array([f"{LONG} {i}" for i in range(1000)], object)
    content["label"] = np.arange(24, dtype=content["label"].dtype) % 2
    write_summary(path, content, attributes(model=f"models/{LONG}"))
    with_studies(path)
    with patch("headbrush.server.stores.attention.matrices.ThreadQueue", PromptWorker):
        return StoreData(Store(path))


def test_images_of_trends_are_drawn_in_the_order_of_their_list(data):
    effects = data.importance(data.first.metric)
    images, distance = nearest(normal_scores(effects), 4, 8)
    figure = drawn(data, "F4")
    drawn_axes = [axes for axes in figure.axes if axes.images]
    assert len(drawn_axes) == 8
    for axes, one, away in zip(drawn_axes, images, distance, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), data.store.read("thumbnail")[one])
        assert axes.get_xlabel().endswith(f"distance {away:.2f}")


def selected(data, **changed):
    """A state with an image whose attention is stored."""
    usual = {"image": 4, "layer": 2, "head": 1, "pruned": PruneSet.parse("0.0,1.1:4")}
    return replace(default_state(data), **{**usual, **changed})


def drawn(data, panel, width=3.35, with_caption=True, **changed):
    state = selected(data, **changed)
    return draw_figure(data, state, ReaderLists(), panel, width, 300, with_caption)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.usefixtures("answering")
def test_nothing_is_cut_off(long_names, panel, width):
    figure = drawn(long_names, panel, WIDTHS[width])
    renderer, (right, top) = figure.canvas.get_renderer(), figure.bbox.max
    with paper_style():
        figure.draw_without_rendering()
        whole = figure.get_tightbbox(renderer).transformed(figure.dpi_scale_trans)
        boxes = [whole, *(text.get_window_extent(renderer) for text in figure.texts)]
    for box in boxes:
        assert min(box.x0, box.y0) >= -0.5
        assert box.x1 <= right + 0.5
        assert box.y1 <= top + 0.5
    assert figure.get_figwidth() == WIDTHS[width]
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 6


@pytest.mark.usefixtures("answering")
def test_an_explanation_is_that_of_the_model(data):
    found = sources(4, 1)
    figure = drawn(data, "G1", explained_class=1, token=6)
    (mesh,) = figure.axes[1].images
    np.testing.assert_allclose(np.ravel(mesh.get_array()), found.of("speaks"), rtol=1e-5)
    (pin,) = figure.axes[1].patches
    assert pin.get_xy() == (1, 1)
    bars = drawn(data, "G3", explained_class=1).axes[0].patches
    says = sorted(found.says.ravel(), key=lambda value: -abs(value))
    np.testing.assert_allclose([one.get_height() for one in bars[:6]], says)
    assert len(bars) == 12


def line(figure, colour):
    """Heights of the drawn line of this colour that has a point for every head."""
    (found,) = (
        one.get_ydata() for one in figure.axes[0].lines
        if len(one.get_ydata()) == 6 and to_rgba(one.get_color()) == to_rgba(colour)
    )  # fmt: skip
    return found


def test_importance_is_that_of_the_store(data):
    figure = drawn(data, "B1", metric="patch", clauses=(Clause("images", Ids((1, 5, 7))),))
    stored = data.importance("patch")
    np.testing.assert_allclose(line(figure, "#8a8f98"), stored[[1, 5, 7]].mean(0), rtol=1e-6)
    np.testing.assert_array_equal(line(figure, "#1f2933"), stored[4])
    assert figure.axes[0].get_ylabel() == "patch distance (0–2)"
    assert "n = 3 of 24 images" in words(figure)


def test_pairs_are_those_of_the_study(studied):
    figure = drawn(studied, "E7")
    study = interactions(studied.store.attrs)
    wanted = np.where(study.within_noise, np.nan, study.iota)
    np.fill_diagonal(wanted, 0)
    (picture,) = figure.axes[0].images
    np.testing.assert_allclose(picture.get_array().filled(np.nan), wanted, rtol=1e-6)
    (dots, *_) = figure.axes[0].lines
    marked = set(zip(*(one.astype(int).tolist() for one in dots.get_data()), strict=True))
    assert marked == {(1, 4), (4, 1), (1, 2), (2, 1)}
    assert "2 pairs interact beyond chance" in words(figure)


def test_the_curve_is_that_of_the_study(studied):
    above, below, *_ = drawn(studied, "E6").axes
    greedy = LINES[-1]
    shares = [line.get_ydata() for line in above.lines]
    assert any(np.allclose(share, np.array(greedy.right) / 12) for share in shares)
    assert any(np.array_equal(line.get_ydata(), greedy.jsd) for line in below.lines)


def test_effects_by_class_are_hedges_g(studied):
    figure = drawn(studied, "F1", metric="patch")
    (picture,) = figure.axes[0].images
    effects, values = np.asarray(picture.get_array()), studied.importance("patch")
    for row, label in zip(effects, figure.axes[0].get_yticklabels(), strict=True):
        inside = studied.labels == studied.class_names.index(label.get_text())
        first, second = values[inside], values[~inside]
        counts = len(first) + len(second) - 2
        pooled = (first.var(0) * len(first) + second.var(0) * len(second)) / counts
        wanted = (first.mean(0) - second.mean(0)) / np.sqrt(pooled) * (1 - 3 / (4 * counts - 1))
        np.testing.assert_allclose(row, wanted, rtol=2e-3)


class OneClassOn(FakeModel):
    """Without any head, each image has the probabilities of the classes before them."""

    def __init__(self, store):
        super().__init__()
        self._stored = store.read("probability")

    def predictions(self, images, *question, **how):
        future = super().predictions(images, *question, **how)
        future.set_result(np.roll(self._stored[images], 1, axis=1))
        return future


def test_effects_of_sets_are_counted_and_named_as_in_the_link(data):
    link = to_query(selected(data), data)[0] + "&set_of=2.0,2.1*the last layer"
    with live_models(OneClassOn):
        figure, stem, note = make_figure(data, panel="E2", link=link)
    assert (stem, note) == ("small-E2-L2H1-class-1-004", "")
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["this set", "the last layer"]
    before, labels = data.probability, data.store.read("label")
    after = np.roll(before, 1, axis=1)
    known = labels >= 0
    accuracy = np.mean(after.argmax(1)[known] == labels[known])
    dots = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, [accuracy] * 2)
    distance = np.mean(
        [jensenshannon(a, b, base=2) ** 2 for a, b in zip(before, after, strict=True)]
    )
    np.testing.assert_allclose([bar.get_width() for bar in right.patches], [distance] * 2)
    changed = int(np.sum(before.argmax(1) != after.argmax(1)))
    assert f"{changed} change" in words(figure)
    assert "this set 1 + 1 part; the last layer 2" in words(figure)


def test_panels_without_a_study_say_how_to_make_it(data):
    for panel, command in (("E6", "headbrush prune"), ("E7", "headbrush interactions")):
        with pytest.raises(InputError, match=command):
            drawn(data, panel)


def test_a_fit_to_brushed_heads_shows_these(data):
    heads = Clause("heads", Ids((0, 2)))
    figure = drawn(data, "B1", clauses=(heads,), importance_fit="fit")  # the selected one is not
    with paper_style():
        figure.draw_without_rendering()
    low, high = figure.axes[0].get_xlim()
    assert [place for place in range(6) if low <= place <= high] == [0, 1, 2]
    ordered = drawn(data, "B1", importance_order="mean", metric="patch")
    means = data.importance("patch").mean(0)
    np.testing.assert_allclose(line(ordered, "#8a8f98"), np.sort(means)[::-1], rtol=1e-6)
    dots = ordered.axes[0].collections[-1].get_offsets()
    np.testing.assert_array_equal(dots[:, 0], np.argsort(np.argsort(-means)))


def words(figure):
    """All text of a figure."""
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def test_hops_and_entropy_are_those_of_the_store(data):
    hops = drawn(data, "C2").axes[0].patches
    np.testing.assert_array_equal([bar.get_height() for bar in hops], data.strength[4, 5])
    counts, edges = drawn(data, "C3").axes[0].patches[0].get_data()[:2]
    expected = np.histogram(data.entropy[:, 5], edges)[0] / 24 * 100
    np.testing.assert_allclose(counts, expected)


@pytest.mark.usefixtures("answering")
def test_bars_of_pruning_are_the_answer_of_the_model(data):
    bars = drawn(data, "B2", metric="cls").axes[0].patches
    np.testing.assert_allclose([bar.get_width() for bar in bars], pruned().metrics[2], rtol=1e-6)


def test_places_of_images_are_those_of_the_store(data):
    figure = drawn(data, "A")
    places = np.concatenate([one.get_offsets() for one in figure.axes[0].collections[:-1]])
    stored = data.store.read("image_embedding")
    np.testing.assert_array_equal(places[np.lexsort(places.T)], stored[np.lexsort(stored.T)])


def test_a_matrix_is_blue_and_orange_and_faint_below_the_threshold(data):
    figure = drawn(data, "D4", threshold=0.1)
    shown = figure.axes[0].images[0].get_array()
    stored = data.store.attention(4, 2, 1)
    rows = [0, 0, *range(1, 17)]  # CLS is drawn two wide
    assert shown.shape == (18, 18, 3)
    ordered = np.sort(stored.ravel())
    top = ordered[-int(np.ceil(0.005 * stored.size))]
    for y, source in enumerate(rows):
        for x, target in enumerate(rows):
            value = stored[source, target]
            share = min(value / top, 1)
            opaque = 0.25 + 0.75 * share if value >= 0.1 else 0.3 * share
            ink = np.array(to_rgba("#1c7ed6" if 0 in (source, target) else "#e8590c")[:3])
            np.testing.assert_allclose(shown[y, x], 1 - opaque * (1 - ink), atol=1e-6)


@pytest.mark.parametrize("pixels", [3, 7, 10, 99])
def test_a_pixel_shows_the_strongest_of_its_values(pixels):
    axis = tokens.TokenAxis(prefix=1, patches=8, wide=2)
    attention = np.random.default_rng(0).random((9, 9))
    found, of_prefix = tokens.pooled(attention, axis, pixels)
    units, side = [0, 0, *range(1, 9)], min(pixels, 10)
    expected = np.zeros((side, side))
    for y, source in enumerate(units):
        for x, target in enumerate(units):
            at = y * side // 10, x * side // 10
            if attention[source, target] > expected[at]:
                expected[at] = attention[source, target]
    np.testing.assert_array_equal(found, expected)
    of_cls = np.concatenate([attention[0], attention[:, 0]])
    np.testing.assert_array_equal(of_prefix, np.isin(found, of_cls))


@pytest.mark.parametrize("token", [None, 0, 3])
def test_lines_are_the_strongest_values_of_a_token(token):
    attention = np.random.default_rng(1).random((6, 6))
    wanted = [
        (value, source, target) for (source, target), value in np.ndenumerate(attention)
        if value >= 0.4 and (token is None or token in (source, target))
    ]  # fmt: skip
    found = tokens.lines(attention, 0.4, token, most=4)
    assert found.total == len(wanted)
    expected = sorted(wanted)[-4:]
    assert list(zip(found.value, found.source, found.target, strict=True)) == expected
    attends, looks = tokens.masks(attention, 1, token)
    for patch_token in range(1, 6):
        others = range(6) if token is None else [token]
        mean = np.mean([attention[patch_token, other] for other in others])
        assert attends[patch_token - 1] == pytest.approx(mean)
        mean = np.mean([attention[other, patch_token] for other in others])
        assert looks[patch_token - 1] == pytest.approx(mean)


def test_a_link_leads_to_the_figure_of_its_page(data):
    state = selected(data, metric="cls", importance_scale="log", clauses=(
        Clause("heads", Ids((0, 3))), Clause("images", Ids((1, 2, 3))),
    ))  # fmt: skip
    link = "https://viz.example.org/server?" + to_query(state, data)[0]
    by_link, stem, note = make_figure(data, panel="B1", link=link, dpi=100)
    assert note == ""
    assert stem == "small-B1-L2H1-class-1-004"
    by_state = draw_figure(data, state, ReaderLists(), "B1", 3.35, 100, True)
    assert by_link.content("svg") == by_state.content("svg")
    other = make_figure(data, image=5, panel="B1", link=link, dpi=100)[0]
    assert other.content("svg") != by_state.content("svg")


def test_a_link_s_compared_brushes_are_in_the_figure(data):
    state = selected(data, metric="patch")
    named = saved((), "three", (Clause("images", Ids((1, 5, 7))),))
    pairs, left_out = named_pairs(named, data, 1000)
    link = f"{to_query(state, data)[0]}&{urlencode(pairs)}"
    figure, _, note = make_figure(data, panel="B1", link=link)
    assert (left_out, note) == ("", "")
    stored = data.importance("patch")
    np.testing.assert_allclose(line(figure, named[0].colour), stored[[1, 5, 7]].mean(0), rtol=1e-6)
    assert "three" in words(figure)


def test_files_have_their_size_and_hold_text_as_text(data, tmp_path):
    figure = drawn(data, "B1", 6.9)
    for ending in ("pdf", "svg", "png"):
        save_figure(figure, tmp_path / f"f.{ending}")
    width, height = figure.get_size_inches()
    pdf = (tmp_path / "f.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf)
    assert [float(side) for side in box.groups()] == pytest.approx([72 * width, 72 * height])
    assert b"/FontFile2" in pdf  # TrueType, which is Type 42
    assert b"/Type3" not in pdf
    svg = (tmp_path / "f.svg").read_text(encoding="utf-8")
    said = " ".join(re.findall(r"<text[^>]*>([^<]*)", svg))
    for expected in ("L2·H1", "class-1/004.png", "JSD (bits)", "n = 24 images", "random"):
        assert expected in said
    png = (tmp_path / "f.png").read_bytes()
    sides = [int.from_bytes(png[at : at + 4]) for at in (16, 20)]
    assert sides == [int(300 * width), int(300 * height)]


def test_without_a_caption_the_file_still_tells_what_it_shows(data):
    figure = drawn(data, "C2", with_caption=False)
    assert figure.texts == []
    assert "head L2·H1" in figure.caption
    assert f"<dc:title>{figure.caption}" in figure.content("svg").decode()


def test_of_several_panels_one_that_has_nothing_to_show_says_why(data):
    figure = drawn(data, "head")  # the images are not there, so no model prunes
    told = words(figure)
    assert "Parts of the head pruned: nothing to show." in told
    assert "a  Importance of heads" in told
    with pytest.raises(InputError) as error:
        drawn(data, "B2")
    assert str(error.value)[:30] in told


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"panel": "D9"}, "--panel D9: unknown panel; choose from A, B1"),
        ({"width": "wide"}, "--width wide: expected one"),
        ({"width": "nan"}, "--width nan: expected one"),
        ({"width": 1}, "inches from 2.5 to 20"),
        ({"dpi": 30}, "--dpi 30: expected dots an inch from 72 to 1200"),
        ({"dpi": 1200, "width": 20}, "24000 pixels wide, at most 16000"),
        ({"head": "7.0"}, "--head 7.0: expected layer.head"),
        ({"image": "99"}, "--image 99: expected an id from 0 to 23"),
        ({"link": "nothing"}, "--link nothing: expected the address of a page"),
        ({"panel": "C1", "link": "overview=bits"}, "has no bits"),
        ({"panel": "D4", "image": 5}, "not"),
        ({"panel": "B1", "link": "metric=jsd&brush="}, ""),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_sentence(data, asked, expected):
    if not expected:
        assert make_figure(data, **asked)[0].axes
        return
    with pytest.raises(InputError) as error:
        make_figure(data, **asked)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
