"""Stores of any token geometry, for what shows tokens."""

from pathlib import Path

from headbrush.analysis.store.attention_file import AttentionWriter
from headbrush.analysis.store.store import write_summary
from tests.stores import attention, attributes, values


def make_token_store(path: Path, grid: tuple[int, int], prefix: int, images: int = 3) -> Path:
    """A finished store of two heads whose images all keep their attention.

    Without prefix tokens there is no class token.
    """
    content = values(images, layers=2, heads=1)
    tokens = prefix + grid[0] * grid[1]
    (path / "attention").mkdir(parents=True)
    file, indices = path / "attention" / "00000.nc", list(range(images))
    with AttentionWriter(file, indices, (2, 1, tokens)) as writer:
        for image, matrix in enumerate(attention(images, 2, 1, tokens)):
            for layer in range(2):
                writer.write(image, layer, matrix[layer])
    geometry = {
        "grid_height": grid[0], "grid_width": grid[1], "num_prefix_tokens": prefix,
        "has_class_token": int(prefix > 0),
    }  # fmt: skip
    write_summary(path, content, attributes(**geometry))
    return path
