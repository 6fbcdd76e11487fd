"""Findings as sentences: which heads matter, in which part, and where they look. Pure."""

from collections.abc import Sequence

import numpy as np

from headbrush.analysis.model.pruning.modes import MODES
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.pages.report.parts.panels import HeadPage
from headbrush.server.stores.answer import answer_words
from headbrush.server.stores.heads import rank_heads
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import accuracy_words, heads_words

_REGION_MODES = (2, 3, 4)
_FEW = 5
_HARDLY = 1e-3
"""An effect below this is negligible in any metric."""
_ENOUGH = 0.8
"""Share of a head's effect from which a part of it explains the head."""
_MOST, _EVEN = 0.5, 0.2
"""Shares of an effect: a tenth of the images with more are few, with less all are alike."""
_NOISE = 1e-6
"""Rounding error of float32, not a change."""
CITE_METHOD = (
    "Y. Li, J. Wang, X. Dai, L. Wang, C.-C. M. Yeh, Y. Zheng, W. Zhang, K.-L. Ma: How Does "
    "Attention Work in Vision Transformers? A Visual Analytics Attempt. IEEE Transactions on "
    "Visualization and Computer Graphics 29(6), 2023. arXiv:2303.13731."
)


def cite_tool(version: str) -> str:
    """How to cite headbrush itself."""
    return f"The headbrush developers: headbrush {version}, linked brushing over attention heads."


def lede(data: StoreData) -> str:
    """The first sentences: what the report shows, and how to use it."""
    return (
        f"How much each of {data.num_heads} attention heads ({heads_words(data)}) matters, and "
        f"where it looks, in {data.num_images} images; {accuracy_words(data)}. A "
        "headbrush report; it works offline, and images, heads and patterns can be brushed."
    )


def main_finding(data: StoreData) -> str:
    """Which heads matter, over all images."""
    metric = data.first.metric
    mean = data.importance(metric).mean(0)
    answer = answer_words(data, metric, np.ones(data.num_images, bool))
    if not np.isfinite(mean).any():
        return answer
    listed = ", ".join(f"{data.head_labels[n]} ({mean[n]:.3g})" for n in rank_heads(mean)[:_FEW])
    median = f"the median head's {METRIC_NAMES[metric]} is {np.median(mean):.3g}"
    return f"{answer} The first are {listed}; {median}."


def head_finding(data: StoreData, number: int) -> str:
    """How consistently one head matters over the images, where it looks, and what it learned."""
    about = (_consistency, _reach, _pattern, _bits)
    sentences = (sentence(data, number) for sentence in about)
    return " ".join(sentence for sentence in sentences if sentence)


def _pattern(data: StoreData, number: int) -> str:
    if not data.head_patterns:
        return ""
    return f"Pattern: {data.head_patterns[number]}."


def _bits(data: StoreData, number: int) -> str:
    if not data.head_bits:
        return ""
    return f"Where it looks: {data.head_bits[number].kind} ({data.head_bits[number].figures})."


def mode_finding(data: StoreData, page: HeadPage) -> str:
    """Which part of a head matters in one image."""
    label, name = data.head_labels[page.head], data.names[page.image]
    classes, values = _classes(data, page.image), _by_mode(page)
    if page.pruning is None and any(panel.view == "partial_pruning" for panel in page.panels):
        return (
            f"{name}: {classes}. Which part of {label} matters here is unknown: the model is not "
            "available, and the store was made without --modes all."
        )
    if values is None:
        return f"{name}: {classes}."
    parts = "; ".join(f"only {MODES[mode]} {short(values[mode])}" for mode in _REGION_MODES)
    metric = METRIC_NAMES[page.session.state.metric]
    whole = f"pruning all of {label} gives {metric} {values[1]:.3g}"
    return f"In {name} ({classes}) {whole}; {parts}. {part_sentence(values)}"


