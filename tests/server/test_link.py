"""A link opens the same picture; one that is wrong or hostile falls back with a note."""

import time
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headbrush.analysis.store.schema import NEIGHBOURS, OUTPUT_MAP
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.session.brush.clause_text import read_clauses
from headbrush.server.session.brush.clauses import Box, Clause, Ids, Lasso
from headbrush.server.session.state import (
    IMAGE_COLOURS,
    OVERVIEWS,
    PATTERN_COLOURS,
    PATTERN_STYLES,
    ViewState,
)
from headbrush.server.session.url_state import MOST_BRUSH, default_state, from_query, to_query
from headbrush.server.stores.store_data import StoreData
from tests.stores import attributes, values

IMAGES, LAYERS, HEADS, TOKENS = 24, 3, 2, 17

numbers = st.floats(-500, 500, allow_nan=False).map(lambda value: float(f"{value:.5g}"))
pairs = st.tuples(numbers, numbers).filter(lambda p: p[0] != p[1]).map(sorted)
combines = st.sampled_from(["replace", "add", "subtract", "intersect", "xor"])
regions = st.one_of(
    st.tuples(pairs, pairs).map(lambda p: Box(*p[0], *p[1])),
    st.lists(st.tuples(numbers, numbers), min_size=3, max_size=20).map(
        lambda corners: Lasso(*map(tuple, zip(*corners, strict=True)))
    ),
)


def id_clauses(view, size):
    ids = st.sets(st.integers(0, size - 1)).map(lambda s: Ids(tuple(sorted(s))))
    return st.builds(Clause, st.just(view), ids, combines)


clauses = st.one_of(
    id_clauses("images", IMAGES),
    id_clauses("heads", LAYERS * HEADS),
    st.builds(
        Clause, st.just("patterns"), regions, combines,
        st.sampled_from(["patch", "cls"]),
    ),
)  # fmt: skip
states = st.builds(
    ViewState,
    image=st.none() | st.integers(0, IMAGES - 1),
    layer=st.integers(0, LAYERS - 1),
    head=st.integers(0, HEADS - 1),
    metric=st.sampled_from(["probability", "jsd", "cls", "patch"]),
    clauses=st.lists(clauses, max_size=5).map(tuple),
    image_colour=st.sampled_from(IMAGE_COLOURS),
    overview=st.sampled_from(OVERVIEWS),
    pattern=st.sampled_from(["patch", "cls"]),
    pattern_style=st.sampled_from(PATTERN_STYLES),
    pattern_colour=st.sampled_from(
        [name for name in PATTERN_COLOURS if name not in ("name", NEIGHBOURS, OUTPUT_MAP)]
    ),
    pattern_range=st.none() | st.tuples(pairs, pairs).map(lambda p: (*p[0], *p[1])),
    mode=st.integers(1, 7),
    threshold=st.none() | st.floats(0, 1),
    token=st.none() | st.integers(0, TOKENS - 1),
)


def arguments(query):
    return {key: [value.encode() for value in values] for key, values in parse_qs(query).items()}


@settings(max_examples=300, deadline=None)
@given(state=states)
def test_a_link_opens_the_same_state(data, state):
    query, left_out = to_query(state, data)
    assert not left_out
    assert from_query(arguments(query), data) == (state, "")


def test_a_brush_is_short_and_readable(data):
    images = Clause("images", Ids((*range(5), 7, 9, 10)))
    state = replace(default_state(data), clauses=(images,))
    assert "brush=images:r:0-4,7,9-10" in to_query(state, data)[0]


def test_a_brush_that_is_too_long_is_left_out_and_named(data):
    corners = tuple(float(number) for number in range(MOST_BRUSH))
    clause = Clause("patterns", Lasso(corners, corners), layout="patch")
    state = replace(default_state(data), clauses=(clause,), metric="cls")
    query, left_out = to_query(state, data)
    assert "too large" in left_out
    assert from_query(arguments(query), data)[0] == replace(state, clauses=())


def test_many_long_ranges_take_no_time():
    images = 1_000_000
    many = SimpleNamespace(num_images=images)
    text = "images:r:" + ",".join([f"0-{images - 1}"] * 600)
    began = time.process_time()
    (clause,) = read_clauses(text, many, MOST_BRUSH)
    assert time.process_time() - began < 2  # one after the other they would take 15 s
    assert len(clause.shape.ids) == images


def test_the_first_screen_is_of_all_images_and_their_most_important_head(data):
    state = default_state(data)
    assert state.image is None
    means = data.importance("jsd").mean(0)
    assert means[data.head_at(state.layer, state.head).number] == means.max()
    shows_why = data.first.image_of(data.first.head.number)
    assert shows_why in data.store.kept_images
    assert data.correct[shows_why]
    assert "image" not in to_query(state, data)[0]


@pytest.mark.parametrize(("query", "image"), [("image=none", None), ("image=all", None),
                                              ("image=3", 3), ("", None)])  # fmt: skip
def test_a_link_names_an_image_or_none_for_all(data, query, image):
    state, note = from_query(arguments(query), data)
    assert (state.image, note) == (image, "")


