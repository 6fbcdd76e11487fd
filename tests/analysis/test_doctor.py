"""The doctor finds every kind of damage, and none in a sound store."""

import io
import os
import re
import shutil

import netCDF4
import numpy as np
import pytest
from rich.console import Console

from headbrush.analysis.doctor.diagnose import DAMAGED, NO_STORE, SOUND, diagnose
from headbrush.analysis.doctor.examine import examine
from headbrush.analysis.doctor.findings import Finding, NoStore
from headbrush.analysis.doctor.guarded import examined
from headbrush.analysis.store.store import write_summary
from tests.stores import attributes, make_store, values


@pytest.fixture
def path(tmp_path):
    return make_store(tmp_path / "small.headbrush", images=8, kept=2)


def damages(path):
    return [said.text for said in examine(path) if isinstance(said, Finding) and said.is_damage]


def notes(path):
    return [said.text for said in examine(path) if isinstance(said, Finding) and not said.is_damage]


def flip_attention(path):
    file = path / "attention" / "00000.nc"
    data = bytearray(file.read_bytes())
    for place in range(len(data) // 2, len(data), 64):  # parts of a file are unused
        data[place] ^= 8
    file.write_bytes(data)


def swap_attention(path):
    other = make_store(path.parent / "other", images=8, kept=2, seed=2)
    shutil.copy(other / "attention" / "00000.nc", path / "attention" / "00000.nc")


def copy_shard(path):
    shutil.copy(path / "attention" / "00000.nc", path / "attention" / "00001.nc")


def lose_attention(path):
    (path / "attention" / "00000.nc").unlink()


def pipe_for_attention(path):
    lose_attention(path)
    os.mkfifo(path / "attention" / "00000.nc")


def change_importance(path):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary["importance"][0, 0, 0, 0] = 0.25


def repeat_a_name(path):
    content = values(8)
    content["name"][1] = content["name"][0]
    write_summary(path, content, attributes())


def leave_the_range(path):
    content = values(8)
    content["strength_entropy"][2] = 1.5
    write_summary(path, content, attributes())


def lose_the_summary(path):
    (path / "summary.nc").unlink()


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (flip_attention, r"00000\.nc: (damaged|missing, damaged)"),
        (swap_attention, "another checksum"),
        (copy_shard, r"00001\.nc: holds image 0, which is in 00000\.nc already"),
        (lose_attention, "attention of 2 of 2 images cannot be read"),
        (pipe_for_attention, "not a regular file"),
        (change_importance, "importance has another checksum"),
        (repeat_a_name, "1 image name is there twice"),
        (leave_the_range, "strength_entropy is from .* to 1.5, expected 0 to 1"),
        (lose_the_summary, r"holds no summary\.nc"),
    ],
)
def test_each_kind_of_damage_is_found(path, harm, found):
    assert damages(path) == []
    harm(path)
    assert re.search(found, "\n".join(damages(path)))


def test_leftovers_and_moved_images_are_notes(path):
    (path / "attention" / "._00000.nc").write_bytes(b"")
    (path / "Thumbs.db").write_bytes(b"")
    write_summary(path, values(8), attributes(images="/nowhere/images", skipped_images=3))
    assert damages(path) == []
    said = "\n".join(notes(path))
    for part in (
        "._00000.nc: no part",
        "Thumbs.db: no part",
        "/nowhere/images is not",
        "3 skipped",
    ):
        assert part in said


def test_rows_that_do_not_sum_to_one_are_damage_where_no_checksum_tells(path):
    with netCDF4.Dataset(path / "attention" / "00000.nc", "a") as file:
        file["attention"][0, 0, 0] = np.full((17, 17), 0.5, np.float32)
        file.renameVariable("checksum", "other")
    write_summary(path, values(8), attributes())
    assert "do not sum to 1" in "\n".join(damages(path))
    assert "without checksums" in "\n".join(notes(path))


def test_a_folder_that_is_no_store_is_told_from_a_damaged_one(tmp_path):
    for place in (tmp_path, tmp_path / "missing"):
        (said,) = examine(place)
        assert isinstance(said, NoStore)


def test_an_examination_that_hangs_ends(path):
    (*_, last) = examined(path, patience_s=0.001)
    assert isinstance(last, Finding)
    assert "did not end in 0.001 s" in last.text


def test_the_exit_code_is_that_of_the_worst_store(path, tmp_path):
    quiet = Console(file=io.StringIO())

    def code(*paths):
        return diagnose(paths, quiet, quiet)

    assert code(path) == SOUND
    assert code(path, tmp_path) == NO_STORE
    flip_attention(path)
    assert code(path) == DAMAGED
