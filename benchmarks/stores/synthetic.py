"""A synthetic store of any size: a real store's images again and again, with noise.

    python benchmarks/stores/synthetic.py STORE OUT --patterns N

Of a store made this way nothing is to be learned about a model; its ``model`` attribute begins
with ``synthetic`` and so does every image's name. It keeps no attention matrices.
"""

import argparse
from pathlib import Path

import numpy as np

from headbrush.analysis.store.schema import VARIABLES
from headbrush.analysis.store.store import Store, write_summary

_NOISE = 0.02
"""Standard deviation of the noise on coordinates, as a share of their own spread."""


def make_synthetic(source: Path, out: Path, patterns: int, seed: int = 0) -> Path:
    """A store with at least ``patterns`` patterns, in whole images, at ``out``."""
    store = Store(source)
    heads = store.sizes["layer"] * store.sizes["head"]
    images = -(-patterns // heads)
    rng = np.random.default_rng(seed)
    drawn = np.arange(images) % store.sizes["image"]
    wanted = [name for name in VARIABLES if store.has(name)]
    content = {name: _repeated(store, name, drawn, rng) for name in wanted}
    names = content["name"]
    content["name"] = np.array(
        [f"synthetic/{number:07}/{name}" for number, name in enumerate(names)], object
    )
    attributes = dict(store.attrs)
    attributes["model"] = f"synthetic, {images} images by repeating {attributes['model']}"
    out.mkdir(parents=True)
    write_summary(out, content, attributes)
    return out


def _repeated(store: Store, name: str, drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A variable for the images ``drawn``; coordinates with noise, of latent patterns one part."""
    values, dims = store.read(name), VARIABLES[name].dims
    if "image" not in dims:
        return values
    if "latent" in dims:
        values = values[..., :1]  # no view shows them
    repeated = np.take(values, drawn, dims.index("image"))
    if "xy" in dims:
        spread = np.nanstd(values.reshape(-1, 2), axis=0).astype(np.float32)
        repeated += _NOISE * spread * rng.standard_normal(repeated.shape, np.float32)
    return repeated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--patterns", type=int, default=1_000_000)
    asked = parser.parse_args()
    made = Store(make_synthetic(asked.store, asked.out, asked.patterns))
    print(f"{asked.out}: {made.sizes['image']} images, {made.attrs['model']}")


if __name__ == "__main__":
    main()
