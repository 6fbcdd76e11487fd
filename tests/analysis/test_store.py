"""A store: round trip, the promised error bound, and one clear line for a bad one."""

import os
import shutil
from unittest.mock import patch

import netCDF4
import numpy as np
import pytest
import xarray as xr

from headbrush.analysis.store.atomic_files import WriteError
from headbrush.analysis.store.attention_file import (
    MAX_RELATIVE_ERROR,
    AttentionReader,
    AttentionWriter,
)
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.store import Store, StoreError, store_size, write_summary
from tests import stores
from tests.analysis.damaged_stores import content_of, damaged_copies, outcome


@pytest.fixture
def path(tmp_path):
    return stores.make_store(tmp_path / "small.headbrush")


def test_every_variable_comes_back_as_written(path):
    expected = stores.values()
    store = Store(path)
    for name in expected:
        np.testing.assert_array_equal(store.read(name), expected[name], err_msg=name)
    assert store.sizes["image"] == 24
    assert store.grid == (4, 4)
    assert store.num_tokens == 17


def test_the_summary_is_a_labelled_dataset(path, tmp_path):
    expected = stores.values()
    dataset = Store(path).to_xarray()
    for name, values in expected.items():
        np.testing.assert_array_equal(dataset[name], values, err_msg=name)
    image, kind = expected["name"][5], expected["class_name"][1]
    assert (
        dataset["probability"].sel({"image": image, "class": kind})
        == (expected["probability"][5, 1])
    )
    jsd = dataset["importance"].sel(metric="jsd", layer=2, head=1)
    np.testing.assert_array_equal(jsd, expected["importance"][1, :, 2, 1])
    dataset.to_netcdf(tmp_path / "again.nc")
    with xr.open_dataset(tmp_path / "again.nc", mask_and_scale=False) as again:
        xr.testing.assert_equal(again.load(), dataset)


def test_shared_values_cannot_be_changed(path):
    store = Store(path)
    with pytest.raises(ValueError, match="read-only"):
        store.read("label")[0] = 1


def test_attention_comes_back_within_the_stated_error(path):
    expected = stores.attention(6, 3, 2, 17)
    store = Store(path)
    assert store.kept_images.tolist() == [0, 4, 8, 12, 16, 20]
    for row, image in enumerate(store.kept_images):
        read = store.attention(int(image), 2, 1)
        error = np.abs(read - expected[row, 2, 1]) / expected[row, 2, 1]
        assert 0 < error.max() <= MAX_RELATIVE_ERROR


def test_attention_that_is_not_kept_is_none(path):
    store = Store(path)
    assert store.attention(1, 0, 0) is None


def test_one_head_is_one_chunk(path):
    with netCDF4.Dataset(path / "attention" / "00000.nc") as file:
        assert file["attention"].chunking() == [1, 1, 1, 17, 17]


def test_blosc_is_read_like_zlib(tmp_path):
    matrix = stores.attention(1, 1, 1, 33)[0, 0]
    read = {}
    for codec in ("zlib", "blosc_zstd"):
        try:
            with AttentionWriter(tmp_path / f"{codec}.nc", [0], (1, 1, 33), codec) as writer:
                writer.write(0, 0, matrix)
        except WriteError as error:
            if "Filter error" not in str(error):
                raise
            pytest.skip("this netCDF4 comes without blosc, as 1.7.5.1 does")
        with netCDF4.Dataset(tmp_path / f"{codec}.nc") as file:
            read[codec] = np.asarray(file["attention"][0, 0, 0])
    np.testing.assert_array_equal(read["zlib"], read["blosc_zstd"])


def test_a_failed_write_leaves_no_file(tmp_path):
    def fail():
        with AttentionWriter(tmp_path / "a.nc", [0], (1, 1, 5)):
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_size_counts_every_file(path):
    total = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    assert store_size(path) == total > 10_000


def test_missing_values_are_named_and_nothing_is_written(tmp_path):
    content = stores.values()
    del content["strength"]
    with pytest.raises(StoreError, match="no values for the variable 'strength'"):
        write_summary(tmp_path, content, stores.attributes())
    assert list(tmp_path.iterdir()) == []


