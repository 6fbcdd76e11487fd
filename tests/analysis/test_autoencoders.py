"""Autoencoders tell patterns apart and restore unseen ones; the linear one against a dense SVD."""

import numpy as np
import pytest
import torch

from headbrush.analysis.measures import memory_budget
from headbrush.analysis.measures.autoencoders import convolutional
from headbrush.analysis.measures.autoencoders.autoencoder import fit, fitted_of
from headbrush.analysis.measures.autoencoders.convolutional import ConvolutionalAutoencoder
from headbrush.analysis.measures.autoencoders.kinds import CONVOLUTIONAL, KINDS, LINEAR
from headbrush.analysis.measures.autoencoders.linear import LATENT, fit_linear
from headbrush.analysis.measures.patterns import pack

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _short_training(monkeypatch):
    monkeypatch.setattr(convolutional, "TRAINING_STEPS", 100)


def fitted(kind, patterns, seed=0):
    return fit(kind, pack(patterns), patterns.shape[-1], seed=seed, device=CPU)


def families(count=60, side=6):
    """Noisy patterns of a side×side grid: itself, right, below, one column, one block."""
    rng = np.random.default_rng(0)
    size = side**2
    place = np.arange(size)
    shapes = []
    for shift in (0, 1, side):
        shapes.append(place[:, None] + shift == place[None, :])
    shapes.append(np.broadcast_to(place == 20, (size, size)))
    shapes.append((place[:, None] // 9 == 1) & (place[None, :] // 9 == 1))
    clean = np.repeat(np.stack(shapes), count, axis=0)
    kept = rng.random(clean.shape) < 0.8
    noise = rng.random(clean.shape) < 0.01
    return (clean & kept) | noise, np.repeat(np.arange(len(shapes)), count)


@pytest.mark.parametrize("kind", KINDS)
def test_the_latent_tells_pattern_families_apart(kind):
    patterns, kinds = families()
    latent = fitted(kind, patterns).autoencoder.encode(pack(patterns))
    distance = np.linalg.norm(latent[:, None] - latent[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1)[:, :5]
    assert (kinds[nearest] == kinds[:, None]).mean() >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_unseen_patterns_are_restored_and_a_seed_is_repeatable(kind):
    patterns, _ = families(count=20)
    first, second = fitted(kind, patterns, 3), fitted(kind, patterns, 3)
    packed = pack(patterns)
    np.testing.assert_array_equal(
        first.autoencoder.encode(packed), second.autoencoder.encode(packed)
    )
    other = fitted(kind, patterns, 4).autoencoder.encode(packed)
    assert not np.array_equal(first.autoencoder.encode(packed), other)
    assert first.average_precision > 4 * patterns.mean()  # the precision of guessing


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_autoencoder_comes_back(kind):
    patterns, _ = families(count=20)
    made, packed = fitted(kind, patterns), pack(patterns)
    back = fitted_of(kind, made.weights(), 36, CPU)
    assert back.average_precision == made.average_precision
    np.testing.assert_array_equal(back.autoencoder.encode(packed), made.autoencoder.encode(packed))
    entries = np.array([0, 5, 1295])
    np.testing.assert_array_equal(
        back.autoencoder.restore(packed, entries), made.autoencoder.restore(packed, entries)
    )


@pytest.mark.parametrize(("count", "patches"), [(3, 9), (40, 9), (200, 9), (70, 25)])
def test_the_linear_latent_is_that_of_a_dense_decomposition(count, patches):
    patterns = np.random.default_rng(0).random((count, patches, patches)) < 0.2
    model = fit_linear(pack(patterns), seed=0)
    rows = patterns.reshape(count, -1).astype(float)
    weights = np.log((1 + count) / (1 + rows.sum(0))) + 1
    mean = rows.mean(0)
    _, values, axes = np.linalg.svd((rows - mean) * weights, full_matrices=False)
    rank = min(int((values**2 > 1e-5 * values[0] ** 2).sum()), LATENT)
    projected = (rows - mean) * weights @ axes[:rank].T
    latent = model.encode(pack(patterns))
    assert latent.shape == (count, LATENT)
    assert not latent[:, rank:].any()

    def distances(points):
        return np.linalg.norm(points[:, None] - points[None], axis=-1)

    np.testing.assert_allclose(distances(latent), distances(projected), rtol=0.02, atol=1e-2)
    entries = np.arange(patches**2)
    expected = mean + projected @ axes[:rank] / weights
    np.testing.assert_allclose(model.restore(pack(patterns), entries), expected, atol=0.06)


def test_of_many_patterns_the_linear_latent_keeps_as_much_as_a_dense_decomposition():
    patterns, _ = families(count=120)
    rows = patterns.reshape(600, -1).astype(float)
    weighted = (rows - rows.mean(0)) * (np.log(601 / (1 + rows.sum(0))) + 1)
    best = (np.linalg.svd(weighted, compute_uv=False)[:LATENT] ** 2).sum()
    kept = (fit_linear(pack(patterns), seed=0).encode(pack(patterns)) ** 2).sum()
    assert 0.97 * best < kept < 1.001 * best


@pytest.mark.parametrize("count", [1, 2, 600])
def test_equal_patterns_have_equal_latents_of_0(count):
    patterns = np.repeat(np.eye(9, dtype=bool)[None], count, axis=0)
    model = fit_linear(pack(patterns), seed=0)
    np.testing.assert_allclose(model.encode(pack(patterns)), 0, atol=1e-6)
    np.testing.assert_allclose(
        model.restore(pack(patterns), np.arange(81)), patterns.reshape(count, -1), atol=1e-6
    )


def test_few_patterns_have_no_average_precision():
    patterns, _ = families(count=1)
    assert np.isnan(fitted(LINEAR, patterns).average_precision)


def test_a_sample_of_many_patches_is_cut_to_the_budget(monkeypatch):
    patterns, _ = families()
    monkeypatch.setattr(memory_budget, "BUDGET_BYTES", 100_000)
    model = fit_linear(pack(patterns), seed=0)
    assert 1 < model.sample.shape[0] < len(patterns)
    assert 20 * model.sample.nnz < 200_000
    assert np.isfinite(model.encode(pack(patterns))).all()


@pytest.mark.parametrize("patches", [1, 9, 49, 196, 200])
def test_the_convolutional_reconstruction_has_the_shape_of_the_pattern(patches):
    model = ConvolutionalAutoencoder(patches)
    patterns = torch.zeros(2, patches, patches)
    assert model(patterns).shape == patterns.shape
    packed = pack(patterns.bool().numpy())
    assert model.encode(packed).shape == (2, 32)
    assert model.restore(packed, np.array([0])).shape == (2, 1)


def test_a_convolutional_autoencoder_reports_its_progress():
    shares = []
    patterns, _ = families(count=2)
    fit(CONVOLUTIONAL, pack(patterns), 36, seed=0, device=CPU, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