def part_sentence(values: np.ndarray) -> str:
    """Which part of a head explains its effect, from effects ``(mode,)`` of the eight modes.

    A part explains a head if it alone reaches 80 % of the effect of the whole; one that goes beyond
    125 % of it is held back by the rest of the head.
    """
    whole = values[1]
    if values.max() < _HARDLY:
        return "All of these are small: the head hardly matters here."
    enough = [mode for mode in _REGION_MODES if values[mode] >= _ENOUGH * whole]
    if not enough:
        return "No part alone reaches 80 % of this effect, so no part alone explains it."
    beyond = [mode for mode in enough if _ENOUGH * values[mode] > whole]
    listed = " and ".join(MODES[mode] for mode in beyond or enough)
    if beyond:
        return f"Pruning only {listed} changes more: the parts work against each other."
    alone = "alone has" if len(enough) == 1 else "each have alone"
    return f"So {listed} {alone} at least 80 % of this effect."


def _by_mode(page: HeadPage) -> np.ndarray | None:
    """The shown metric under every mode, for a probability its change; None where it has none."""
    metric = page.session.state.metric
    if page.pruning is None or metric not in PRUNING_METRICS:
        return None
    values = page.pruning.metrics[PRUNING_METRICS.index(metric)].astype(float)
    if not np.isfinite(values).all():
        return None
    return abs(values - values[0]) if metric == "probability" else values


def _classes(data: StoreData, image: int) -> str:
    is_known = data.store.read("label")[image] >= 0
    true = f"true {data.class_name(int(data.labels[image]))}" if is_known else "no label"
    predicted = int(data.predicted[image])
    return true if predicted < 0 else f"{true}, predicted {data.class_name(predicted)}"


def left_out(notes: Sequence[str]) -> list[str]:
    """Differences between the report and the server's page."""
    return [
        "Values over images are rounded to 65 534 steps of their range, so a mean is off by less "
        "than a hundredth of a pixel; the CSV and netCDF files have the exact values.",
        "Attention matrices are included only for the heads and images above.",
        *notes,
    ]


def _consistency(data: StoreData, number: int) -> str:
    values = np.nan_to_num(data.importance(data.first.metric))
    own, total = values[:, number], data.num_images
    rank = (values > own[:, None]).sum(1)
    matters = own > 0  # where nothing matters, no head is the first
    best = np.mean((rank == 0) & matters)
    few = (
        f"it is the most important head in {best:.0%} of the images and among the five most "
        f"important in {np.mean((rank < _FEW) & matters):.0%};"
    )
    if own.sum() <= 0:
        return f"{few} pruning it changes nothing on average."
    tenth = -(-total // 10)
    share = np.sort(own)[::-1][:tenth].sum() / own.sum()
    return (
        f"{few} the tenth of the images to which it matters most has {share:.0%} of its effect"
        f"{spread_words(share)} (median {np.median(own):.3g}, mean {own.mean():.3g})."
    )


def spread_words(share: float) -> str:
    """What it says that the tenth of the images with most of an effect has this share of it."""
    if share > _MOST:
        return ", so it matters to few images"
    return ", so it matters to all images much alike" if share < _EVEN else ""


def _reach(data: StoreData, number: int) -> str:
    entropy, strength = data.entropy[:, number], data.strength[:, number].mean(0)
    lower = int((data.entropy.mean(0) < entropy.mean()).sum())
    distance = data.store.read("attention_distance").reshape(data.num_images, -1)[:, number]
    hop, last = int(np.argmax(strength)), len(strength) - 1
    far = f", {strength[last]:.3g} at the farthest, hop {last}" if hop < last else ", the farthest"
    return (
        f"Its patches attend most strongly at hop {hop} ({strength[hop]:.3g} per neighbour{far}), "
        f"on average {distance.mean():.1f} patches away. The entropy of these distances is "
        f"{entropy.mean():.3f} ± {entropy.std():.3f} over images, lower in {lower} of "
        f"{data.num_heads} heads."
    )


def short(value: object) -> str:
    """A float with three digits; anything else unchanged."""
    if not isinstance(value, float):
        return str(value)
    return "≈ 0" if abs(value) < _NOISE else f"{value:.3g}"