def _damage(path, change):
    with xr.open_dataset(path / "summary.nc") as summary:
        changed = change(summary.load())
    changed.to_netcdf(path / "summary.nc")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.drop_vars("jitter", errors="ignore").drop_vars("label"), "lacks the variable"),
        (lambda s: s.assign(label=s.label.astype("i8")), "of type int64, expected int32"),
        (lambda s: s.transpose("head", ...), "has dimensions"),
        (lambda s: s.assign_attrs(schema_version=99), "schema version 99"),
        (lambda s: s.drop_attrs(), "not a headbrush store"),
    ],
)
def test_a_summary_that_does_not_fit_is_refused(path, change, message):
    _damage(path, change)
    with pytest.raises(StoreError, match=message):
        Store(path)


def test_missing_foreign_and_unfinished_stores_are_told_apart(tmp_path):
    with pytest.raises(StoreError, match="no such store"):
        Store(tmp_path / "none.headbrush")
    with pytest.raises(StoreError, match=r"holds no summary\.nc"):
        Store(tmp_path)
    (tmp_path / "parts").mkdir()
    with pytest.raises(StoreError, match="not finished"):
        Store(tmp_path)
    (tmp_path / "summary.nc").write_bytes(b"something else")
    with pytest.raises(StoreError, match="not a readable netCDF-4 file"):
        Store(tmp_path)


def test_a_damaged_attention_file_is_named(path):
    store = Store(path)
    assert len(store.kept_images) == 6
    (path / "attention" / "00000.nc").write_bytes(b"damaged")
    with pytest.raises(StoreError, match=r"00000\.nc: missing, damaged"):
        store.attention(0, 0, 0)


def test_a_damaged_store_reads_the_same_or_ends_in_one_line(path, tmp_path):
    kept = (0, 4)
    sound = content_of(path, kept)
    other = stores.make_store(tmp_path / "other.headbrush", seed=2)
    work = tmp_path / "work.headbrush"
    assert outcome(path, sound, kept) == "same"
    found = {
        (done, got)
        for done in damaged_copies(path, other, work, 40, seed=3)
        if (got := outcome(work, sound, kept)) not in ("same", "one line")
    }
    assert not found


def test_texts_overwritten_with_zeros_do_not_hang(path):
    data = bytearray((path / "summary.nc").read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 16 : heap + 512] = bytes(496)
    (path / "summary.nc").write_bytes(data)
    with pytest.raises(StoreError, match="its texts are damaged"):
        Store(path)


def test_attention_of_another_store_is_refused(path, tmp_path):
    other = stores.make_store(tmp_path / "other.headbrush", seed=2)
    shutil.copy(other / "attention" / "00000.nc", path / "attention" / "00000.nc")
    with pytest.raises(StoreError, match=r"head 1\.0 of image 4 has another checksum"):
        Store(path).attention(4, 1, 0)


def test_attention_whose_file_is_missing_is_not_taken_for_attention_not_kept(path):
    (path / "attention" / "00000.nc").unlink()
    store = Store(path)
    assert store.attention(1, 0, 0) is None
    with pytest.raises(StoreError, match="attention of image 4 is missing"):
        store.attention(4, 0, 0)


def test_a_store_without_checksums_opens_as_before(path):
    (path / "attention" / "00000.nc").unlink()
    with xr.open_dataset(path / "summary.nc", mask_and_scale=False) as summary:
        plain = summary.load().drop_vars("attention_checksum")
    for variable in plain.variables.values():
        variable.attrs.pop("crc32", None)
    plain.to_netcdf(path / "summary.nc")
    store = Store(path)
    np.testing.assert_array_equal(store.read("importance"), stores.values()["importance"])
    assert store.attention(4, 0, 0) is None


@pytest.mark.parametrize(
    "name",
    ["._00000.nc", ".nfs0000001.nc", "00000 (conflict).nc", "00000.nc.part", "0.nc", "00000.NC"],
)
def test_what_other_systems_leave_beside_attention_is_no_part_of_it(path, name):
    (path / "attention" / name).write_bytes(b"anything")
    store = Store(path)
    assert len(store.kept_images) == 6
    assert store.attention(1, 0, 0) is None


def test_a_pipe_in_place_of_a_file_is_refused_at_once(path):
    for name in ("attention/00000.nc", "summary.nc"):
        (path / name).unlink()
        os.mkfifo(path / name)
        with pytest.raises(StoreError):
            Store(path).attention(0, 0, 0)


def test_info_counts_kept_images_and_reads_no_attention(path):
    assert dict(facts_of(Store(path), 1))["attention kept for"] == "6 images, in 1 file"
    with patch.object(AttentionReader, "read_images", side_effect=AssertionError):
        assert facts_of(Store(path), 1)
