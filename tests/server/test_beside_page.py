"""Two stores, head by head: matched as the reader chooses, and what differs then."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest

import headbrush
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store
from headbrush.server.pages.compare import compare
from headbrush.server.pages.report.make_pair_report import make_pair_report
from headbrush.server.session.beside.partners import (
    given_partner,
    partners_text,
    read_partners,
    with_partners,
)
from headbrush.server.session.brush.clause_text import LinkError
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.beside import beside_table, beside_words, match_words
from headbrush.server.stores.trends.match_file import pairs_of_file
from headbrush.server.stores.trends.matching import common_images
from tests.server.pages import run_until
from tests.stores import make_store

NAMES = ["first", "second"]
HEADS = 6


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beside")
    return [make_store(folder / f"{name}.headbrush") for name in NAMES]


@pytest.fixture
def stores(paths, monkeypatch):
    """The second store's heads are the first's in another order, two of them with a shift."""
    found = [StoreData(Store(path)) for path in paths]
    random = np.random.default_rng(3)
    effects = random.gamma(1.0, size=(24, HEADS)).astype(np.float32)
    moved = effects[:, ORDER] + random.normal(scale=0.01, size=effects.shape)
    moved[:, :2] += 0.5
    for data, values in zip(found, (effects, moved.astype(np.float32)), strict=True):
        monkeypatch.setattr(data, "importance", lambda _metric, values=values: values)
    return found


ORDER = np.array([3, 0, 1, 2, 5, 4])
"""Number in the first store of each head of the second."""
BACK = np.argsort(ORDER)


def opened(document, stores, **arguments):
    given = {name: [value.encode()] for name, value in arguments.items()}
    return compare(document, stores, {"workspace": [b"trends"], **given}, {}, NAMES)


def model(document, name):
    return document.select_one({"name": name})


def shown(document):
    """The drawn differences by the first store's head: partner, mean, q and the rest."""
    columns = model(document, "head_differences_source").data
    rows = pd.DataFrame({name: list(column) for name, column in columns.items()})
    return rows.set_index("label")


def link(document):
    (unseen,) = (root for root in document.roots if root.name == "unseen")
    return next(one for one in unseen.tags if one.name == "link").tags[0]


def channel(document, name):
    (unseen,) = (root for root in document.roots if root.name == "unseen")
    return next(one for one in unseen.tags if one.name == name)


def test_the_drawn_differences_are_those_of_the_command(document, stores):
    opened(document, stores, match="correlation")
    expected = beside_table(*stores, metric="jsd", match="correlation")
    rows = shown(document)
    assert len(rows) == len(expected) == HEADS
    for one in expected.to_dict("records"):
        row = rows.loc[f"L{one['layer']}·H{one['head']}"]
        assert row["partner"] == f"L{one['layer_second']}·H{one['head_second']}"
        for name, column in (
            ("difference", "difference"), ("low", "low"), ("high", "high"), ("q", "p_adjusted"),
            ("mean", "mean"), ("mean_second", "mean_second"), ("r", "correlation"),
        ):  # fmt: skip
            assert row[name] == pytest.approx(one[column]), name
    assert (np.diff(rows["difference"]) <= 0).all()
    large = set(rows.index[rows["size"] == rows["size"].max()])
    assert large == {"L1·H1", "L0·H0"}  # those that are shifted
    assert "2 of 6 heads differ" in model(document, "differences_note").text


def test_a_selected_head_is_its_partner_on_the_other_side(document, stores):
    first, second = opened(document, stores, match="correlation")
    for number in range(HEADS):
        first.select_head(number)
        assert second.head.number == BACK[number]
        second.select_head(int(ORDER[number]))
        assert first.head.number == ORDER[ORDER[number]]
    first.brush_ids("heads", [0, 2], "replace")
    assert np.flatnonzero(second.brush().heads).tolist() == sorted(BACK[[0, 2]])
    alpha = shown(document)["alpha"]
    assert set(alpha.index[alpha == 1]) == {first.data.head_labels[one] for one in (0, 2)}


