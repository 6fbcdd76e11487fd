"""Read and write a store: the folder ``NAME.headbrush`` that an analysis makes.

``summary.nc`` holds everything but the attention matrices, which lie in ``attention/*.nc``, one
chunk per head, so that reading one head reads one chunk. A file appears under its name only when
it is complete. This module needs numpy and netCDF4, and xarray to write; never torch.
"""

import os
import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headbrush.analysis.store import xarray_in_hdf5
from headbrush.analysis.store.atomic_files import replacing
from headbrush.analysis.store.attention_file import AttentionReader
from headbrush.analysis.store.checksums import (
    ATTENTION_CHECKSUM,
    CHECKSUM,
    attention_checksums,
    checksum,
    demand_sound,
)
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.matrices.matrix_reader import MatrixReader
from headbrush.analysis.store.matrices.windows import Windows, windows_of
from headbrush.analysis.store.schema import (
    LONGEST_NAME,
    MOST_TEXT,
    REQUIRED_ATTRIBUTES,
    SCHEMA_VERSION,
    VARIABLES,
)
from headbrush.analysis.store.summary_file import (
    SUMMARY,
    UNFINISHED,
    Summary,
    SummaryFile,
    current_summary,
)
from headbrush.analysis.store.tools.lazy_property import lazy_property
from headbrush.analysis.store.tools.text_heap import storable
from headbrush.analysis.store.unpacking import chunking, rows_of, unpacked
from headbrush.analysis.store.untrusted_store import demand_attributes, demand_values

if TYPE_CHECKING:
    import xarray as xr

_ATTENTION_FILE = re.compile(r"\d{5}\.nc", re.ASCII)


