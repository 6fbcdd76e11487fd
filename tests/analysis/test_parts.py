"""Finished parts: they come back, belong to one plan, and are written by one run at a time."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest

from headbrush.analysis.run.work_folder import PartFiles, PartsError, WorkFolder
from tests.stores import make_store


def test_parts_come_back_in_the_next_run(tmp_path):
    with WorkFolder(tmp_path / "s", {"seed": 0}) as parts:
        assert not parts.has("00000")
        parts.save("00000", a=np.arange(3), b=np.ones(2))
    with WorkFolder(tmp_path / "s", {"seed": 0}) as parts:
        assert parts.has("00000")
        (loaded,) = parts.load("00000", "a")
        np.testing.assert_array_equal(loaded, [0, 1, 2])


def test_parts_of_another_plan_are_kept_until_restart(tmp_path):
    with WorkFolder(tmp_path / "s", {"seed": 0}) as parts:
        parts.save("00000", a=np.arange(3))
    with pytest.raises(PartsError, match="--restart"), WorkFolder(tmp_path / "s", {"seed": 1}):
        pass
    with WorkFolder(tmp_path / "s", {"seed": 0}) as parts:
        assert parts.has("00000")
    with WorkFolder(tmp_path / "s", {"seed": 1}, restart=True) as parts:
        assert not parts.has("00000")


def test_a_second_run_is_refused_while_the_first_lives(tmp_path):
    message = "another analysis is writing"
    with WorkFolder(tmp_path / "s", {}), pytest.raises(PartsError, match=message):
        WorkFolder(tmp_path / "s", {}).__enter__()
    with WorkFolder(tmp_path / "s", {}):
        pass


def test_a_finished_store_is_not_overwritten(tmp_path):
    path = make_store(tmp_path / "s")
    before = (path / "summary.nc").read_bytes()
    with pytest.raises(PartsError, match="a finished store"):
        WorkFolder(path, {}).__enter__()
    assert (path / "summary.nc").read_bytes() == before


def test_a_foreign_folder_or_file_is_not_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for restart in (False, True):
        with pytest.raises(PartsError, match="not a headbrush store"):
            WorkFolder(tmp_path, {}, restart).__enter__()
        with pytest.raises(PartsError, match="is a file"):
            WorkFolder(tmp_path / "notes.txt", {}, restart).__enter__()
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def refusal(path, plan, restart=False):
    with pytest.raises(PartsError) as early:
        WorkFolder(path, plan, restart).refuse(is_whole=False)
    return str(early.value)


def test_what_is_in_the_way_is_refused_early_and_nothing_is_made(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert "is a file" in refusal(tmp_path / "notes.txt", {})
    assert "not a headbrush store" in refusal(tmp_path, {})
    store = make_store(tmp_path / "store")
    assert "finished store" in refusal(store, {})
    WorkFolder(store, {}, restart=True).refuse(is_whole=False)
    assert (store / "summary.nc").is_file()
    WorkFolder(tmp_path / "new" / "s", {}).refuse(is_whole=False)
    assert not (tmp_path / "new").exists()


def test_a_running_analysis_is_refused_early_and_a_stopped_one_goes_on(tmp_path):
    with WorkFolder(tmp_path / "s", {"seed": 0}) as parts:
        parts.save("00000", a=np.arange(3))
        assert "another analysis is writing" in refusal(tmp_path / "s", {"seed": 0})
    WorkFolder(tmp_path / "s", {"seed": 0}).refuse()
    for _ in range(2):
        WorkFolder(tmp_path / "s", {}).refuse(is_whole=False)
        WorkFolder(tmp_path / "s", {"seed": 0}).refuse(is_whole=False)
    assert "other options (seed)" in refusal(tmp_path / "s", {"seed": 1})
    WorkFolder(tmp_path / "s", {"seed": 1}, restart=True).refuse(is_whole=False)
    with WorkFolder(tmp_path / "s", {"seed": 0}) as parts:
        assert parts.has("00000")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"version": "2"}, "another version (1, this is 2); use headbrush 1 to resume"),
        ({"images": []}, "other images; give the same options"),
        ({"model": "deit", "input_size": [3]}, "another model; give the same options"),
        ({"seed": 1, "limit": 5}, "other options (limit, seed); give the same options"),
        ({"version": "2", "images": []}, "(1, this is 2) and other images; use headbrush 1"),
    ],
)
def test_the_refusal_says_which_part_of_the_plan_differs(tmp_path, changed, expected):
    plan = {"version": "1", "images": [["a.png", 3, 0]], "model": "vit", "seed": 0}
    with WorkFolder(tmp_path / "s", plan):
        pass
    with pytest.raises(PartsError) as refused:
        WorkFolder(tmp_path / "s", plan | changed).__enter__()
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
    (tmp_path / "s" / "parts" / "plan.json").write_text("{damaged")
    with pytest.raises(PartsError, match="plan cannot be read"):
        WorkFolder(tmp_path / "s", plan).__enter__()


def test_the_lock_dies_with_its_process(tmp_path):
    code = (
        "import sys; from pathlib import Path; "
        "from headbrush.analysis.run.work_folder import WorkFolder; "
        "folder = WorkFolder(Path(sys.argv[1]), {}); folder.__enter__(); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "s")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout.readline() == b"held\n"
            assert "another analysis is writing" in refusal(tmp_path / "s", {})
        finally:
            holder.kill()
    with WorkFolder(tmp_path / "s", {}):
        pass


def test_numbers_that_would_hardly_shrink_are_not_compressed(tmp_path):
    (tmp_path / "parts").mkdir()
    parts, saved = PartFiles(tmp_path), {"f": np.zeros(999, "f4"), "b": np.zeros(999, "u1")}
    parts.save("one", **saved)
    with zipfile.ZipFile(tmp_path / "parts" / "one.npz") as file:
        kinds = {entry.filename: entry.compress_type for entry in file.infolist()}
    assert kinds == {"f.npy": zipfile.ZIP_STORED, "b.npy": zipfile.ZIP_DEFLATED}
    for name, array in parts.load_all("one").items():
        np.testing.assert_array_equal(array, saved[name])
