"""Examine every attention matrix of a store, one at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from headbrush.analysis.doctor.findings import Finding, Progress, Said
from headbrush.analysis.store.attention_file import AttentionReader
from headbrush.analysis.store.checksums import ATTENTION_CHECKSUM, demand_sound
from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.store import Store, attention_files

_ROW_SUM = 0.01
"""Largest distance of a row's sum from 1; storing rounds each value by 0.4 % at most."""
_AGAIN = "copy this file again from where the store came, or run 'headbrush analyze' again"


def examine_attention(store: Store) -> Iterator[Said]:
    """Findings about the files of attention: damaged, foreign, twice there, missing."""
    sums = _sums(store)
    seen: dict[int, Path] = {}
    files = attention_files(store.path)
    for number, path in enumerate(files):
        try:
            images = AttentionReader().read_images(path).tolist()
        except StoreError as error:
            yield Finding(f"{error} Mend it: {_AGAIN}.")
            continue
        strange = [image for image in images if not 0 <= image < store.sizes["image"]]
        if strange:
            yield Finding(f"{path}: holds images that summary.nc does not have; delete it.")
            continue
        twice = sorted({image for image in images if image in seen or images.count(image) > 1})
        if twice:
            yield Finding(
                f"{path}: holds image {twice[0]}, which is in {seen.get(twice[0], path).name} "
                "already; delete the copy."
            )
        seen |= dict.fromkeys(images, path)
        for row, image in enumerate(images):
            yield Progress("attention", (number + row / len(images)) / len(files))
            yield from _examine_image(store, path, row, image, sums)
    yield from _missing(store, sums, seen)


def _sums(store: Store) -> np.ndarray | None:
    """Checksums ``(m, L, H)``; None where the summary has none that can be read."""
    try:
        return store.read(ATTENTION_CHECKSUM) if store.has(ATTENTION_CHECKSUM) else None
    except StoreError:  # found when the summary was examined
        return None


def _missing(store: Store, sums: np.ndarray | None, seen: dict[int, Path]) -> Iterator[Finding]:
    kept = [] if sums is None else np.flatnonzero(sums.max((1, 2)) >= 0).tolist()
    lost = [image for image in kept if image not in seen]
    if lost:
        yield Finding(
            f"{store.path}: the attention of {len(lost)} of {len(kept)} images cannot be read "
            f"(the first is image {lost[0]}); copy the folder 'attention' again."
        )


def _examine_image(
    store: Store, path: Path, row: int, image: int, sums: np.ndarray | None
) -> Iterator[Finding]:
    """At most one finding: the first head that is wrong."""
    for layer in range(store.sizes["layer"]):
        for head in range(store.sizes["head"]):
            where = f"head {layer}.{head} of image {image}"
            try:
                matrix = AttentionReader().read_matrix(path, row, layer, head)
                if matrix.shape[0] != store.num_tokens:
                    raise StoreError(f"{path}: {where} is over {len(matrix)} tokens; {_AGAIN}.")
                if sums is not None:
                    demand_sound(path, where, matrix, sums[image, layer, head])
            except StoreError as error:
                yield Finding(str(error))
                return
            if not np.abs(matrix.sum(1, dtype=np.float64) - 1).max() <= _ROW_SUM:
                # with a sound checksum it is what the model computed
                text = f"{path}: rows of {where} do not sum to 1"
                yield Finding(f"{text}; {_AGAIN}." if sums is None else f"{text}.", sums is None)
                return
