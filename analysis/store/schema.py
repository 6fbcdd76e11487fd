"""The variables of a store's ``summary.nc``: their dimensions, types and meaning."""

from dataclasses import dataclass

SCHEMA_VERSION = 1
PRUNING_METRICS = ("probability", "jsd", "cls", "patch")
"""Importance metrics measured by pruning (the paper's Eq. 3 to 6)."""
METRICS = (*PRUNING_METRICS, "gradient")
"""All importance metrics, in the order of the ``metric`` dimension; the last is approximate."""

NEIGHBOURS = "neighbours"
"""The importance metric of a model without classifier, which needs no label."""
OUTPUT_MAP = "output_map"
"""The importance metric of a model that puts out a map of the image."""
ALL_METRICS = (*METRICS, NEIGHBOURS, OUTPUT_MAP)
"""Those that a store may have. One without predictions has one of the last two, and NaN for those
about predictions."""

PARTS = ("fixed", "class", "within class", "spread")
"""Parts of the bits that decide where a head looks, in the order of the ``part`` dimension."""

MOST_TEXT = 1 << 20
"""Characters of the longest attribute."""
LONGEST_NAME = 4096
"""Characters of the longest text in a variable."""
MOST_TOKENS = 1 << 13
NEAREST = 15
"""Of so many nearest patterns the attributes about a layout tell the share, such as
``offset_embedding_same_head``."""


@dataclass(frozen=True)
class Attribute:
    """What one global attribute may be: a text, or a whole number from ``low`` to ``high``.

    Attributes
    ----------
    choices
        The only texts, empty where every text is allowed.
    optional
        Whether a store may lack it.
    """

    is_text: bool = True
    low: int = 0
    high: int = 2**63 - 1
    choices: tuple[str, ...] = ()
    optional: bool = False


ATTRIBUTES: dict[str, Attribute] = {
    "headbrush_version": Attribute(),
    "schema_version": Attribute(is_text=False),
    "model": Attribute(),
    "checkpoint_sha256": Attribute(),
    "images": Attribute(),
    "num_prefix_tokens": Attribute(is_text=False, high=MOST_TOKENS),
    "grid_height": Attribute(is_text=False, low=1, high=MOST_TOKENS),
    "grid_width": Attribute(is_text=False, low=1, high=MOST_TOKENS),
    "has_class_token": Attribute(is_text=False, high=1),
    "label_source": Attribute(choices=("folder", "prediction")),
    "seed": Attribute(is_text=False, low=-(2**63)),
    "created": Attribute(),
    "command": Attribute(),
    "model_source": Attribute(optional=True),
    "missing": Attribute(optional=True),
    "select": Attribute(optional=True),
    "autoencoder": Attribute(choices=("linear", "convolutional", "none"), optional=True),
    "patch_layout_by": Attribute(choices=("autoencoder", "offset"), optional=True),
    "outputs": Attribute(optional=True),
    "stage": Attribute(is_text=False, low=1, high=64, optional=True),
    "window_height": Attribute(is_text=False, low=1, high=MOST_TOKENS, optional=True),
    "window_width": Attribute(is_text=False, low=1, high=MOST_TOKENS, optional=True),
    "window_shifts": Attribute(optional=True),
    "classifier": Attribute(choices=("probe", "texts"), optional=True),
    "classifier_words": Attribute(optional=True),
    "accuracy_images": Attribute(is_text=False, optional=True),
    "reading": Attribute(optional=True),
    "skipped_images": Attribute(is_text=False, optional=True),
    "notes": Attribute(optional=True),
    "class_mapping": Attribute(optional=True),
    "warning": Attribute(optional=True),
    "pending": Attribute(optional=True),
}
REQUIRED_ATTRIBUTES = tuple(name for name, spec in ATTRIBUTES.items() if not spec.optional)


