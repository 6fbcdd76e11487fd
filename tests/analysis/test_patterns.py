"""Patterns: what is cut out, and exact binarising."""

import numpy as np
import pytest
import torch

from headbrush.analysis.measures.patterns import binarise, cls_pattern, pack, unpack


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
