"""A store: round trip, the promised error bound, and one clear line for a bad one."""

import netCDF4
import numpy as np
import pytest
import xarray as xr

from headbrush.analysis.store.attention_file import MAX_RELATIVE_ERROR, AttentionWriter
from headbrush.analysis.store.store import Store, StoreError, store_size, write_summary
from tests import stores


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
        with AttentionWriter(tmp_path / f"{codec}.nc", [0], (1, 1, 33), codec) as writer:
            writer.write(0, 0, matrix)
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