@dataclass(frozen=True)
class Variable:
    """How one variable is stored.

    Attributes
    ----------
    valid_range
        None where every value is allowed. NaN is allowed where a value does not exist.
    optional
        Whether a store may lack it.
    """

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
    "class_accuracy": Variable(
        ("class",),
        "float32",
        "share of the class's images that are predicted correctly, NaN where the class has no "
        "image; measured on all images in the folder, also where only some classes were analyzed; "
        "of a probe, by probe_left_out",
        "1",
        (0, 1),
        optional=True,
    ),
    "metric": Variable(("metric",), "str", "importance metric", ""),
    "probability": Variable(
        ("image", "class"),
        "float32",
        "probability without pruning; the attribute outputs names softmax or sigmoid",
        "1",
        (0, 1),
    ),
    "importance": Variable(
        ("metric", *_HEAD),
        "float32",
        "change caused by pruning the head: true-class probability before minus after, "
        "Jensen-Shannon divergence in bits (of independent labels the mean over them), "
        "cosine distance of the class token, "
        "mean cosine distance of the patch tokens; and, without pruning, the gradient "
        "approximation: absolute derivative of the cross-entropy by the head's mask, in nats; of a "
        "model without classifier also the share of the 10 images with the nearest features that "
        "are not among the 10 nearest any more, or, if it puts out a map, the mean "
        "Jensen-Shannon divergence over its places",
        "1",
        (-1, 1e6),
    ),
    "mode": Variable(
        ("mode",), "int32", "pruning mode, see importance_by_mode", "1", (1, 7), optional=True
    ),
    "importance_by_mode": Variable(
        ("mode", "metric", *_HEAD),
        "float32",
        "as importance, with only a part of the head pruned: 1 all, 2 prefix to prefix, "
        "3 between prefix and patches, 4 patches to patches, 5 = 2 + 3, 6 = 2 + 4, 7 = 3 + 4",
        "1",
        (-1, 1e6),
        optional=True,
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
    "offset_embedding": Variable(
        (*_HEAD, "xy"),
        "float32",
        "layout of the patch attention patterns by how far, and to which patches, a head attends",
        optional=True,
    ),
    "patch_latent": Variable(
        (*_HEAD, "latent"),
        "float32",
        "autoencoder's latent of the patch attention pattern",
        optional=True,
    ),
    "pattern_label": Variable(
        ("name_number",),
        "str",
        "names of patch patterns, with the width of a band",
        "",
        optional=True,
    ),
    "pattern_family": Variable(
        ("name_number",), "str", "names of patch patterns, without the width", "", optional=True
    ),
    "pattern_name": Variable(
        _HEAD,
        "int8",
        "name of the patch pattern, a place in pattern_label; -1 without a name",
        "1",
        (-1, 127),
        optional=True,
    ),
    "pattern_second": Variable(
        ("layer", "head"),
        "int8",
        "name of what the first name leaves over in the head's offset_kernel, a place in "
        "pattern_label; -1 without one",
        "1",
        (-1, 127),
        optional=True,
    ),
    "pattern_fit": Variable(
        _HEAD,
        "int16",
        "how well the name fits: attention beyond chance on its targets, or the share explained; "
        "without a name, of the template that fits best",
        "1e-4",
        (-10_000, 10_000),
        optional=True,
    ),
    "pattern_rows": Variable(
        _HEAD, "int16", "share of the patches that fit the name", "1e-4", (0, 10_000), optional=True
    ),
    "class_token_label": Variable(
        ("bit",), "str", "names of what a head does with the class token", "", optional=True
    ),
    "class_token_names": Variable(
        _HEAD,
        "uint8",
        "which names of class_token_label hold, the first in the lowest bit",
        "1",
        (0, 255),
        optional=True,
    ),
    "offset_kernel": Variable(
        ("layer", "head", "down", "right"),
        "float32",
        "mean attention between patches by offset from source to target, over all images; rows of "
        "attention are renormalised over patches",
        "1",
        (0, 1),
        optional=True,
    ),
    "part": Variable(("part",), "str", "what decides where a head looks", "", optional=True),
    "bits": Variable(
        ("part", "layer", "head"),
        "float32",
        "information that decides which patches a patch attends to, mean over some source patches "
        "and all images: the same in every image, by the image's class, by the image within its "
        "class, not decided; the sum is log2 of the number of patches; NaN where a part does not "
        "exist",
        "bit",
        (-64, 64),
        optional=True,
    ),
    "moved": Variable(
        ("layer", "head"),
        "float32",
        "share of the attention between patches that moves from image to image: total variation "
        "from the mean of the other images; NaN of a single image",
        "1",
        (0, 1),
        optional=True,
    ),
    "surprise": Variable(
        _HEAD,
        "float32",
        "Kullback-Leibler divergence of the attention between patches from its mean over the other "
        "images; NaN of a single image",
        "bit",
        (-1, 64),
        optional=True,
    ),
    "anomaly": Variable(
        ("image",),
        "float32",
        "a hint that the image is unlike the others: surprise of the third of the heads that look "
        "most alike in all images, in standard deviations above the mean, mean of the three "
        "largest; NaN where nothing is fixed",
        "1",
        (-1e6, 1e6),
        optional=True,
    ),
    "direct": Variable(
        (*_HEAD, "rank"),
        "float32",
        "what the head says for a class of direct_class directly: its part of the logit along the "
        "residual stream, with the norms' scale held; with embedding, MLPs and biases the parts "
        "sum to the logit; NaN of an image on which they do not",
        "logit",
        (-1e9, 1e9),
        optional=True,
    ),
    "direct_class": Variable(
        ("image", "rank"),
        "int32",
        "classes of direct: the true one, or the predicted one where that is unknown, then the "
        "most probable ones",
        "1",
        (0, 2**31 - 1),
        optional=True,
    ),
    "classifier_weight": Variable(
        ("class", "feature"),
        "float32",
        "by what a feature of the image is multiplied to be a logit, where the attribute "
        "classifier names a probe, or texts: scale × embedding, for features of norm 1",
        "logit",
        (-1e9, 1e9),
        optional=True,
    ),
    "classifier_bias": Variable(
        ("class",), "float32", "what is added to the logits", "logit", (-1e9, 1e9), optional=True
    ),
    "probe_left_out": Variable(
        ("image",),
        "int32",
        "class that the probe predicts when it is fitted without the image; -1 without a label",
        "1",
        (-1, 2**31 - 1),
        optional=True,
    ),
    "thumbnail": Variable(
        ("image", "y", "x", "channel"), "uint8", "image as the model sees it", "1", (0, 255)
    ),
    "attention_checksum": Variable(
        _HEAD,
        "int64",
        "CRC-32 of the head's stored attention matrix, -1 where it is not stored",
        "1",
        (-1, 2**32 - 1),
        optional=True,
    ),
}