class Store:
    """A store for reading; safe to share between threads.

    ``stamp`` tells whether the store was replaced since: values already read are kept, and
    nothing more is read.

    No file stays open between reads: HDF5 must not be entered while Python's garbage collector
    closes another file, and a store may be replaced while it is served.

    Parameters
    ----------
    path
        The folder, ``NAME.headbrush``.
    reader
        Reads the files of attention; by default in this process.
    unfinished
        Whether to open a store whose analysis is not finished, see :attr:`pending`.

    Raises
    ------
    StoreError
        If the folder is missing, is not a finished store, is of another schema version, or has a
        variable, dimension or attribute that does not fit.
    """

    def __init__(
        self, path: Path | str, reader: MatrixReader | None = None, *, unfinished: bool = False
    ) -> None:
        self.path = Path(path)
        self._reader: MatrixReader = reader or AttentionReader()
        self._may_be_unfinished = unfinished
        self.stamp = stamp_of(self.path)
        self._cache: dict[str, np.ndarray] = {}
        self._cache_lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        file = SummaryFile(self.path, unfinished)
        file.demand_modest()
        with file.summary() as summary:
            _validate(self.path, summary)
            self.attrs: Mapping[str, Any] = dict(summary.attrs)
            self.sizes = dict(summary.sizes)
            self._checksums = {
                name: variable.attrs.get(CHECKSUM) for name, variable in summary.variables.items()
            }

    def __repr__(self) -> str:
        sizes = self.sizes
        return (
            f"<Store {self.path}: {self.attrs['model']}, {sizes['layer']} layers × "
            f"{sizes['head']} heads, {sizes['image']} images>"
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the patch grid."""
        return int(self.attrs["grid_height"]), int(self.attrs["grid_width"])

    @lazy_property
    def windows(self) -> tuple[Windows, ...]:
        """The windows of each layer; none if its layers attend over the whole image."""
        return windows_of(self.attrs, self.sizes["layer"])

    @property
    def pattern_grid(self) -> tuple[int, int]:
        """Rows and columns of the patches of a pattern: those of a window, else of the image."""
        return self.windows[0].size if self.windows else self.grid

    @property
    def num_prefix_tokens(self) -> int:
        """Tokens before the patches: class token, distillation token, registers."""
        return int(self.attrs["num_prefix_tokens"])

    @property
    def num_tokens(self) -> int:
        """All tokens, T = prefix tokens + patches."""
        return self.num_prefix_tokens + self.grid[0] * self.grid[1]

    def has(self, variable: str) -> bool:
        """Whether the summary holds ``variable``; only optional ones can be missing."""
        return variable in self._checksums

    @property
    def pending(self) -> frozenset[str]:
        """Variables that the analysis has not finished: their values are missing or provisional."""
        return frozenset(str(self.attrs.get("pending", "")).split())

    def catch_up(self) -> bool:
        """Take over what the analysis of an unfinished store has written since; whether it has.

        All that was not pending stays as it is.

        Raises
        ------
        StoreError
            If the store was removed, or replaced by another.
        """
        if not self.pending or stamp_of(self.path) == self.stamp:
            return False
        newer = Store(self.path, self._reader, unfinished=True)
        kept = self._checksums.keys() - self.pending
        if any(newer._checksums.get(name) != self._checksums[name] for name in kept):
            raise StoreError(f"{self.path}: another analysis replaced the store; reload the page.")
        with self._cache_lock:
            for name in self.pending:
                self._cache.pop(name, None)
            self.attrs, self.sizes, self.stamp = newer.attrs, newer.sizes, newer.stamp
            self._checksums = newer._checksums
        return True

    def read(self, variable: str) -> np.ndarray:
        """One variable of the summary, complete; read once, then shared and read-only."""
        if variable not in self._cache:  # what is in the cache waits for no other read
            self.read_all([variable])
        return self._cache[variable]

    def read_images(self, variable: str, images: int | np.ndarray) -> np.ndarray:
        """The values of one or a few images, of a variable whose first dimension they are.

        Of a large variable only these are read, unless all are there; its other values may be
        damaged.
        """
        if variable not in self._cache:
            self._demand_same()
            file = SummaryFile(self.path, self._may_be_unfinished)
            self._demand_same()
            found = rows_of(self.path, file, variable, np.atleast_1d(images))
            if found is not None:
                return found if np.ndim(images) else found[0]
        return self.read(variable)[images]

    def checksum(self, variable: str) -> int:
        """CRC-32 of a variable's values, see ``checksum``; an older store is read for it."""
        stored = self._checksums[variable]
        is_known = isinstance(stored, (int, np.integer))
        return int(stored) if is_known else checksum(self.read(variable))

    def read_all(self, variables: Iterable[str]) -> None:
        """Read several variables at once, so that ``read`` of them is instant afterwards."""
        missing = [variable for variable in variables if variable not in self._cache]
        if not missing:
            return
        self._demand_same()
        stamp, file = self.stamp, SummaryFile(self.path, self._may_be_unfinished)
        self._demand_same()
        for variable in missing:  # others may use HDF5 in between
            with self._lock_of(variable):
                if variable in self._cache:
                    continue
                values = unpacked(self.path, file, variable)
                with self._cache_lock:
                    if stamp != self.stamp:  # of an unfinished store more is there now
                        break
                    self._cache[variable] = values
        else:
            return
        self.read_all(missing)

    def _lock_of(self, variable: str) -> threading.Lock:
        with self._cache_lock:
            return self._locks.setdefault(variable, threading.Lock())

    def to_xarray(self) -> "xr.Dataset":
        """All of the summary, read and checked, as one dataset with labelled dimensions.

        Its values are this store's and read-only. ``image`` and ``class`` are labelled by their
        names, so ``dataset["importance"].sel(metric="jsd", image="cat/7.png")`` works; names that
        occur twice stay what they are. Attention matrices are not part of it, see
        :meth:`attention`.

        Raises
        ------
        StoreError
            If a variable is damaged, or the store was replaced.
        """
        import xarray as xr  # half a second

        names = [name for name in VARIABLES if self.has(name)]
        self.read_all(names)
        data = {}
        for name in names:
            spec = VARIABLES[name]
            data[name] = (
                spec.dims,
                self.read(name),
                {"long_name": spec.long_name, "units": spec.units},
            )
        labels = {"image": self.read("name"), "class": self.read("class_name")}
        labels |= {name: np.arange(self.sizes[name]) for name in ("layer", "head")}
        return xr.Dataset(data, attrs=dict(self.attrs)).assign_coords(labels)

    @lazy_property
    def kept_images(self) -> np.ndarray:
        """Sorted indices of the images whose attention is stored and readable, int64."""
        return np.array(sorted(self._places[0]), np.int64)

    def attention(self, image: int, layer: int, head: int) -> np.ndarray | None:
        """Attention of one head, ``(T, T)`` float32, rows = source; None if it was not stored.

        Raises
        ------
        StoreError
            If the file that holds it, or might hold it, is missing or damaged, or the store was
            replaced.
        """
        self._demand_same()
        places, faults = self._places
        if image not in places:
            if faults:
                raise faults[0]
            if self.has(ATTENTION_CHECKSUM) and self.read(ATTENTION_CHECKSUM)[image].max() >= 0:
                raise StoreError(
                    f"{self.path}: the file with the attention of image {image} is missing; "
                    "copy the folder 'attention' again."
                )
            return None
        path, row = places[image]
        matrix = self._reader.read_matrix(path, row, layer, head)
        if matrix.shape != (self.num_tokens, self.num_tokens):
            raise StoreError(f"{path}: attention over {len(matrix)} tokens, not {self.num_tokens}.")
        if self.has(ATTENTION_CHECKSUM):
            expected = self.read(ATTENTION_CHECKSUM)[image, layer, head]
            demand_sound(path, f"head {layer}.{head} of image {image}", matrix, expected)
        return matrix

    def _demand_same(self) -> None:
        if stamp_of(self.path) != self.stamp:
            raise StoreError(
                f"{self.path}: the store was replaced or removed after it was opened; "
                "reload the page."
            )

    @lazy_property
    def _places(self) -> tuple[dict[int, tuple[Path, int]], list[StoreError]]:
        """File and row of every image whose attention is stored, and the unreadable files."""
        places: dict[int, tuple[Path, int]] = {}
        faults = []
        for path in attention_files(self.path):
            try:
                images = self._reader.read_images(path)
            except StoreError as error:
                faults.append(error)
                continue
            if images.size and not 0 <= images.min() <= images.max() < self.sizes["image"]:
                faults.append(StoreError(f"{path}: holds images that summary.nc does not have."))
                continue
            places |= {int(image): (path, row) for row, image in enumerate(images)}
        return places, faults


def write_summary(path: Path, values: Mapping[str, Any], attrs: Mapping[str, Any]) -> None:
    """Write ``summary.nc`` into the store folder ``path``, at once or not at all.

    The files of attention are there already; the summary keeps their checksums. Texts are changed
    where a file cannot keep them. Where the attribute ``pending`` names variables, the summary is
    that of an unfinished store and lies in ``parts``.

    Parameters
    ----------
    values
        One array for every variable of ``VARIABLES`` that is not optional.
    attrs
        Global attributes; all of ``REQUIRED_ATTRIBUTES`` must be there.

    Raises
    ------
    StoreError
        If a variable or attribute is missing or does not fit, or a number is infinite.
    """
    import xarray as xr  # half a second

    data = {}
    encoding = {}
    size = np.shape(values.get("strength_entropy", ()))
    sums = attention_checksums(attention_files(path), *size) if len(size) == 3 else None
    if sums is not None:
        values = {**values, ATTENTION_CHECKSUM: sums}
    for name, spec in VARIABLES.items():
        if name not in values:
            if spec.optional:
                continue
            raise StoreError(f"{path}: no values for the variable {name!r}.")
        array = _storable(values[name], spec.dtype)
        demand_values(path, name, array)
        described: dict[str, str | np.ndarray | np.int64] = {
            "long_name": spec.long_name,
            "units": spec.units,
        }
        if spec.valid_range is not None:
            described["valid_range"] = np.array(spec.valid_range, spec.dtype)
        described[CHECKSUM] = np.int64(checksum(array))
        data[name] = (spec.dims, array, described)
        encoding[name] = {"dtype": str} if spec.dtype == "str" else {"_FillValue": None}
        if spec.dtype != "str":
            encoding[name] |= {"zlib": True, "shuffle": True, "complevel": 1, "fletcher32": True}
            encoding[name] |= chunking(array, spec.dims)
    kept = {k: storable(v, MOST_TEXT) if isinstance(v, str) else v for k, v in attrs.items()}
    dataset = xr.Dataset(data, attrs={"Conventions": "CF-1.10", **kept})
    _validate(path, dataset)
    name = UNFINISHED if "pending" in kept else SUMMARY
    with replacing(path / name) as temporary, xarray_in_hdf5():
        dataset.to_netcdf(temporary, engine="netcdf4", encoding=encoding)


def _storable(values: Any, dtype: str) -> np.ndarray:
    if dtype != "str":
        return np.asarray(values, dtype)
    return np.array([storable(text, LONGEST_NAME) for text in values], object)


def attention_files(path: Path) -> list[Path]:
    """Files of attention in the store ``path``; whatever else lies beside them is no part of it."""
    with suppress(OSError):
        return sorted(
            file for file in (path / "attention").iterdir() if _ATTENTION_FILE.fullmatch(file.name)
        )
    return []


def stamp_of(path: Path) -> tuple[int, ...] | None:
    """Identity of a store's summary file, which changes when it is replaced; None if missing."""
    try:
        status = current_summary(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _validate(path: Path, summary: "Summary | xr.Dataset") -> None:
    missing = [name for name in REQUIRED_ATTRIBUTES if name not in summary.attrs]
    if "schema_version" in missing:
        raise StoreError(f"{path}: not a headbrush store (summary.nc has no schema_version).")
    version = summary.attrs["schema_version"]
    if np.shape(version) or isinstance(version, str) or version != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: schema version {str(version)[:40]}, this headbrush reads {SCHEMA_VERSION}; "
            "run 'headbrush analyze' again to make a new store."
        )
    if missing:
        raise StoreError(f"{path}: summary.nc lacks the attribute {missing[0]!r}.")
    demand_attributes(path, summary.attrs)
    try:
        windows_of(summary.attrs, summary.sizes.get("layer", 0))
    except ValueError as error:
        raise StoreError(f"{path}: {error}.") from error
    for name, spec in VARIABLES.items():
        if name not in summary.variables:
            if spec.optional:
                continue
            raise StoreError(f"{path}: summary.nc lacks the variable {name!r}.")
        variable = summary.variables[name]
        if variable.dims != spec.dims:
            raise StoreError(
                f"{path}: variable {name!r} has dimensions {variable.dims}, expected {spec.dims}."
            )
        if variable.dtype != np.dtype(object if spec.dtype == "str" else spec.dtype):
            raise StoreError(
                f"{path}: variable {name!r} is of type {variable.dtype}, expected {spec.dtype}."
            )
    demand_values(path, "metric", summary.variables["metric"].values)
    labels, classes = summary.variables["label"].values, summary.sizes["class"]
    if labels.size and not (labels.min() >= -1 and labels.max() < classes):
        raise StoreError(f"{path}: a label is not one of the {classes} classes.")


def store_size(path: Path) -> int:
    """Bytes on disk of all files of the store."""
    return sum(
        (Path(folder) / file).lstat().st_size
        for folder, _, files in os.walk(path)
        for file in files
    )
