"""Before computing: what cannot work is refused, the cheapest check first, and nothing is made."""

import errno
import os
import socket
from pathlib import Path

import pytest

from headbrush.analysis.preflight.output_place import demand_place
from headbrush.analysis.store.errors import InputError


@pytest.fixture
def places(tmp_path):
    """A folder with one of everything that can stand where a store should be."""
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nothing").symlink_to(tmp_path / "none")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "images" / "star").mkdir(parents=True)
    (tmp_path / "linked images").symlink_to(tmp_path / "images")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "socket"))
    return tmp_path


@pytest.mark.parametrize("name", ["new", "a/b/new", "empty", "link", "link/new", "n" * 255])
def test_a_folder_that_is_empty_or_can_be_made_is_accepted(places, name):
    before = sorted(places.rglob("*"))
    demand_place(places / name, places / "images")
    assert sorted(places.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file", "exists and is a file"),
        ("file/new", "file is a file"),
        ("file/a/new", "file is a file"),
        ("pipe", "exists and is a pipe"),
        ("pipe/new", "pipe is a pipe"),
        ("socket", "exists and is a socket"),
        ("/dev/null", "exists and is a device"),
        ("/dev/full", "exists and is a device"),
        ("/dev/null/new", "/dev/null is a device"),
        ("nothing", "is a link to nothing"),
        ("nothing/new", "is a link to nothing"),
        ("loop", "is a loop of links"),
        ("loop/new", "is a loop of links"),
        ("n" * 256, "the name is too long"),
        ("none/" + "n" * 256, "the name is too long"),
        ("/".join(["none"] * 1000), "the name is too long"),
        ("a\0b", "no folder can have this name"),
        ("\ud800", "no folder can have this name"),
        ("/proc/new", "cannot write in /proc"),
        ("images", "this is the folder of images"),
        ("images/new", "lies in the folder of images"),
        ("images/star/new", "lies in the folder of images"),
        ("linked images/new", "lies in the folder of images"),
        ("link/../images/new", "lies in the folder of images"),
        (".", "lies in it"),
    ],
)
def test_what_cannot_become_a_store_is_refused_in_one_line(places, name, reason):
    before = sorted(places.rglob("*"))
    with pytest.raises(InputError) as refused:
        demand_place(places / name, places / "images")
    assert reason in str(refused.value)
    assert str(refused.value).endswith("choose another --out.")
    assert "\n" not in str(refused.value)
    assert sorted(places.rglob("*")) == before


@pytest.mark.parametrize("address", ["s3://bucket/s", "file:///tmp/s", "https://a.org/s", "gs:/b"])
def test_an_address_is_no_folder(address):
    with pytest.raises(InputError, match="give --out a folder on this computer"):
        demand_place(Path(address), None)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("EROFS", "read-only"),
        ("EACCES", "no permission to write"),
        ("EPERM", "no permission to write"),
        ("ENOSPC", "no space is left"),
        ("EDQUOT", "no space is left"),
        ("EIO", "cannot write in"),
        ("ESTALE", "cannot write in"),
    ],
)
@pytest.mark.parametrize("inner", ["", "parts", "attention"])
def test_a_disk_that_takes_no_file_is_refused(tmp_path, monkeypatch, number, reason, inner):
    code = getattr(errno, number)
    store = tmp_path / "s"
    (store / inner).mkdir(parents=True)

    def refuse(dir):
        if dir == store / inner:
            raise OSError(code, os.strerror(code), dir)
        return Path(os.devnull).open("wb")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match=reason):
        demand_place(store, None)


@pytest.mark.parametrize("answer", [OSError(errno.EINVAL, "no such limit"), -1, ValueError("name")])
def test_a_disk_that_does_not_say_how_long_a_name_may_be_is_no_hindrance(
    tmp_path, monkeypatch, answer
):
    def pathconf(_place, _name):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(os, "pathconf", pathconf)
    demand_place(tmp_path / "s", None)
    with pytest.raises(InputError, match="too long"):
        demand_place(tmp_path / ("n" * 300), None)
