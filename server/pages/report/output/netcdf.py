"""The values behind a report's plots, as netCDF with their meaning."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from headbrush.analysis.model.pruning.modes import MODES
from headbrush.analysis.store import alone_in_hdf5
from headbrush.analysis.store.schema import PRUNING_METRICS, VARIABLES
from headbrush.server.pages.report.parts.panels import HeadPage
from headbrush.server.pages.report.parts.redact_folders import short_command, without_folders
from headbrush.server.session.session import Session
from headbrush.server.stores.store_data import StoreData

_SHOWN = (
    "name", "label", "class_name", "metric", "importance", "strength_entropy", "image_embedding",
    "offset_embedding", "patch_embedding", "cls_embedding", "part", "bits", "moved", "anomaly",
)  # fmt: skip
_NOTHING: Mapping[str, str] = {}
_ATTRS = ("model", "images", "created")


def to_netcdf(session: Session, pages: Sequence[HeadPage]) -> bytes:
    """The unrounded values behind the plots: of all images and heads, and of the pages."""
    data = session.data
    variables = {name: _stored(data, name) for name in _SHOWN if data.store.has(name)}
    brushed = session.brush("heads").images
    variables["brushed"] = ("image", brushed.astype("i1"), {"long_name": "image is brushed"})
    variables |= _of_pages(data, pages)
    store = data.store
    attrs = {key: without_folders(str(store.attrs[key]), store) for key in _ATTRS}
    attrs["command"] = short_command(str(store.attrs["command"]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.nc"
        with alone_in_hdf5(), netCDF4.Dataset(path, "w") as file:
            file.setncatts({"Conventions": "CF-1.10", **attrs})
            for name, variable in variables.items():
                _write(file, name, *variable)
        return path.read_bytes()


def _write(
    file: netCDF4.Dataset,
    name: str,
    dims: str | tuple[str, ...],
    values: np.ndarray,
    described: Mapping[str, str] = _NOTHING,
) -> None:
    """Not by xarray, which imports half a second of Dask to write a file."""
    dims = (dims,) if isinstance(dims, str) else dims
    for dim, size in zip(dims, values.shape, strict=True):
        if dim not in file.dimensions:
            file.createDimension(dim, size)
    is_text = values.dtype.kind == "O"
    packed = {} if is_text else {"zlib": True, "shuffle": True, "complevel": 4}
    variable = file.createVariable(name, str if is_text else values.dtype, dims, **packed)
    variable.setncatts(described)
    variable[:] = values


_Variable = tuple[Any, ...]
"""The last arguments of :func:`_write`: dimensions and values, and often attributes."""


def _stored(data: StoreData, name: str) -> _Variable:
    spec = VARIABLES[name]
    return spec.dims, data.store.read(name), {"long_name": spec.long_name, "units": spec.units}


def _of_pages(data: StoreData, pages: Sequence[HeadPage]) -> dict[str, _Variable]:
    if not pages:
        return {}
    heads = np.array([page.head for page in pages])
    variables: dict[str, _Variable] = {
        "page_layer": ("page", heads // data.heads_per_layer),
        "page_head": ("page", heads % data.heads_per_layer),
        "page_image": (
            "page",
            np.array([-1 if page.image is None else page.image for page in pages]),
            {"long_name": "image, -1 for means over the brushed images"},
        ),
        "page_strength": (
            ("page", "image", "hop"),
            np.stack([data.strength[:, page.head] for page in pages]),
            {"long_name": VARIABLES["strength"].long_name},
        ),
    }
    tokens = data.num_tokens
    if any(page.attention is not None for page in pages):
        nothing = np.full((tokens, tokens), np.nan, np.float32)
        variables["page_attention"] = (
            ("page", "query", "key"),
            np.stack([nothing if p.attention is None else p.attention for p in pages]),
            {"long_name": "attention, NaN where it is not available"},
        )
    if any(page.pruning is not None for page in pages):
        nothing = np.full((len(PRUNING_METRICS), len(MODES)), np.nan, np.float32)
        variables["pruning_metric"] = ("pruning_metric", np.array(PRUNING_METRICS, object))
        variables["mode"] = ("mode", np.array(list(MODES)))
        variables["page_pruning"] = (
            ("page", "pruning_metric", "mode"),
            np.stack([nothing if p.pruning is None else p.pruning.metrics for p in pages]),
            {"long_name": "change caused by pruning parts of the head, by mode"},
        )
    return variables
