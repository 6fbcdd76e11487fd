"""Names of patterns, against matrices that were made to have them."""

import itertools
from collections import Counter

import numpy as np
import pytest
import torch

from headbrush.analysis.measures.names import fits as fits_module
from headbrush.analysis.measures.names.class_token import class_names, names_of
from headbrush.analysis.measures.names.fits import chance_of, fits
from headbrush.analysis.measures.names.naming import (
    FAMILIES,
    LABELS,
    NO_NAME,
    name_patterns,
    second_names,
)
from headbrush.analysis.measures.names.templates import TEMPLATES, targets
from tests.analysis.planted import KINDS, ideal, narrow, plant, rows_of, template

GRIDS = [(7, 7), (9, 6), (6, 11)]
PLACE = {template.label: number for number, template in enumerate(TEMPLATES)}


def planted(grid, each, seed=0, kinds=KINDS):
    rng = np.random.default_rng(seed)
    truth = [kind for kind in kinds for _ in range(each)]
    return tensor([plant(kind, grid, rng) for kind in truth]), truth


def tensor(matrices):
    return torch.tensor(np.array(matrices), dtype=torch.float32)


def labels(named):
    return [LABELS[number] if number != NO_NAME else "" for number in named.number.tolist()]


def families(named):
    return [FAMILIES[number] if number != NO_NAME else "" for number in named.number.tolist()]


@pytest.mark.parametrize("grid", [(4, 4), (3, 5), (5, 2), (1, 4)])
def test_targets_are_those_of_the_words(grid):
    found = targets(grid, slice(None), torch.device("cpu")).numpy()
    for number, one in enumerate(TEMPLATES):
        np.testing.assert_array_equal(found[..., number], ideal(one.label, grid), one.label)


@pytest.mark.parametrize("grid", GRIDS)
def test_an_ideal_pattern_fits_wholly_and_even_attention_not_at_all(grid):
    size = grid[0] * grid[1]
    for number, one in enumerate(TEMPLATES):
        fit = fits(tensor([rows_of(ideal(one.label, grid)), np.full((size, size), 1 / size)]), grid)
        targeted = ideal(one.label, grid).sum(1) > 0
        assert fit.rows[0, number] == pytest.approx(1)
        # patches without a target are not counted, those with one give it everything
        chance = ideal(one.label, grid).sum(1)[targeted].mean() / size
        assert chance_of(grid)[number] == pytest.approx(chance)
        assert fit.excess[0, number] == pytest.approx(1, abs=1e-4)
        assert fit.excess[1, number] == pytest.approx(0, abs=1e-4)
        assert fit.bits[1, number] == pytest.approx(0, abs=1e-4)


def test_planted_patterns_get_their_names():
    right, given, true = Counter(), Counter(), Counter()
    for grid in GRIDS:
        matrices, truth = planted(grid, 10)
        found = families(name_patterns(matrices, grid))
        given.update(found)
        true.update(truth)
        right.update(kind for kind, name in zip(truth, found, strict=True) if kind == name)
    f1 = [2 * right[kind] / (given[kind] + true[kind]) for kind in KINDS]
    assert np.mean(f1) >= 0.95
    assert min(f1) >= 0.8


def test_a_halo_does_not_widen_a_name():
    grid, rng = (9, 9), np.random.default_rng(0)
    for label in ("self", "left", "right", "up", "down"):
        near = rows_of(ideal("3×3", grid))
        matrix = 0.7 * template(label, grid, 1, rng) + 0.3 * near
        assert labels(name_patterns(tensor([matrix]), grid)) == [label]


@pytest.mark.parametrize("grid", GRIDS)
def test_a_flipped_image_swaps_left_and_right(grid):
    matrices, _truth = planted(grid, 4, seed=1)
    named = name_patterns(matrices, grid)
    flip = torch.arange(grid[0] * grid[1]).view(grid).flip(1).flatten()
    flipped = labels(name_patterns(matrices[:, flip][:, :, flip], grid))
    clear = named.clear.nonzero()[:, 0].tolist()
    assert len(clear) > 40
    for index in clear:
        label = labels(named)[index]
        place = PLACE.get(label)
        assert flipped[index] == (label if place is None else TEMPLATES[place].mirrored)