def test_only_the_brushed_images_count(document, stores):
    first, _ = opened(document, stores)
    first.brush_ids("images", range(8), "replace")
    here, there = common_images(*stores)
    used = np.isin(here, range(8))
    means = stores[1].importance("jsd")[there[used]] - stores[0].importance("jsd")[here[used]]
    np.testing.assert_allclose(
        shown(document).loc[first.data.head_labels, "difference"], means.mean(0), rtol=1e-5
    )
    assert "8 images of both, in pairs" in model(document, "differences_note").text
    assert "Only the brushed images count" in model(document, "differences_note").text


def test_a_partner_chosen_by_hand_is_undone_and_in_the_link(document, stores):
    first, second = opened(document, stores)
    channel(document, "keys").tags = ["1"]
    channel(document, "keys").tags = ["2"]
    first.select_head(1)
    model(document, "partner").value = "4"
    assert (first.head.number, second.head.number) == (1, 4)
    assert shown(document).loc["L0·H1", "partner"] == "L2·H0"
    assert shown(document).loc["L2·H0", "partner"] == "L0·H1"  # the two swap
    assert "pairs=0.1-2.0~2.0-0.1" in link(document)
    channel(document, "keys").tags = ["z"]
    assert (first.state.partners, second.head.number) == ((), 1)
    assert shown(document).loc["L0·H1", "partner"] == "L0·H1"
    channel(document, "keys").tags = ["y"]
    assert first.state.partners == ((1, 4), (4, 1))
    model(document, "partner").value = "-1"
    assert "L0·H1" not in shown(document).index
    assert "1 heads of first have no partner" not in model(document, "differences_note").text
    assert "1 head of first has no partner" in model(document, "differences_note").text


def test_a_link_shows_the_same_pairs(document, stores):
    first, second = opened(document, stores, match="correlation", pairs="0.1-2.0", head="0.1")
    assert second.head.number == 4
    assert shown(document).loc["L0·H1", "partner"] == "L2·H0"
    assert "match=correlation" in link(document)
    assert "pairs=0.1-2.0" in link(document)
    assert first.state.workspace == "trends"


@pytest.mark.parametrize("pairs", ["9.1-0.0", "0.1-0.0~0.1-1.0", "0.1-0.0~1.1-0.0", "x", "0.1"])
def test_pairs_of_a_link_that_do_not_fit_are_left_out(document, stores, pairs):
    first, _ = opened(document, stores, pairs=pairs)
    assert first.state.partners == ()
    assert "pairs of heads could not be used" in document.template_variables["note"]


def test_ways_that_are_impossible_say_why(document, stores):
    stores[1].names = [f"{n}.jpg" for n in range(24)]
    first, _ = opened(document, stores)
    ways = model(document, "partner_ways").text
    assert ways.count('aria-disabled="true"') == 2
    assert "Not by correlation: the stores have 0 images of the same name" in ways
    assert "Not by pattern name: a store has no names of patterns" in ways
    channel(document, "asked").tags = ["match", 1]
    assert first.state.match == "place"
    note = model(document, "differences_note").text
    assert "Welch's t over 24 and 24 images" in note


@pytest.mark.parametrize("asked", [["match", "x"], ["match", 9], ["partners", None]])
def test_nothing_that_a_page_asks_is_trusted(document, stores, asked):
    first, _ = opened(document, stores)
    channel(document, "asked").tags = asked
    assert (first.state.match, first.state.partners) == ("place", ())


