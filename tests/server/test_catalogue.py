"""Which stores are served, and what an address asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headbrush.analysis.store.errors import InputError, StoreError
from headbrush.server.stores.catalogue import asked_stores, check, served_stores
from tests.stores import make_store

ONE = {"a.headbrush": "/a"}
TWO = {"a.headbrush": "/a", "b.headbrush": "/b"}


def empty_store(path):
    path.mkdir(parents=True)
    (path / "summary.nc").touch()
    return path


def test_a_folder_stands_for_the_stores_in_it_in_order(tmp_path):
    for name in ("b.headbrush", "a.headbrush"):
        empty_store(tmp_path / name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "file.headbrush").touch()
    assert list(served_stores([tmp_path])) == ["a.headbrush", "b.headbrush"]


def test_a_store_put_into_the_folder_later_is_served(tmp_path):
    empty_store(tmp_path / "a.headbrush")
    before = served_stores([tmp_path])
    empty_store(tmp_path / "b.headbrush")
    assert set(served_stores([tmp_path])) - set(before) == {"b.headbrush"}


def test_stores_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = [empty_store(tmp_path / part / "s.headbrush") for part in ("x/1", "y/1", "y/2")]
    lone = empty_store(tmp_path / "y" / "2" / "t.headbrush")
    assert served_stores([*paths, lone]) == {
        "x/1/s.headbrush": paths[0],
        "y/1/s.headbrush": paths[1],
        "2/s.headbrush": paths[2],
        "t.headbrush": lone,
    }


def test_a_store_named_twice_is_served_once(tmp_path):
    store = empty_store(tmp_path / "s.headbrush")
    assert served_stores([store, store, tmp_path]) == {"s.headbrush": store}


@pytest.mark.parametrize(
    ("stores", "arguments", "expected"),
    [
        (ONE, {}, ["a.headbrush"]),
        (TWO, {}, []),
        (TWO, {"store": [b"b.headbrush"]}, ["b.headbrush"]),
        (
            TWO,
            {"store": [b"b.headbrush"], "with": [b"a.headbrush"]},
            ["b.headbrush", "a.headbrush"],
        ),
        (TWO, {"store": [b"b.headbrush"], "with": [b"b.headbrush"]}, ["b.headbrush"]),
        ({}, {}, []),
    ],
)
def test_an_address_names_stores(stores, arguments, expected):
    assert asked_stores(stores, arguments) == (expected, "")


@pytest.mark.parametrize("key", ["store", "with"])
@given(name=st.one_of(st.binary(min_size=1), st.sampled_from([b"../b", b"/b", b"/a", b"b\0"])))
def test_a_strange_name_leads_nowhere_and_is_said(key, name):
    names, note = asked_stores(TWO, {key: [name]})
    assert names == []
    assert note.startswith("The link names a store that this server does not have: ")
    assert len(note) < 200
    only, note = asked_stores(ONE, {key: [name]})
    assert only == ["a.headbrush"]
    assert note


def test_what_holds_no_store_is_refused_before_serving(tmp_path):
    with pytest.raises(InputError, match="not a headbrush store, nor a folder that holds"):
        check([tmp_path])
    with pytest.raises(StoreError, match="no such store"):
        check([tmp_path / "missing"])
    broken = empty_store(tmp_path / "s.headbrush")
    with pytest.raises(StoreError, match="not a readable netCDF-4 file"):
        check([broken])
    check([tmp_path])  # in a folder it is listed as broken
    check([make_store(tmp_path / "good.headbrush")])


def test_what_systems_leave_beside_stores_is_not_listed(tmp_path):
    (tmp_path / "._1.headbrush").write_bytes(b"")
    (tmp_path / ".trash.headbrush").mkdir()
    with pytest.raises(InputError, match="not a headbrush store"):
        check([tmp_path])
    (tmp_path / "a.headbrush").mkdir()
    assert list(served_stores([tmp_path])) == ["a.headbrush"]
