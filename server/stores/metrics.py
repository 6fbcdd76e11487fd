"""The metrics of importance as readers see them: names, axis titles."""

METRIC_NAMES = {
    "probability": "True-class probability",
    "jsd": "JSD of the prediction",
    "cls": "CLS distance",
    "patch": "Patch distance",
    "gradient": "Gradient (estimate)",
    "neighbours": "Neighbours lost",
    "output_map": "Change of the output map",
}
METRIC_AXES = {
    "probability": "P′[true class]",
    "jsd": "JSD (bits)",
    "cls": "CLS distance (0–2)",
    "patch": "patch distance (0–2)",
    "gradient": "|dL/d mask| (nats)",
    "neighbours": "neighbours lost (0–1)",
    "output_map": "JSD of the map (bits)",
}
METRIC_EFFECTS = {**METRIC_NAMES, "probability": "loss of true-class probability"}
"""What a value of a metric is, where it is the effect of pruning."""
EFFECT_AXES = {**METRIC_AXES, "probability": "loss of P[true class]"}
"""Titles of axes of effects of pruning."""
NOISE = 1e-6
"""Rounding error of float32, not a change."""
