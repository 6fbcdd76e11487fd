"""The metrics of heads as readers see them: names, axis titles.

All are effects of pruning a head, or estimates of them, except :data:`DIRECT`.
"""

import numpy as np

DIRECT = "direct"
"""What a head says for the true class directly: signed, and not what it matters."""

METRIC_NAMES = {
    "probability": "True-class probability",
    "jsd": "JSD of the prediction",
    "cls": "CLS distance",
    "patch": "Patch distance",
    "gradient": "Gradient (estimate)",
    DIRECT: "Speaks for true class",
    "neighbours": "Neighbours lost",
    "output_map": "Change of the output map",
}
METRIC_AXES = {
    "probability": "P′[true class]",
    "jsd": "JSD (bits)",
    "cls": "CLS distance (0–2)",
    "patch": "patch distance (0–2)",
    "gradient": "|dL/d mask| (nats)",
    DIRECT: "part of the logit",
    "neighbours": "neighbours lost (0–1)",
    "output_map": "JSD of the map (bits)",
}
METRIC_EFFECTS = {
    **METRIC_NAMES,
    "probability": "loss of true-class probability",
    DIRECT: "what is said for the true class",
}
"""What a value of a metric is: of those that are measured by pruning, its effect."""
EFFECT_AXES = {**METRIC_AXES, "probability": "loss of P[true class]"}
"""Titles of axes of effects of pruning."""
NOISE = 1e-6
"""Rounding error of float32, not a change."""


def sizes(metric: str, values: np.ndarray) -> np.ndarray:
    """How large values of a metric are: of what heads say, for or against."""
    return np.abs(values) if metric == DIRECT else values


def signed(value: float) -> str:
    """A value with its sign, two digits."""
    return f"{value:+.2g}".replace("-", "\N{MINUS SIGN}")
