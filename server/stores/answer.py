"""The model's answer in one sentence: which head matters most, how surely and how far. Pure."""

import numpy as np

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.percent import percent
from headbrush.server.stores.heads import rank_heads
from headbrush.server.stores.metrics import DIRECT, NOISE, signed
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.trends.statistics.mean_interval import interval_words, mean_interval
from headbrush.server.tools.loops.means import moments

_FEW = 5
_VERBS = {
    "jsd": ("changes predictions", "mean JSD {} bits"),
    "probability": ("lowers the probability of the {label}", "by {} on average"),
    "cls": ("moves the class token", "mean CLS distance {}"),
    "patch": ("moves the patches", "mean patch distance {}"),
    "output_map": ("changes the output map", "mean JSD over its places {} bits"),
    "neighbours": ("changes which images are alike", "mean share of neighbours lost {}"),
}
"""Of pruning a head, by metric: what it does, and its figure."""


def answer_words(data: StoreData, metric: str, brushed: np.ndarray) -> str:
    """Which head matters most by a metric over brushed images ``(m,)`` bool, as one sentence."""
    count = int(brushed.sum())
    if not count:
        return "No image is brushed, so no head matters here."
    values = data.importance(metric)
    mean, deviation, measured = moments(values, brushed)
    known = mean[np.isfinite(mean)]
    if not len(known):
        if np.isfinite(values).any():
            return "Which head matters most is not known: these images have no values."
        if metric != DIRECT and "importance" in data.store.pending:
            return "Which head matters most is not known yet: the analysis still prunes the heads."
        return data.why_undefined(metric)
    low, high = mean_interval(mean, deviation, measured)
    first = rank_heads(mean)[0]
    over = _over(count, data.num_images)
    return _sentence(data, metric, mean, known, interval_words(low[first], high[first]), over)


def _sentence(
    data: StoreData, metric: str, mean: np.ndarray, known: np.ndarray, exactly: str, over: str
) -> str:
    """The sentence for means ``(L·H,)``, of which ``known`` are not NaN.

    ``exactly`` is the interval of the largest, in words.
    """
    order = rank_heads(mean)
    head, highest = data.head_labels[order[0]], float(mean[order[0]])
    together = _together(mean[order[:_FEW]], known)
    if metric == "gradient":
        figure = f"mean |dL/d mask| {highest:.2g} nats"
        if highest < NOISE:
            return (
                f"By the gradient, predictions hardly depend on any head: {figure} at most {over}."
            )
        most = f"{head}{_tied(data, mean, order)}"
        figure += exactly
        return f"By the gradient, predictions depend most on {most}: {figure} {over}{together}."
    label = data.worded("true class" if data.has_labels else "predicted class")
    if metric == DIRECT:
        return _speaking(mean, data.head_labels, label, over)
    does, figure = _VERBS[metric][0].replace("{label}", label), _VERBS[metric][1]
    if highest < NOISE:
        if known.min() < -NOISE:
            return f"Pruning one head never {does} on average {over}."
        return f"No head matters by itself: pruning one never {does} on average {over}."
    most = f" most{_tied(data, mean, order)}" if data.num_heads > 1 else ""
    figure = figure.format(f"{highest:.2g}") + exactly
    return f"Pruning {head} {does}{most}: {figure} {over}{together}."


def _speaking(mean: np.ndarray, labels: list[str], label: str, over: str) -> str:
    """Which heads speak most for the true class, and against it."""
    first, last = int(np.nanargmax(mean)), int(np.nanargmin(mean))
    sides = []
    if mean[first] > NOISE:
        sides.append(
            f"{labels[first]} speaks most for the {label}: {signed(mean[first])} of its logit"
        )
    if mean[last] < -NOISE:
        side = "against it" if sides else f"against the {label}"
        verb = "" if sides else " speaks"
        sides.append(f"{labels[last]}{verb} most {side}: {signed(mean[last])}")
    if not sides:
        return f"No head speaks for or against the {label} {over}."
    return f"Directly, {'; '.join(sides)}, on average {over}."


def _tied(data: StoreData, mean: np.ndarray, order: list[int]) -> str:
    """The heads that matter as much as the first; empty where it stands out."""
    equal = [n for n in order[1:] if mean[order[0]] - mean[n] < NOISE]
    if len(equal) > 2:
        return f" (as much as {len(equal)} other heads)"
    return f" (as much as {' and '.join(data.head_labels[n] for n in equal)})" if equal else ""


def _over(count: int, total: int) -> str:
    if count == total:
        return f"over all {grouped(total)} images" if total > 1 else "in the only image"
    return f"over the {grouped(count)} brushed images" if count > 1 else "in the brushed image"


def _together(first: np.ndarray, known: np.ndarray) -> str:
    """The share that the first heads have of all effects; of losses, where some are gains."""
    if len(known) <= _FEW:
        return ""
    share = first.clip(0).sum() / known.clip(0).sum() if (known > 0).any() else 0.0
    return f"; the top {_FEW} of {len(known)} heads account for {percent(share)}" if share else ""
