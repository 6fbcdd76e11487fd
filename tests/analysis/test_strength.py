"""Strength against a loop over patches, and the cases that can be worked out by hand."""

import numpy as np
import pytest
import torch

from headbrush.analysis.measures.strength import (
    attention_distance,
    hop_strength,
    strength_entropy,
)

GRIDS = [(3, 3), (5, 5), (3, 5), (1, 4), (1, 1)]


def random_attention(grid, prefix, heads=3):
    generator = torch.Generator().manual_seed(0)
    tokens = prefix + grid[0] * grid[1]
    return torch.rand(heads, tokens, tokens, generator=generator).softmax(-1)


def slow_strength(attention, prefix, grid):
    """Eq. 7 and 8 as a loop over patches."""
    places = [(r, c) for r in range(grid[0]) for c in range(grid[1])]
    vector = []
    for k in range(max(grid)):
        means = []
        for i, (row, column) in enumerate(places):
            hops = [max(abs(row - r), abs(column - c)) for r, c in places]
            found = [attention[prefix + i, prefix + j] for j, hop in enumerate(hops) if hop == k]
            if found:
                means.append(np.mean(found))
        vector.append(np.mean(means))
    return vector


@pytest.mark.parametrize("prefix", [0, 1, 5])
@pytest.mark.parametrize("grid", GRIDS)
def test_strength_is_that_of_a_loop_over_patches(grid, prefix):
    attention = random_attention(grid, prefix)
    expected = [slow_strength(head.numpy(), prefix, grid) for head in attention]
    np.testing.assert_allclose(hop_strength(attention, prefix, grid), expected, rtol=1e-5)


def test_a_corner_of_five_by_five_has_1_3_5_7_9_neighbours():
    corner = torch.zeros(25, 25)
    corner[0] = 1  # every neighbour takes 1, so the corner's mean is 1 at every hop
    having = [25, 25, 25, 24, 16]  # patches that have neighbours at each hop
    expected = [1 / count for count in having]
    assert hop_strength(corner, 0, (5, 5)).tolist() == pytest.approx(expected)
    for hop, (neighbours, count) in enumerate(zip([1, 3, 5, 7, 9], having, strict=True)):
        one = torch.zeros(25, 25)
        one[0, hop] = 1
        found = hop_strength(one, 0, (5, 5))[hop].item()
        assert found == pytest.approx(1 / (neighbours * count))


def test_self_attention_is_all_at_hop_0_with_entropy_0():
    strength = hop_strength(torch.eye(26), 1, (5, 5))
    assert strength.tolist() == pytest.approx([1, 0, 0, 0, 0])
    assert strength_entropy(strength).item() == 0
    assert attention_distance(torch.eye(26), 1, (5, 5)).item() == 0


def test_even_attention_has_entropy_1():
    strength = hop_strength(torch.full((26, 26), 1 / 26), 1, (5, 5))
    np.testing.assert_allclose(strength, np.full(5, 1 / 26), rtol=1e-5)
    assert strength_entropy(strength).item() == pytest.approx(1)


def test_entropy_of_two_equal_hops_of_four():
    assert strength_entropy(torch.tensor([0.1, 0.1, 0, 0])).item() == pytest.approx(0.5)
    assert strength_entropy(torch.zeros(4)).isnan()


def test_distance_of_attending_to_the_right_neighbour_is_1():
    attention = torch.zeros(4, 4)
    attention[[0, 1, 2, 3], [1, 2, 3, 2]] = 0.3
    assert attention_distance(attention, 0, (1, 4)).item() == pytest.approx(1)


def test_distance_is_that_of_a_loop():
    attention = random_attention((3, 5), 1, heads=1)[0]
    places = np.array([(r, c) for r in range(3) for c in range(5)])
    expected = np.mean(
        [
            np.average(np.linalg.norm(places - place, axis=1), weights=attention[1 + i, 1:])
            for i, place in enumerate(places)
        ]
    )
    assert attention_distance(attention, 1, (3, 5)).item() == pytest.approx(expected, rel=1e-5)