@pytest.mark.parametrize(
    "query",
    [
        "image=99",
        "image=-1",
        "image=1e3",
        f"image={'9' * 5000}",
        "image=٣",
        f"head=0.{'0' * 5000}",
        "head=3.0",
        "head=0",
        "head=0.9",
        "metric=evil",
        "mode=0",
        "mode=8",
        "token=17",
        "threshold=2",
        "threshold=nan",
        "threshold=1e999",
        "range=1,0,0,1",
        "range=0,1,0",
        "range=0,inf,0,1",
        "brush=images:r:",
        "brush=images:r:24",
        "brush=images:r:5-99999999",
        "brush=images:q:1",
        "brush=heads:r:0-6",
        "brush=patch:r:box:1,0,0,1",
        "brush=patch:r:lasso:1,2,3,4",
        "brush=evil:r:box:0,1,0,1",
        f"brush={'~'.join(['images:r:1'] * 500)}",
        f"brush=patch:r:lasso:{'1,' * 5000}1",
    ],
)
def test_a_bad_link_opens_the_first_screen_with_a_note(data, query):
    state, note = from_query(arguments(query), data)
    assert state == default_state(data)
    assert query.split("=")[0] in note


def test_a_link_of_another_version_is_read_as_far_as_possible_and_says_so(data):
    state, note = from_query(arguments("v=2&metric=cls"), data)
    assert state == replace(default_state(data), metric="cls")
    assert "version" in note
    assert from_query(arguments("v=1"), data)[1] == ""


keys = st.sampled_from(
    ["image", "head", "metric", "v", "x", "brush", "range", "mode", "token", "threshold"]
)
nearly = st.text("imageshdptclrbox:~,.-+e0123456789", max_size=40).map(str.encode)


def check_is_valid(state, data):
    assert state.image is None or 0 <= state.image < data.num_images
    assert 0 <= state.layer < data.num_layers
    assert 0 <= state.head < data.heads_per_layer
    assert state.token is None or 0 <= state.token < data.num_tokens
    assert 1 <= state.mode <= 7
    assert from_query(arguments(to_query(state, data)[0]), data) == (state, "")


@settings(max_examples=300, deadline=None)
@given(given_pairs=st.dictionaries(keys, st.binary() | nearly))
def test_no_link_breaks_the_page(data, given_pairs):
    check_is_valid(from_query({key: [value] for key, value in given_pairs.items()}, data)[0], data)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(state=states, at=st.integers(0, 400), letters=st.text(max_size=3))
def test_a_damaged_link_never_breaks_the_page(data, state, at, letters):
    query = to_query(state, data)[0]
    damaged = query[:at] + urlencode({"": letters})[1:] + query[at + len(letters) :]
    check_is_valid(from_query(arguments(damaged), data)[0], data)


def test_a_link_to_other_images_says_so_and_shows_none_of_them(data, tmp_path):
    query, _ = to_query(
        replace(default_state(data), image=5, head=1, clauses=(Clause("images", Ids((1, 2))),)),
        data,
    )
    link = {key: [value[0].encode()] for key, value in parse_qs(query).items()}
    for name, changed in (("name", "other.png"), ("thumbnail", 7)):
        content = values()
        content[name][3] = changed
        (tmp_path / name).mkdir()
        other = StoreData(Store(write_summary_at(tmp_path / name, content)))
        state, note = from_query(link, other)
        assert note.startswith("The link is to other images")
        assert state == replace(default_state(other), head=1)
    del link["set"]  # a link of headbrush 0.1
    state, note = from_query(link, other)
    assert (state.image, note) == (5, "")


def test_a_brush_on_another_layout_of_the_patterns_is_left_out(data, tmp_path):
    box = Clause("patterns", Box(-1.0, 1.0, -1.0, 1.0), layout="patch")
    content = values()
    content["patch_embedding"] = content["patch_embedding"] + 1
    again = StoreData(Store(write_summary_at(tmp_path, content)))
    images = Clause("images", Ids((1, 2)))
    for clauses in ((box,), (images, box), (images,), (replace(box, layout="cls"),)):
        state = replace(default_state(data), image=5, clauses=clauses)
        link = arguments(to_query(state, data)[0])
        assert from_query(link, data) == (state, "")
        read, note = from_query(link, again)
        assert read.image == 5
        if box in clauses:
            assert read.clauses == ()
            assert note.startswith("The link's brush is drawn on another layout")
        else:
            assert (read.clauses, note) == (clauses, "")
    link.pop("on")  # a link of headbrush 0.1
    assert from_query(link, again)[1] == ""


def test_a_store_made_again_from_the_same_images_keeps_its_links(data, tmp_path):
    content = values()
    content["importance"] *= 0.5
    again = StoreData(Store(write_summary_at(tmp_path, content)))
    assert again.fingerprint == data.fingerprint


def write_summary_at(path, content):
    write_summary(path, content, attributes())
    return path


@pytest.mark.parametrize("part", ["images_range", "matrix_range", "pattern_range"])
def test_a_link_holds_the_visible_part_of_every_plot_that_is_zoomed(data, part):
    state = replace(default_state(data), **{part: (0.25, 1.5, -2.0, 3.0)})
    query, _note = to_query(state, data)
    read, fault = from_query(arguments(query), data)
    assert fault == ""
    assert read == state
