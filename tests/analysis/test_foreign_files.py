"""What other programs or strangers put in the place of an analysis's files delays nothing."""

import os

import pytest

from headbrush.analysis.run.work_folder import WorkFolder, interrupted_plan
from headbrush.analysis.store.errors import InputError

PLAN = {"a": 1}
PLACES = (
    "parts/plan.json", "parts/lock", "parts/lock.owner", "parts/00000.npz", "parts/x.unfinished",
    "attention", "summary.nc", "skipped.csv",
)  # fmt: skip
MAKE = {
    "pipe": os.mkfifo,
    "loop of links": lambda path: path.symlink_to(path.name),
    "link without a target": lambda path: path.symlink_to("nowhere"),
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
    "noise": lambda path: path.write_bytes(b"\xff\0\x80" * 20),
}


def put(path, kind):
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    MAKE[kind](path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("begun", [False, True])
def test_a_foreign_file_is_replaced_or_refused_in_one_line(tmp_path, place, kind, restart, begun):
    store = tmp_path / "store"
    store.mkdir()
    if begun:
        with WorkFolder(store, PLAN):
            pass
    put(store / place, kind)
    assert interrupted_plan(store) in ({}, PLAN)
    refusal = refusal_of(WorkFolder(store, PLAN, restart))
    assert refusal is None or refusal.startswith(str(store))
    assert "\n" not in (refusal or "")


def refusal_of(folder):
    try:
        folder.refuse()
        assert folder.finished_parts() == frozenset()
        with folder as parts:
            assert not parts.has("00000")
    except InputError as error:
        return str(error)
    return None


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", MAKE)
def test_restart_makes_room_for_attention(tmp_path, kind):
    with WorkFolder(tmp_path, PLAN):
        pass
    put(tmp_path / "attention", kind)
    with WorkFolder(tmp_path, PLAN, restart=True):
        assert (tmp_path / "attention").is_dir()
