"""Findings as sentences: which heads matter, in which part, and where they look. Pure."""

from collections.abc import Sequence

import numpy as np

from headbrush.analysis.model.pruning.modes import MODES
from headbrush.analysis.store.facts.percent import percent
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.server.pages.report.parts.panels import HeadPage
from headbrush.server.pages.report.parts.request import why_kept
from headbrush.server.pages.report.rules import (
    explaining_parts,
    first_places,
    spread_words,
    strongest_hop,
)
from headbrush.server.session.state import PATTERN_STYLES
from headbrush.server.stores.answer import answer_words
from headbrush.server.stores.heads import rank_heads
from headbrush.server.stores.metrics import METRIC_EFFECTS, METRIC_NAMES, NOISE
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import accuracy_words, heads_words

_REGION_MODES = (2, 3, 4)
_FEW = 5
_NO_PARTS = "the model is not available, and the store was made without --modes all"
CITE_METHOD = (
    "Y. Li, J. Wang, X. Dai, L. Wang, C.-C. M. Yeh, Y. Zheng, W. Zhang, K.-L. Ma: How Does "
    "Attention Work in Vision Transformers? A Visual Analytics Attempt. IEEE Transactions on "
    "Visualization and Computer Graphics 29(6), 2023. arXiv:2303.13731."
)


def cite_tool(version: str) -> str:
    """How to cite headbrush itself."""
    return f"The headbrush developers: headbrush {version}, linked brushing over attention heads."


def lede(data: StoreData, views: Sequence[str]) -> str:
    """The first sentences: what the report shows, and what can be brushed in its ``views``."""
    return (
        f"How much each of {data.num_heads} attention heads ({heads_words(data)}) matters, and "
        f"where it looks, in {data.num_images} images; {accuracy_words(data)}. A "
        f"headbrush report; it works offline{_can_brush(data, views)}."
    )


def _can_brush(data: StoreData, views: Sequence[str]) -> str:
    """What can be brushed: only what is shown, and patterns only where their places are held."""
    ways = {"image_overview": "images", "head_importance": "heads"}
    if not why_kept(data, PATTERN_STYLES[0]):
        ways["pattern_layout"] = "patterns"
    able = [what for view, what in ways.items() if view in views]
    listed = " and ".join(filter(None, (", ".join(able[:-1]), able[-1]))) if able else ""
    return f", and {listed} can be brushed" if able else ""


def main_finding(data: StoreData) -> str:
    """Which heads matter, over all images."""
    metric = data.first.metric
    mean = data.importance(metric).mean(0)
    answer = answer_words(data, metric, np.ones(data.num_images, bool))
    if not np.isfinite(mean).any():
        return answer
    first = [n for n in rank_heads(mean)[:_FEW] if mean[n] > NOISE]
    listed = ", ".join(f"{data.head_labels[n]} ({mean[n]:.3g})" for n in first)
    leading = f"The first are {listed}; " if len(first) > 1 else ""
    known = mean[np.isfinite(mean)]
    median = f"he median head's {METRIC_NAMES[metric]} is {np.median(known):.3g}"
    return f"{answer} {leading}{'t' if leading else 'T'}{median}."


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
    """Which part of a head matters, in one image or on average."""
    if page.image is None:
        return _mean_finding(data, page)
    label, name = data.head_labels[page.head], data.names[page.image]
    classes, values = _classes(data, page.image), _by_mode(page)
    if page.pruning is None and _has_pruning(page):
        return f"{name}: {classes}. Which part of {label} matters here is unknown: {_NO_PARTS}."
    if values is None:
        return f"{name}: {classes}."
    return f"In {name} ({classes}) {_parts_words(page, label, values)}"


def _mean_finding(data: StoreData, page: HeadPage) -> str:
    """Which part matters on average, and how many images the means are of."""
    label, values, said = data.head_labels[page.head], _by_mode(page), []
    if values is not None:
        said.append(f"On average ({page.of_images}) {_parts_words(page, label, values)}")
    elif _has_pruning(page):
        said.append(f"Which part of {label} matters on average is unknown: {_NO_PARTS}")
    if page.of_matrices:
        said.append(f"Matrix, masks and lines show a {page.of_matrices}")
    return " ".join(f"{sentence.removesuffix('.')}." for sentence in said)


