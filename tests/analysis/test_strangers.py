"""Stores that someone else made: they run nothing, and what they claim allocates nothing."""

import pickle
import re
import resource
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.schema import ATTRIBUTES, VARIABLES
from headbrush.analysis.store.store import Store, store_size
from tests.stores import make_store, values

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("analysis", "server")


def repr_of(value):
    return str(value)[:20]


@pytest.fixture
def path(tmp_path):
    return make_store(tmp_path / "strange.headbrush")


def summary_without(path, *names):
    """The summary again, without some variables, open to be written."""
    old = path / "summary.nc"
    kept = old.rename(path / "old.nc")
    new = netCDF4.Dataset(old, "w")
    with netCDF4.Dataset(kept) as source:
        new.setncatts({name: source.getncattr(name) for name in source.ncattrs()})
        for name, dimension in source.dimensions.items():
            new.createDimension(name, len(dimension))
        for name, variable in source.variables.items():
            if name not in names:
                made = new.createVariable(name, variable.dtype, variable.dimensions)
                made[:] = variable[:]
    kept.unlink()
    return new


def test_a_few_bytes_that_claim_a_terabyte_are_refused_before_they_are_read(path):
    with summary_without(path, "patch_latent") as summary:
        summary.createDimension("many", 10**10)
        summary.createVariable("patch_latent", "f4", ("image", "many"), compression="zlib",
                               chunksizes=(1, 10**6))  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StoreError, match=r"claims 9\d\d,\d+,\d+,\d+ bytes"):
        Store(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_an_index_that_would_be_read_at_once_is_refused(path):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary.createVariable("image", "f8", ("image",))
    with pytest.raises(StoreError, match="holds variables that"):
        Store(path)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("grid_height", 0, "expected a number from 1"),
        ("grid_width", -5, "expected a number from 1"),
        ("grid_width", 10**6, "expected a number from 1"),
        ("num_prefix_tokens", "many", "expected a number from 0"),
        ("grid_height", np.array([4, 4]), "expected a number from 1"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused(path, name, value, expected):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary.setncattr(name, value)
    with pytest.raises(StoreError, match=expected):
        Store(path)


WRONG = {
    "text": (7, 7.5, np.array([1, 2]), np.array([0.5, 1.5]), "x" * (2**20 + 1)),
    "number": ("many", "", 0.5, np.nan, np.inf, np.array([1, 2]), -(2**40), ["a", "b"]),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name, spec in ATTRIBUTES.items()
        for value in WRONG["text" if spec.is_text else "number"]
        if not (name == "seed" and isinstance(value, int))
    ],
    ids=repr_of,
)
def test_an_attribute_of_another_kind_is_one_line(path, name, value):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary.setncattr(name, value)
    with pytest.raises(StoreError, match=rf"{name}|schema version") as refused:
        Store(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_without_an_attribute_a_store_is_one_line_or_its_facts(path, name):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        if name in summary.ncattrs():
            summary.delncattr(name)
    if ATTRIBUTES[name].optional:
        assert facts_of(Store(path), 1)
    else:
        with pytest.raises(StoreError, match=name):
            Store(path)


def test_a_class_token_among_no_prefix_tokens_is_refused(path):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary.num_prefix_tokens = 0
    with pytest.raises(StoreError, match="has_class_token is 1, but"):
        Store(path)


@pytest.mark.parametrize("metrics", [["jsd"] * 5, ["probability", "jsd", "cls", "patch", "nicest"]])
def test_metrics_that_repeat_or_are_unknown_are_refused(path, metrics):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary["metric"][:] = np.array(metrics, object)
    with pytest.raises(StoreError, match="expected some of probability, jsd"):
        Store(path)


@pytest.mark.parametrize("name", [name for name in values() if VARIABLES[name].dtype == "float32"])
def test_infinite_values_are_refused(path, name):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary[name].delncattr("crc32")
        summary[name][0] = -np.inf
    with pytest.raises(StoreError, match="holds infinite values"):
        Store(path).read(name)


def test_a_loop_of_links_is_one_line(path):
    (path / "attention" / "00001.nc").symlink_to("00001.nc")
    assert store_size(path) > 0
    with pytest.raises(StoreError, match=r"00001\.nc: missing, damaged"):
        Store(path).attention(1, 0, 0)
    (path / "summary.nc").unlink()
    (path / "summary.nc").symlink_to("summary.nc")
    with pytest.raises(StoreError):
        Store(path)


@pytest.mark.parametrize("label", [-2, 3, 2**31 - 1])
def test_a_label_that_is_no_class_is_refused(path, label):
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary["label"][5] = label
    with pytest.raises(StoreError, match="of the 3 classes"):
        Store(path)


def attention_file(path, shape, chunks, kind="f4"):
    with netCDF4.Dataset(path / "attention" / "00000.nc", "w") as file:
        names = ("image", "layer", "head", "query", "key")
        for name, size in zip(names, shape, strict=True):
            file.createDimension(name, size)
        file.createVariable("image", "i4", ("image",))[:] = np.arange(shape[0])
        file.createVariable("attention", kind, names, compression="zlib", chunksizes=chunks)


@pytest.mark.parametrize(
    ("shape", "chunks", "kind"),
    [
        ((2, 3, 2, 17, 17), (2, 3, 2, 17, 17), "f4"),
        ((2, 3, 2, 40_000, 40_000), (1, 1, 1, 400, 400), "f4"),
        ((2, 3, 2, 17, 18), (1, 1, 1, 17, 18), "f4"),
        ((2, 3, 2, 17, 17), (1, 1, 1, 17, 17), "f8"),
    ],
)
def test_attention_of_another_shape_is_refused_before_it_is_read(path, shape, chunks, kind):
    attention_file(path, shape, chunks, kind)
    with pytest.raises(StoreError, match="of another shape"):
        Store(path).attention(0, 0, 0)


def test_attention_over_other_tokens_than_the_summary_tells_is_refused(path):
    attention_file(path, (2, 3, 2, 9, 9), (1, 1, 1, 9, 9))
    with pytest.raises(StoreError, match="attention over 9 tokens, not 17"):
        Store(path).attention(0, 0, 0)


def test_reading_a_store_unpickles_nothing(path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    store = Store(path)
    for name in filter(store.has, VARIABLES):
        store.read(name)
    assert store.attention(0, 0, 0).shape == (17, 17)


def test_no_module_reads_pickles_or_runs_text():
    reading = re.compile(
        r"\bpickle\.(load|Unpickler)|\b(dill|joblib|shelve|marshal|cloudpickle)\b|allow_pickle=True"
        r"|torch\.load\((?!.*weights_only=True)|weights_only=False|\byaml\.load\(|(?<![.\w])(eval|exec)\("
    )
    found = [
        f"{path.name}: {match[0]}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for match in reading.finditer(path.read_text())
    ]
    assert found == []