def test_the_saved_csv_is_read_by_the_command(document, stores, tmp_path):
    first, _ = opened(document, stores, match="correlation", pairs="0.1-2.0")
    channel(document, "asked").tags = ["partners_csv", 0]
    run_until(document, lambda: channel(document, "exported").tags)
    name, packed = channel(document, "exported").tags
    assert name == "first-second-heads.csv"
    file = tmp_path / name
    file.write_bytes(gzip.decompress(packed))
    pairs = pairs_of_file(file, *stores)
    expected = with_partners(BACK, first.state.partners)
    np.testing.assert_array_equal(pairs, expected)
    table = beside_table(*stores, metric="jsd", match=str(file))
    saved = pd.read_csv(io.BytesIO(gzip.decompress(packed)))
    pd.testing.assert_frame_equal(saved, table, rtol=1e-5, check_dtype=False)
    assert match_words(file) == "the pairs of first-second-heads.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layer,head\n0,0\n", "there is no column layer_second, head_second"),
        ("layer,head,layer_second,head_second\n0,0,0,7\n", "line 2: layer_second 0, head_second 7"),
        ("layer,head,layer_second,head_second\n0,-1,0,0\n", "line 2: layer 0, head -1"),
        ("layer,head,layer_second,head_second\n0,,0,0\n", r"head \(empty\)"),
        ("layer,head,layer_second,head_second\n0,0,0,0\n0,0,0,1\n", "line 3: L0·H0 has two"),
        ("layer,head,layer_second,head_second\n0,0,0,0\n0,1,0,0\n", "line 3: L0·H0 of the second"),
        ("layer,head,layer_second,head_second\n", "there is no pair"),
        ("", "there is no column"),
        (b"\xff\xfe\x00", "no CSV file that can be read"),
    ],
)
def test_a_file_of_pairs_that_does_not_fit_is_refused(stores, tmp_path, text, words):
    file = tmp_path / "pairs.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=words) as found:
        pairs_of_file(file, *stores)
    assert "\n" not in str(found.value)


def test_a_missing_file_of_pairs_is_refused(stores, tmp_path):
    with pytest.raises(InputError, match="there is no such file of pairs"):
        beside_table(*stores, match=tmp_path / "none.csv")


def test_no_head_ever_has_two_partners(stores):
    random = np.random.default_rng(0)
    base = np.array([0, 1, 2, -1, 4, 3])
    partners = ()
    for _ in range(200):
        head, other = int(random.integers(HEADS)), int(random.integers(-1, HEADS))
        partners = given_partner(base, partners, head, other)
        now = with_partners(base, partners)
        assert now[head] == other
        kept = now[now >= 0]
        assert len(set(kept.tolist())) == len(kept)
        assert read_partners(partners_text(partners, stores), stores) == partners
    with pytest.raises(LinkError):
        read_partners("0.0-0.0~" * 4000, stores)


def test_a_report_says_what_the_page_shows(document, stores):
    first, second = opened(document, stores, match="correlation", pairs="0.1-2.0")
    first.add_clause(Clause("images", Ids(tuple(range(20)))))
    report = make_pair_report(stores, [first.state, second.state], NAMES)
    part = report.differences
    note = model(document, "differences_note").text
    assert part.panel is not None
    assert note.startswith(part.panel.words)
    assert "20 images of both, in pairs" in part.panel.words
    assert "2 changed by hand" in part.match
    drawn = part.panel.root.select_one({"name": "head_differences_source"})
    np.testing.assert_allclose(drawn.data["difference"], shown(document)["difference"])
    assert "heads-beside.csv" in report.html
    assert "Head by head" in report.html


def test_a_report_of_a_command_matches_as_it_is_told(stores):
    report = make_pair_report(stores, match="correlation")
    drawn = report.differences.panel.root.select_one({"name": "head_differences_source"})
    expected = beside_table(*stores, metric="jsd", match="correlation")
    np.testing.assert_allclose(
        sorted(drawn.data["difference"]), sorted(expected["difference"]), rtol=1e-5
    )
    with pytest.raises(InputError, match="--match size: choose one of place"):
        make_pair_report(stores, match="size")


def test_a_way_to_match_needs_a_second_store(paths, tmp_path):
    out = tmp_path / "r.html"
    with pytest.raises(InputError, match="--match name without --beside"):
        headbrush.report(paths[0], out=out, match="name")
    assert not out.exists()


def test_heads_without_spread_are_said_to_be_untested(stores):
    for data in stores:
        data.importance("jsd")[:, 0] = 0.25
    table = beside_table(*stores, metric="jsd", match="place")
    (said, *_) = beside_words(table, "place", NAMES)
    tested = int(table["p"].notna().sum())
    assert tested == HEADS - 1
    assert "of 5 heads differ (Student's t over 24 images of both, in pairs;" in said
    assert said.endswith("after Benjamini and Hochberg). Of 1 more there is no spread to test by.")
    same = beside_table(stores[0], stores[0], metric="jsd")
    (said,) = beside_words(same, "place", NAMES)
    assert said.startswith("JSD of the prediction: no difference in any of 6 heads (24 images of")
    one = same.assign(difference=0.5)
    assert "cannot be tested" in beside_words(one, "place", NAMES)[0]
