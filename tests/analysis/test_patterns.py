"""Patterns: what is cut out, exact binarising, and a latent that tells patterns apart."""

import numpy as np
import pytest
import torch

from headbrush.analysis.measures.patterns import (
    LATENT,
    PatternAutoencoder,
    binarise,
    cls_pattern,
    encode,
    pack,
    train_autoencoder,
    unpack,
)

CPU = torch.device("cpu")


def test_cls_pattern_is_the_first_row_and_column_of_class_and_patches():
    attention = torch.arange(36.0).view(6, 6)
    assert cls_pattern(attention, 1).tolist() == [0, 1, 2, 3, 4, 5, 6, 12, 18, 24, 30]
    # two registers between the class token and three patches
    assert cls_pattern(attention, 3).tolist() == [0, 3, 4, 5, 18, 24, 30]


@pytest.mark.parametrize("patches", [9, 25, 196])
def test_binarised_are_exactly_the_strongest_values(patches):
    generator = torch.Generator().manual_seed(0)
    attention = torch.rand(2, 3, patches + 1, patches + 1, generator=generator)
    chosen = binarise(attention, 1)
    count = int(np.ceil(patches**2 * 0.01))
    patches_only = attention[..., 1:, 1:].reshape(6, -1)
    for found, values in zip(chosen.reshape(6, -1), patches_only, strict=True):
        assert set(np.flatnonzero(found)) == set(np.argsort(values.numpy())[-count:])


def test_ties_do_not_change_the_count():
    assert binarise(torch.zeros(26, 26), 1).sum() == 7


@pytest.mark.parametrize("patches", [3, 9, 16])
def test_packing_comes_back(patches):
    patterns = np.random.default_rng(0).random((2, 5, patches, patches)) < 0.3
    packed = pack(patterns)
    assert packed.shape == (2, 5, -(-(patches**2) // 8))
    np.testing.assert_array_equal(unpack(packed, patches), patterns)


@pytest.mark.parametrize("patches", [1, 9, 49, 196, 200])
def test_the_reconstruction_has_the_shape_of_the_pattern(patches):
    model = PatternAutoencoder(patches)
    patterns = torch.zeros(2, patches, patches)
    assert model(patterns).shape == patterns.shape
    assert model.encode(patterns).shape == (2, LATENT)


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


def test_the_latent_tells_pattern_families_apart():
    patterns, kinds = families()
    model = train_autoencoder(pack(patterns), 36, seed=0, device=CPU)
    latent = encode(model, pack(patterns))
    distance = np.linalg.norm(latent[:, None] - latent[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1)[:, :5]
    assert (kinds[nearest] == kinds[:, None]).mean() >= 0.95


def test_training_improves_the_reconstruction_and_is_repeatable():
    patterns, _ = families(count=20)
    density = patterns.mean()  # the precision of guessing
    patterns = pack(patterns)
    first, second = (train_autoencoder(patterns, 36, seed=3, device=CPU) for _ in range(2))
    np.testing.assert_array_equal(encode(first, patterns), encode(second, patterns))
    other = train_autoencoder(patterns, 36, seed=4, device=CPU)
    assert not np.array_equal(encode(first, patterns), encode(other, patterns))
    assert first.average_precision > 4 * density