def test_shuffled_rows_fit_no_template():
    grid = (8, 8)
    kinds = [one.family for one in TEMPLATES if "rows" not in one.family]
    matrices, _truth = planted(grid, 3, kinds=kinds)
    rng = torch.Generator().manual_seed(0)
    shuffled = torch.stack([matrix[torch.randperm(64, generator=rng)] for matrix in matrices])
    narrow_ones = chance_of(grid) <= 0.25
    excess = fits(shuffled, grid).excess[:, narrow_ones]
    assert excess.abs().max() < 0.25  # of 64 rows
    assert excess.mean().abs() < 0.01
    assert set(families(name_patterns(shuffled, grid))) == {""}


@pytest.mark.parametrize("grid", [(8, 8), (6, 10)])
def test_a_mixture_has_two_names(grid):
    rng = np.random.default_rng(0)
    some = ("self", "left", "down", "own row", "own column", "2 rows above", "2 rows below")
    wrong = {}
    for pair in itertools.combinations(some, 2):
        first, second = (ideal(label, grid) for label in pair)
        both = (first.sum(1) > 0) & (second.sum(1) > 0)
        matrix = rows_of(0.5 * rows_of(first) + 0.5 * rows_of(second))
        matrix[~both] = rows_of(rng.gamma(1, size=matrix.shape))[~both]
        first = name_patterns(tensor([matrix]), grid).number
        second = second_names(tensor([matrix]), first, grid)
        found = {LABELS[number] for number in (first[0], second[0]) if number >= 0}
        if found != set(pair):
            wrong[pair] = found
    # one template holds both: it tells more than either
    assert wrong.pop(("2 rows above", "2 rows below")) == {"2 rows around"}
    # two neighbours may be seen as one of them and a template around both
    assert all(len(found & set(pair)) == 1 for pair, found in wrong.items()), wrong
    assert len(wrong) <= 3


def test_names_do_not_depend_on_what_is_measured_together(monkeypatch):
    grid = (7, 7)
    matrices, _truth = planted(grid, 2)
    whole = name_patterns(matrices, grid)
    monkeypatch.setattr(fits_module, "TARGET_BYTES", 49 * 30 * 4 * 5)  # five rows of patches
    for index, matrix in enumerate(matrices):
        one = name_patterns(matrix[None], grid)
        assert one.number[0] == whole.number[index]
        torch.testing.assert_close(one.excess[0], whole.excess[index], atol=1e-6, rtol=0)


def test_no_grid_is_too_small():
    for grid in [(1, 1), (1, 2), (2, 2), (1, 7)]:
        size = grid[0] * grid[1]
        assert families(name_patterns(torch.full((1, size, size), 1 / size), grid)) in (
            ["even"],
            [""],
        )
    assert not narrow("4 rows around", (6, 6))


def with_class_token(grid, prefix=1):
    tokens = prefix + grid[0] * grid[1]
    return torch.full((1, tokens, tokens), 1 / tokens)


def edge_rows(grid, edge):
    board = np.arange(grid[0] * grid[1]).reshape(grid)
    return {"top": board[0], "bottom": board[-1], "left": board[:, 0], "right": board[:, -1]}[edge]


@pytest.mark.parametrize("prefix", [1, 5])
@pytest.mark.parametrize("grid", [(6, 6), (5, 8)])
def test_what_a_head_does_with_the_class_token_has_names(grid, prefix):
    def named(change):
        attention = with_class_token(grid, prefix)
        change(attention[0])
        return names_of(int(class_names(attention, prefix, grid)[0]))

    def look(rows, column, share=0.8):
        def change(matrix):
            matrix[rows] *= 1 - share
            matrix[rows, column] += share

        return change

    patches = slice(prefix, None)
    assert named(lambda _: None) == []
    assert named(look(0, 0)) == ["CLS to CLS"]
    assert named(look(patches, 0)) == ["patches to CLS"]
    assert named(look(0, prefix + 3)) == ["CLS to few patches"]
    for edge in ("top", "bottom", "left", "right"):
        rows = torch.from_numpy(edge_rows(grid, edge) + prefix)
        assert named(look(rows, 0, 0.45)) == [f"{edge} edge to CLS"]
    if prefix > 1:
        assert named(look(patches, 2)) == ["patches to registers"]
