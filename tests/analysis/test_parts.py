"""Finished parts: they come back, belong to one plan, and are written by one run at a time."""

import numpy as np
import pytest

from headbrush.analysis.run.work_folder import Parts, PartsError
from tests.stores import make_store


def test_parts_come_back_in_the_next_run(tmp_path):
    with Parts(tmp_path / "s", {"seed": 0}) as parts:
        assert not parts.has("00000")
        parts.save("00000", a=np.arange(3), b=np.ones(2))
    with Parts(tmp_path / "s", {"seed": 0}) as parts:
        assert parts.has("00000")
        (loaded,) = parts.load("00000", "a")
        np.testing.assert_array_equal(loaded, [0, 1, 2])


def test_parts_of_another_plan_are_kept_until_restart(tmp_path):
    with Parts(tmp_path / "s", {"seed": 0}) as parts:
        parts.save("00000", a=np.arange(3))
    with pytest.raises(PartsError, match="--restart"), Parts(tmp_path / "s", {"seed": 1}):
        pass
    with Parts(tmp_path / "s", {"seed": 0}) as parts:
        assert parts.has("00000")
    with Parts(tmp_path / "s", {"seed": 1}, restart=True) as parts:
        assert not parts.has("00000")


def test_a_second_run_is_refused_while_the_first_lives(tmp_path):
    message = "another analysis is writing"
    with Parts(tmp_path / "s", {}), pytest.raises(PartsError, match=message):
        Parts(tmp_path / "s", {}).__enter__()
    with Parts(tmp_path / "s", {}):
        pass


def test_a_finished_store_is_not_overwritten(tmp_path):
    path = make_store(tmp_path / "s")
    before = (path / "summary.nc").read_bytes()
    with pytest.raises(PartsError, match="a finished store"):
        Parts(path, {}).__enter__()
    assert (path / "summary.nc").read_bytes() == before


def test_a_foreign_folder_or_file_is_not_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for restart in (False, True):
        with pytest.raises(PartsError, match="not a headbrush store"):
            Parts(tmp_path, {}, restart).__enter__()
        with pytest.raises(PartsError, match="is a file"):
            Parts(tmp_path / "notes.txt", {}, restart).__enter__()
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
