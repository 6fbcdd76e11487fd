"""The model's answer in one sentence is true for every metric and brush."""

from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from scipy import stats

from headbrush.server.stores.answer import answer_words

BRUSHES = {"all": range(24), "some": (3, 5, 8), "one": (7,)}
OVER = {
    "all": "over all 24 images", "some": "over the 3 brushed images", "one": "in the brushed image",
}  # fmt: skip
SAYS = {
    "jsd": "Pruning {head} changes predictions most: mean JSD {mean} bits{exactly} {over}{share}.",
    "probability": (
        "Pruning {head} lowers the probability of the true class most: by {mean} on average"
        "{exactly} {over}{share}."
    ),
    "cls": (
        "Pruning {head} moves the class token most: mean CLS distance {mean}{exactly} "
        "{over}{share}."
    ),
    "patch": (
        "Pruning {head} moves the patches most: mean patch distance {mean}{exactly} {over}{share}."
    ),
    "gradient": (
        "By the gradient, predictions depend most on {head}: mean |dL/d mask| {mean} nats"
        "{exactly} {over}{share}."
    ),
}


def mask(images, total=24):
    return np.isin(np.arange(total), list(images))


def fake(values, **changed):
    """What the sentence reads of a store, for importance ``(m, heads)``."""
    values = np.asarray(values, float)
    heads = values.shape[1]
    return SimpleNamespace(
        **{
            "num_images": len(values), "num_heads": heads, "has_labels": True,
            "head_labels": [f"L0·H{number}" for number in range(heads)],
            "importance": lambda _metric: values,
            "why_undefined": lambda metric: f"No {metric} here.",
            "worded": lambda words: words,
            "store": SimpleNamespace(pending=frozenset()),
        }
        | changed
    )  # fmt: skip


@pytest.mark.parametrize("brush", BRUSHES)
@pytest.mark.parametrize("metric", SAYS)
def test_it_names_the_head_its_mean_and_the_share_of_the_first_five(data, metric, brush):
    values, images = data.importance(metric), list(BRUSHES[brush])
    means = [sum(float(values[i, head]) for i in images) / len(images) for head in range(6)]
    best = max(range(6), key=lambda head: means[head])
    share = sum(sorted(means)[1:]) / sum(means)
    low, high = (
        stats.t.interval(
            0.95, len(images) - 1, means[best], stats.sem(values[images, best].astype(float))
        )
        if len(images) > 1
        else (0, 0)
    )
    interval = f" (95\u00a0%: {low:#.2g} to {high:#.2g})".replace("-", "−")
    assert answer_words(data, metric, mask(images)) == SAYS[metric].format(
        exactly=interval if len(images) > 1 else "",
        head=data.head_labels[best],
        mean=f"{means[best]:.2g}",
        over=OVER[brush],
        share=f"; the top 5 of 6 heads account for {100 * share:.0f}\u00a0%",
    )


def test_gains_are_no_part_of_the_losses():
    data = fake([[0.4, 0.1, 0.1, 0.1, 0.1, 0.2, -5.0]])
    said = answer_words(data, "probability", np.ones(1, bool))
    assert said.endswith(
        "by 0.4 on average in the only image; the top 5 of 7 heads account for 90\u00a0%."
    )


NONE = "No head matters by itself: pruning one never changes predictions on average{}."
ONE = "Pruning L0·H0 changes predictions: mean JSD 0.5 bits (95\u00a0%: −2.7 to 3.7){}."
SECOND = "Pruning L0·H1 changes predictions most: mean JSD 0.3 bits{}."


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[0.25], [0.75]], ONE),
        ([[0.1, 0.3]] * 2, SECOND),
        ([[np.nan, 0.3]] * 2, SECOND),
        ([[0.0] * 9] * 2, NONE),
        ([[np.nan] * 9] * 2, "No jsd here."),
    ],
    ids=["one head", "two heads", "a head without", "zeros", "no values"],
)
def test_it_is_true_of_strange_stores(values, said):
    found = answer_words(fake(values), "jsd", np.ones(2, bool))
    assert found == said.format(" over all 2 images")


def test_an_unfinished_store_and_an_empty_brush_have_no_answer(data):
    assert answer_words(data, "jsd", mask(())).startswith("No image is brushed")
    waits = fake([[np.nan] * 2], store=SimpleNamespace(pending=frozenset({"importance"})))
    assert "not known yet" in answer_words(waits, "jsd", np.ones(1, bool))
    with patch.object(data, "has_labels", False):
        said = answer_words(data, "probability", mask(range(24)))
    assert "of the predicted class most" in said
