"""Large variables: packed by a few images, unpacked onto the disk, read image by image."""

import tempfile
from unittest.mock import patch

import netCDF4
import numpy as np
import pytest

from headbrush.analysis.store import unpacking
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store, write_summary
from tests.stores import attributes, values

IMAGES = 700
NUMBERS = ("importance", "strength", "direct", "strength_entropy", "thumbnail", "patch_embedding")


def content():
    rng = np.random.default_rng(1)
    direct = rng.normal(size=(IMAGES, 3, 2, 4)).astype("f4")
    classes = rng.integers(0, 3, (IMAGES, 4)).astype("i4")
    return {**values(IMAGES), "direct": direct, "direct_class": classes}


@pytest.fixture(scope="module", params=["packed by images", "packed as an older headbrush did"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("store")
    chunked_from = 0 if request.param == "packed by images" else 1 << 40
    with (
        patch.object(unpacking, "CHUNKED_FROM", chunked_from),
        patch.object(unpacking, "CHUNK", 1 << 14),
    ):
        write_summary(path, content(), attributes())
    return path


@pytest.fixture
def large():
    """Any variable counts as large, and is read in small pieces."""
    with patch.multiple(unpacking, MAPPED_FROM=1000, _PIECE=1 << 14):
        yield


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.usefixtures("large")
def test_what_lies_on_the_disk_is_what_was_written(path, name):
    read = Store(path).read(name)
    np.testing.assert_array_equal(read, content()[name])
    assert not read.flags.writeable


@pytest.mark.usefixtures("large")
def test_the_strength_of_a_head_and_one_class_lie_together(path):
    store = Store(path)
    assert store.read("strength")[:, 1, 1].flags.c_contiguous
    assert store.read("direct")[..., 2].flags.c_contiguous


def test_any_netcdf_reader_reads_the_same(path):
    with netCDF4.Dataset(path / "summary.nc") as file:
        file.set_auto_mask(False)
        for name in NUMBERS:
            np.testing.assert_array_equal(file[name][...], content()[name])


@pytest.mark.usefixtures("large")
def test_a_large_variable_is_read_image_by_image(path):
    store, wanted = Store(path), np.array([699, 0, 350])
    some = store.read_images("thumbnail", wanted)
    np.testing.assert_array_equal(some, content()["thumbnail"][wanted])
    np.testing.assert_array_equal(store.read_images("thumbnail", 3), content()["thumbnail"][3])
    np.testing.assert_array_equal(store.read_images("label", wanted), content()["label"][wanted])


@pytest.mark.usefixtures("large")
def test_few_images_do_not_unpack_the_others(tmp_path):
    with patch.multiple(unpacking, CHUNKED_FROM=0, CHUNK=1 << 14):
        write_summary(tmp_path, content(), attributes())
    store = Store(tmp_path)
    with patch.object(tempfile, "TemporaryFile", side_effect=AssertionError("unpacked")):
        store.read_images("thumbnail", np.array([5, 6]))


@pytest.mark.usefixtures("large")
def test_without_room_on_the_disk_values_are_in_memory(path):
    with patch.object(tempfile, "TemporaryFile", side_effect=OSError("no space left")):
        np.testing.assert_array_equal(Store(path).read("strength"), content()["strength"])


@pytest.mark.parametrize("name", ["strength", "importance"])
@pytest.mark.usefixtures("large")
def test_damaged_values_are_refused(tmp_path, name):
    write_summary(tmp_path, content(), attributes())
    with netCDF4.Dataset(tmp_path / "summary.nc", "a") as file:
        file.set_auto_mask(False)
        changed = file[name][...]
        changed[-1, -1] += 0.01
        file[name][...] = changed
    with pytest.raises(StoreError, match=f"damaged \\(summary.nc's {name} has another checksum"):
        Store(tmp_path).read(name)


def test_the_checksum_of_a_variable_is_known_without_its_values(path):
    store = Store(path)
    with patch.object(Store, "read_all", side_effect=AssertionError("read")):
        known = store.checksum("thumbnail")
    assert known == unpacking.checksum(content()["thumbnail"])
