"""A disk that fails midway is one line, and the same command resumes to the same values."""

import errno
import os
import re
import shutil
import sys
import zipfile
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import netCDF4
import pytest
from typer.testing import CliRunner

from headbrush.analysis.preflight import prepare
from headbrush.analysis.preflight.measure import Measured
from headbrush.analysis.run import shards
from headbrush.analysis.run.stages.summaries import Summaries
from headbrush.cli import app
from tests.analysis.test_pipeline import assert_same
from tests.models import save_images, save_tiny_model

NUMBERS = [
    getattr(errno, name)
    for name in (
        "ENOSPC", "EDQUOT", "EFBIG", "EIO", "ESTALE", "EROFS", "EACCES", "ENAMETOOLONG", "EMFILE",
    )
]  # fmt: skip
FEW = [errno.ENOSPC, errno.EIO, errno.EACCES]
BROKEN: list[tuple[str, str, int]] = []
"""What the operating system refuses now: event, pattern of the path, error."""


def refuse(event, arguments):
    """Raise what a disk would, at the calls that Python makes to the operating system."""
    for broken, pattern, number in BROKEN:
        if event == broken and re.search(pattern, str(arguments[0])):
            raise OSError(number, os.strerror(number), str(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _audited():
    sys.addaudithook(refuse)  # stays; it does nothing while BROKEN is empty


@contextmanager
def broken(monkeypatch, event, pattern, number):
    """A disk that refuses to ``open``, ``os.mkdir`` or ``os.rename`` what fits the pattern.

    ``netcdf`` refuses files that HDF5 makes itself, ``midway`` those that are half written, and
    ``flush`` those that were only in memory, as network disks do.
    """
    with monkeypatch.context() as patch:
        if event == "netcdf":
            patch.setattr(netCDF4, "Dataset", refusing_dataset(pattern, number))
        elif event == "midway":
            patch.setattr(zipfile.ZipFile, "open", half_written(pattern, number))
        elif event == "flush":
            patch.setattr(os, "fsync", refusing_flush(pattern, number))
        else:
            BROKEN.append((event, pattern, number))
        try:
            yield
        finally:
            BROKEN.clear()


def refusing_dataset(pattern, number):
    """In place of ``netCDF4.Dataset``; the files that it opens are of that class."""
    real = netCDF4.Dataset

    class Refusing(type):
        def __call__(cls, path, mode: Any = "r", **options):
            if mode != "r" and re.search(pattern, str(path)):
                Path(path).write_bytes(b"\x89HDF")
                raise OSError(number, os.strerror(number), str(path))
            return real(path, mode, **options)

        def __instancecheck__(cls, instance):
            return isinstance(instance, real)

    return Refusing("Dataset", (), {})


def refusing_flush(pattern, number):
    def flushed(file):
        if re.search(pattern, os.path.realpath(f"/dev/fd/{file}")):
            raise OSError(number, os.strerror(number))

    return flushed


def half_written(pattern, number):
    real = zipfile.ZipFile.open

    def opened(part, name, mode="r", **options):
        if mode == "w" and re.search(pattern, str(part.filename)):
            Path(part.filename).write_bytes(b"PK\3\4 and a part of the values")
            raise OSError(number, os.strerror(number))
        return real(part, name, mode, **options)

    return opened


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Words of a command, a finished store, and one of which only the summary is missing."""
    folder = tmp_path_factory.mktemp("made")
    model, images = save_tiny_model(folder / "model"), save_images(folder / "images", 2)
    words = ("analyze", "--images", str(images), "--model", str(model), "--out")
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        with patch.context() as stopped:
            stopped.setattr(Summaries, "write", interrupt)
            assert run(words, folder / "unfinished").exit_code == 130
        shutil.copytree(folder / "unfinished", folder / "whole")
        assert run(words, folder / "whole").exit_code == 0
    return words, folder / "whole", folder / "unfinished"


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    make_quick(monkeypatch)


def make_quick(patch):
    """Small shards; what two images take is known."""
    patch.setattr(shards, "SHARD_IMAGES", 2)
    patch.setattr(prepare, "measure", lambda *_: Measured(*[1e-3] * len(fields(Measured))))


def run(words, out):
    return CliRunner().invoke(app, [*words, str(out)])


STAGES = [
    ("lock", "open", r"parts/lock", ()),
    ("plan", "open", r"plan\.json\.", ("parts/plan.json",)),
    ("skipped images", "open", r"skipped\.csv\.", ()),
    ("skipped images, at the end", "os.rename", r"skipped\.csv\.", ()),
    ("shard", "open", r"parts/00001\.npz\.", ("parts/00001.npz",)),
    ("shard, midway", "midway", r"parts/00001\.npz\.", ("parts/00001.npz",)),
    ("shard, when the disk takes it", "flush", r"parts/00001\.npz\.", ("parts/00001.npz",)),
    ("shard, at the end", "os.rename", r"parts/00001\.npz\.", ("parts/00001.npz",)),
    ("attention", "netcdf", r"/00001\.nc\.", ("parts/00001.npz", "attention/00001.nc")),
    ("attention, when the disk takes it", "flush", r"/00001\.nc\.", ("parts/00001.npz",)),
    ("attention, at the end", "os.rename", r"/00001\.nc\.", ("parts/00001.npz",)),
    ("latent, midway", "midway", r"latent-00002\.npz\.", ("parts/latent-00002.npz",)),
    ("layout, midway", "midway", r"image_embedding\.npz\.", ("parts/image_embedding.npz",)),
    ("summary", "netcdf", r"summary\.nc\.", ()),
    ("summary, when the disk takes it", "flush", r"summary\.nc\.", ()),
    ("summary, at the end", "os.rename", r"summary\.nc\.", ()),
]


@pytest.mark.parametrize(
    ("stage", "event", "pattern", "missing"), STAGES, ids=[case[0] for case in STAGES]
)
def test_a_disk_that_fails_is_one_line_and_loses_nothing(
    made, tmp_path, monkeypatch, stage, event, pattern, missing
):
    words, whole, unfinished = made
    out = tmp_path / "s"
    shutil.copytree(unfinished, out)
    for name in missing:
        (out / name).unlink()
    before = files(out)
    for number in NUMBERS if stage in ("plan", "attention", "layout, midway") else FEW:
        with broken(monkeypatch, event, pattern, number):
            failed = run(words, out)
        assert failed.exit_code == 2, (errno.errorcode[number], failed.exception)
        line = failed.stderr
        assert line.count("\n") == 1, line
        assert "cannot write" in line
        assert "then run the same command to resume" in line
        assert files(out) - before <= set(missing), errno.errorcode[number]
    assert run(words, out).exit_code == 0
    assert_same(whole, out)
    assert files(out) == files(whole)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_parts_that_a_disk_keeps_leave_the_store_finished(made, tmp_path, monkeypatch, number):
    words, whole, unfinished = made
    out = tmp_path / "s"
    shutil.copytree(unfinished, out)
    with broken(monkeypatch, "os.rename", r"/parts$", number):
        assert run(words, out).exit_code == 0
    assert_same(whole, out)
    again = run(words, out)
    assert again.exit_code in (0, 2), again.exception
    assert_same(whole, out)
    assert files(out) == files(whole)


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


def flipped(path):
    whole = bytearray(path.read_bytes())
    for place in range(100, len(whole) - 300, 7):
        whole[place] ^= 255
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (cut, "00001"), (cut, "autoencoder"), (cut, "latent-00000"), (cut, "patch_embedding"),
        (emptied, "00001"), (emptied, "image_embedding"), (zeroed, "latent-00000"),
        (zeroed, "patch_embedding"),
    ],
)  # fmt: skip
def test_a_part_that_a_power_cut_left_is_made_again(made, tmp_path, damage, name):
    words, whole, unfinished = made
    out = tmp_path / "s"
    shutil.copytree(unfinished, out)
    damage(out / "parts" / f"{name}.npz")
    done = run(words, out)
    assert done.exit_code == 0, done.stderr
    assert_same(whole, out)


@pytest.mark.parametrize("name", ["00001", "autoencoder", "latent-00000", "patch_embedding"])
def test_a_part_whose_bytes_have_changed_is_one_line_that_says_what_to_delete(made, tmp_path, name):
    words, whole, unfinished = made
    out = tmp_path / "s"
    shutil.copytree(unfinished, out)
    part = out / "parts" / f"{name}.npz"
    flipped(part)
    failed = run(words, out)
    assert failed.exit_code == 2, failed.exception
    assert failed.stderr.count("\n") == 1
    assert f"{part}: damaged" in failed.stderr
    assert "delete this file" in failed.stderr
    part.unlink()
    assert run(words, out).exit_code == 0
    assert_same(whole, out)
