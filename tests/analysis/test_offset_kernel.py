"""The mean attention by offset against a loop over pairs, and patterns that are one offset."""

import numpy as np
import pytest
import torch

from headbrush.analysis.measures.offset_kernel import (
    between_patches,
    offset_features,
    offset_kernel,
    offset_pairs,
)

GRIDS = [(1, 1), (1, 4), (4, 1), (3, 3), (2, 5), (5, 3)]


def random_attention(grid, prefix, *heads):
    generator = torch.Generator().manual_seed(0)
    tokens = prefix + grid[0] * grid[1]
    return torch.rand(*heads, tokens, tokens, generator=generator).softmax(-1)


def slow_kernel(patches, grid):
    """Mean and number over all pairs of patches, one pair after the other."""
    height, width = grid
    sums = np.zeros((2 * height - 1, 2 * width - 1))
    pairs = np.zeros_like(sums)
    for i in range(height * width):
        for j in range(height * width):
            down, right = j // width - i // width, j % width - i % width
            sums[height - 1 + down, width - 1 + right] += patches[i, j]
            pairs[height - 1 + down, width - 1 + right] += 1
    return sums / pairs, pairs


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_the_kernel_is_that_of_a_loop_over_pairs(grid, prefix):
    attention = random_attention(grid, prefix, 2, 3)
    found = offset_kernel(between_patches(attention, prefix), grid)
    assert found.shape == (2, 3, 2 * grid[0] - 1, 2 * grid[1] - 1)
    for batch in range(2):
        for head in range(3):
            patches = attention[batch, head, prefix:, prefix:].numpy()
            rows = patches / patches.sum(-1, keepdims=True)
            expected, pairs = slow_kernel(rows, grid)
            np.testing.assert_allclose(found[batch, head], expected, rtol=1e-5, atol=1e-7)
            np.testing.assert_array_equal(offset_pairs(grid), pairs)


@pytest.mark.parametrize("grid", GRIDS)
def test_the_whole_attention_is_kept(grid):
    patches = between_patches(random_attention(grid, 1, 4), 1)
    total = (offset_kernel(patches, grid) * offset_pairs(grid)).sum((-2, -1))
    np.testing.assert_allclose(total, grid[0] * grid[1], rtol=1e-5)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (0, -2), (1, 0), (-1, 3), (2, -4)])
def test_a_head_that_looks_at_one_offset_has_1_there_and_0_elsewhere(down, right):
    height, width = 3, 5
    patches = torch.zeros(height * width, height * width)
    for y in range(height):
        for x in range(width):
            if 0 <= y + down < height and 0 <= x + right < width:
                patches[y * width + x, (y + down) * width + x + right] = 1
    expected = torch.zeros(2 * height - 1, 2 * width - 1)
    expected[height - 1 + down, width - 1 + right] = 1
    torch.testing.assert_close(offset_kernel(patches, (height, width)), expected)


@pytest.mark.parametrize("grid", GRIDS)
def test_features_are_roots_of_the_attention_by_offset_and_by_target(grid):
    attention = random_attention(grid, 1, 2)
    for found, one in zip(
        offset_features(between_patches(attention, 1), grid), attention[:, 1:, 1:], strict=True
    ):
        rows = (one / one.sum(-1, keepdim=True)).numpy()
        means, pairs = slow_kernel(rows, grid)
        expected = np.sqrt(np.concatenate([(means * pairs).ravel(), rows.mean(0)]))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_even_attention_is_the_same_at_every_offset():
    attention = torch.full((13, 13), 1 / 13)
    found = offset_kernel(between_patches(attention, 1), (3, 4))
    torch.testing.assert_close(found, torch.full((5, 7), 1 / 12))


def test_a_patch_that_attends_to_no_patch_counts_as_even():
    attention = torch.zeros(5, 5)
    attention[:, 0] = 1  # everything goes to the class token
    torch.testing.assert_close(between_patches(attention, 1), torch.full((4, 4), 0.25))


def test_half_precision_is_measured_in_single_precision():
    attention = random_attention((4, 4), 1, 2)
    found = offset_kernel(between_patches(attention.half(), 1), (4, 4))
    assert found.dtype == torch.float32
    exact = offset_kernel(between_patches(attention, 1), (4, 4))
    np.testing.assert_allclose(found, exact, rtol=2e-3)
