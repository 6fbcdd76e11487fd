"""The variables of a store's ``summary.nc``: their dimensions, types and meaning."""

from dataclasses import dataclass

SCHEMA_VERSION = 1
METRICS = ("probability", "jsd", "cls", "patch")
"""The importance metrics, in the order of the ``metric`` dimension (the paper's Eq. 3 to 6)."""

REQUIRED_ATTRIBUTES = (
    "headbrush_version",
    "schema_version",
    "model",
    "checkpoint_sha256",
    "images",
    "num_prefix_tokens",
    "grid_height",
    "grid_width",
    "has_class_token",
    "label_source",
    "seed",
    "created",
    "command",
)


@dataclass(frozen=True)
class Variable:
    """How one variable is stored; ``valid_range`` is None where every value is allowed."""

    dims: tuple[str, ...]
    dtype: str
    long_name: str
    units: str = "1"
    valid_range: tuple[float, float] | None = None
    optional: bool = False


_HEAD = ("image", "layer", "head")

VARIABLES: dict[str, Variable] = {
    "name": Variable(("image",), "str", "image file relative to the image folder", ""),
    "label": Variable(
        ("image",), "int32", "index of the true class, -1 unknown", "1", (-1, 2**31 - 1)
    ),
    "class_name": Variable(("class",), "str", "readable name of the class", ""),
    "metric": Variable(("metric",), "str", "importance metric", ""),
    "probability": Variable(
        ("image", "class"), "float32", "softmax probability without pruning", "1", (0, 1)
    ),
    "importance": Variable(
        ("metric", *_HEAD),
        "float32",
        "change caused by pruning the head: true-class probability before minus after, "
        "Jensen-Shannon divergence in bits, cosine distance of the class token, "
        "mean cosine distance of the patch tokens",
        "1",
        (-1, 2),
    ),
    "strength": Variable(
        (*_HEAD, "hop"), "float32", "mean attention of a patch to one k-hop neighbour", "1", (0, 1)
    ),
    "strength_entropy": Variable(
        _HEAD, "float32", "normalised entropy of the strength vector", "1", (0, 1)
    ),
    "attention_distance": Variable(
        _HEAD, "float32", "attention-weighted distance between patches", "patch", (0, 1e6)
    ),
    "image_embedding": Variable(
        ("image", "xy"), "float32", "layout of the images by the pruned true-class probabilities"
    ),
    "cls_embedding": Variable((*_HEAD, "xy"), "float32", "layout of the CLS attention patterns"),
    "patch_embedding": Variable(
        (*_HEAD, "xy"), "float32", "layout of the patch attention patterns"
    ),
    "patch_latent": Variable(
        (*_HEAD, "latent"), "float32", "autoencoder's latent of the patch attention pattern"
    ),
    "thumbnail": Variable(
        ("image", "y", "x", "channel"), "uint8", "image as the model sees it", "1", (0, 255)
    ),
}