def _has_pruning(page: HeadPage) -> bool:
    """Whether the page shows the parts, and its metric is one of pruning."""
    has_metric = page.session.state.metric in PRUNING_METRICS
    return has_metric and any(panel.view == "partial_pruning" for panel in page.panels)


def _parts_words(page: HeadPage, label: str, values: np.ndarray) -> str:
    """The effect of the whole head and of its parts, and which of them explain it."""
    parts = "; ".join(f"only {MODES[mode]} {short(values[mode])}" for mode in _REGION_MODES)
    so = explaining_parts(values[1], {MODES[mode]: values[mode] for mode in _REGION_MODES})
    effect = METRIC_EFFECTS[page.session.state.metric]
    return f"pruning all of {label} gives {effect} {short(values[1])}; {parts}. {so}"


def _by_mode(page: HeadPage) -> np.ndarray | None:
    """The shown metric under every mode, for a probability its loss; None where it has none."""
    metric = page.session.state.metric
    if page.pruning is None or metric not in PRUNING_METRICS:
        return None
    values = page.pruning.metrics[PRUNING_METRICS.index(metric)].astype(float)
    return values if np.isfinite(values).all() else None


def _classes(data: StoreData, image: int) -> str:
    is_known = data.store.read("label")[image] >= 0
    true = f"true {data.class_name(int(data.labels[image]))}" if is_known else "no label"
    predicted = int(data.predicted[image])
    return true if predicted < 0 else f"{true}, predicted {data.class_name(predicted)}"


def rounding(files: str) -> str:
    """How exact what is drawn is, and which files are exact."""
    return (
        "Values over images are rounded to 65 534 steps of their range, so a mean is off by less "
        f"than a hundredth of a pixel; the {files} files have the exact values."
    )


def left_out(notes: Sequence[str]) -> list[str]:
    """Differences between the report and the server's page."""
    return [
        rounding("CSV and netCDF"),
        "Attention matrices are included only for the heads and images above, and for means.",
        *notes,
    ]


def _consistency(data: StoreData, number: int) -> str:
    """Over the images of which its effect is known."""
    values = data.importance(data.first.metric)
    known = np.isfinite(values[:, number])
    if not known.any():
        return f"{spread_words(values[:, number])}."
    place = first_places(values[known], number)
    of = "the images" if known.all() else f"the {known.sum()} images of which its effect is known"
    among = "" if data.num_heads <= _FEW else (
        f" and among the five most important in {percent(float(np.mean(place < _FEW)))}"
    )  # fmt: skip
    first = percent(float(np.mean(place == 0)))
    return (
        f"it is the most important head in {first} of {of}{among}; "
        f"{spread_words(values[:, number])}."
    )


def _reach(data: StoreData, number: int) -> str:
    entropy, strength = data.entropy[:, number], data.strength[:, number].mean(0)
    lower = int((data.entropy.mean(0) < entropy.mean()).sum())
    distance = data.store.read("attention_distance").reshape(data.num_images, -1)[:, number]
    spread = f" ± {entropy.std():.3f} over images" if len(entropy) > 1 else ""
    others = f", lower in {lower} of {data.num_heads} heads" if data.num_heads > 1 else ""
    return (
        f"{_hop(strength)}, on average {distance.mean():.1f} patches away. The entropy of these "
        f"distances is {entropy.mean():.3f}{spread}{others}."
    )


def _hop(strength: np.ndarray) -> str:
    hop, last = strongest_hop(strength), len(strength) - 1
    if hop is None:
        return "Its patches attend to no single hop most strongly"
    far = f", {strength[last]:.3g} at the farthest, hop {last}" if hop < last else ", the farthest"
    return f"Its patches attend most strongly at hop {hop} ({strength[hop]:.3g} per neighbour{far})"


def short(value: object) -> str:
    """A float with three digits; anything else unchanged."""
    if not isinstance(value, float):
        return str(value)
    return "≈ 0" if abs(value) < NOISE else f"{value:.3g}"
