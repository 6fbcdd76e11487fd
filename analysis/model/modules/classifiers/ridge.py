"""A linear classifier in closed form: ridge regression on one-hot classes, with leave-one-out.

With the hat matrix H of the fit, the score that a fit without image i gives to image i is
``(ŷ_i - h_ii·y_i) / (1 - h_ii)``, exactly (Allen 1974, PRESS; Golub, Heath and Wahba 1979). The
penalty is the one with the least squared error of these scores. Scores of one-hot regression are no
logits: they are multiplied by the number that makes their softmax most probable, left out too.
"""

from dataclasses import dataclass

import numpy as np

PENALTIES = np.logspace(-6, 2, 33)
"""Tried ones, in units of the feature's whole scatter ``Σ‖x - x̄‖²``."""
_SCALES = 1e-3, 1e3
"""Smallest and largest factor of the scores."""


@dataclass(frozen=True)
class Ridge:
    """A fitted probe: logits are ``weight @ feature + bias``.

    Attributes
    ----------
    weight, bias
        ``(K, d)`` and ``(K,)`` float64.
    left_out
        ``(n, K)`` logits of each image by the fit without it, with this penalty and scale.
    penalty
        λ of ``‖Y - XW‖² + λ‖W‖²``; the bias is not penalised.
    scale
        By which scores were multiplied to be logits.
    """

    weight: np.ndarray
    bias: np.ndarray
    left_out: np.ndarray
    penalty: float
    scale: float


def fit_ridge(features: np.ndarray, labels: np.ndarray, classes: int) -> Ridge:
    """Fit features ``(n, d)`` to labels ``(n,)`` from 0 to ``classes`` - 1; n at least 2."""
    features, targets = features.astype(float), np.eye(classes)[labels]
    centre, shares = features.mean(0), targets.mean(0)
    centred = features - centre
    left, singular, right = np.linalg.svd(centred, full_matrices=False)  # (n, r), (r,), (r, d)
    along = left.T @ (targets - shares)  # (r, K)
    penalties = PENALTIES * max(float((singular**2).sum()), np.finfo(float).tiny)
    errors = [
        ((_left_out(left, singular, along, targets, one) - targets) ** 2).sum() for one in penalties
    ]
    penalty = float(penalties[np.argmin(errors)])
    scores = _left_out(left, singular, along, targets, penalty)
    scale = _likeliest_scale(scores, labels)
    # (d, r) x (r, K) -> (d, K)
    weight = right.T @ (along * (singular / (singular**2 + penalty))[:, None])
    bias = shares - centre @ weight
    return Ridge(scale * weight.T, scale * bias, scale * scores, penalty, scale)


def _left_out(
    left: np.ndarray, singular: np.ndarray, along: np.ndarray, targets: np.ndarray, penalty: float
) -> np.ndarray:
    """Scores ``(n, K)`` of each image by the fit without it."""
    kept = singular**2 / (singular**2 + penalty)
    fitted = targets.mean(0) + left @ (kept[:, None] * along)
    leverage = (1 / len(targets) + (left**2 @ kept))[:, None]
    return (fitted - leverage * targets) / (1 - leverage)


def _likeliest_scale(scores: np.ndarray, labels: np.ndarray) -> float:
    """The factor of ``(n, K)`` scores with the least cross-entropy, which is convex in it."""
    true = scores[np.arange(len(labels)), labels]

    def slope(factor: float) -> float:
        powers = np.exp(factor * (scores - scores.max(1, keepdims=True)))
        return float(((powers * scores).sum(1) / powers.sum(1) - true).sum())

    low, high = _SCALES
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return (low * high) ** 0.5
