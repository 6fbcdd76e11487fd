"""Swin Transformers, stage by stage, against timm's own windows and their unfused attention."""

import copy

import numpy as np
import pytest
import timm
import torch
from scipy.spatial.distance import cosine, jensenshannon
from timm.models.swin_transformer import WindowAttention

from headbrush.analysis.explain.ablation import outputs_without
from headbrush.analysis.explain.maps import logit_lens
from headbrush.analysis.explain.refusal import InexactError
from headbrush.analysis.explain.stored import why_inexact
from headbrush.analysis.measures.bits.whole import source_rows
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.measures.names.naming import LABELS, name_patterns
from headbrush.analysis.measures.patterns import from_windows, mean_window
from headbrush.analysis.measures.strength import hop_strength
from headbrush.analysis.model.capture import self_check
from headbrush.analysis.model.modules.borrowing import borrowed
from headbrush.analysis.model.pruning.prune_set import PruneSet
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model
from headbrush.analysis.prune.export.describing import config_of
from headbrush.analysis.prune.export.shrinking import InexactExport
from headbrush.analysis.store.errors import ModelError
from headbrush.analysis.store.matrices.windows import Windows
from tests.analysis import swins
from tests.analysis.oracles import softmax

LABELS_OF_TWO = np.array([1, 4])
STAGES = (1, 2, 3)


@pytest.fixture(scope="module", params=STAGES)
def found(request):
    """A stage, its model, timm's own and a trace."""
    model, made = swins.wrapped(request.param)
    images = swins.pictures(model)
    return request.param, model, made, images, trace(model, images)


def test_a_stage_is_one_grid_of_tokens_with_its_heads(found):
    stage, model, made, _, traced = found
    blocks = made.layers[stage - 1].blocks
    geometry = model.geometry
    assert (geometry.num_layers, geometry.num_heads) == (2, blocks[0].attn.num_heads)
    assert (geometry.grid_height, geometry.grid_width) == blocks[0].input_resolution
    assert [one.shift for one in geometry.windows] == [one.shift_size for one in blocks]
    assert geometry.pattern_grid == (4, 4)
    assert not geometry.has_class_token
    assert traced.layers[0].attention().shape[-1] == geometry.num_tokens


def test_the_self_check_passes(found):
    _, model, _, images, _ = found
    self_check(model, images)
    self_check(model, images, PruneSet.of_heads([(0, 1), (1, 0)]))


def test_attention_is_that_of_timms_windows_in_their_places(found):
    stage, _, made, images, traced = found
    attention = torch.stack([record.attention() for record in traced.layers])
    expected = swins.attention(made, stage, images)
    torch.testing.assert_close(attention, expected, rtol=0, atol=1e-5)


def test_leave_one_out_is_that_of_full_passes_through_timms_windows(found):
    stage, model, made, images, traced = found
    measured = leave_one_out(model, traced, torch.from_numpy(LABELS_OF_TWO))[:, 0]
    before, z = swins.full_pass(made, stage, images, [])
    p, rows = softmax(before), np.arange(2)
    for layer in range(2):
        for head in range(model.geometry.num_heads):
            after, pruned = swins.full_pass(made, stage, images, [(layer, head)])
            q = softmax(after)
            lost = p[rows, LABELS_OF_TWO] - q[rows, LABELS_OF_TWO]
            bits = [jensenshannon(a, b, base=2) ** 2 for a, b in zip(p, q, strict=True)]
            far = [
                np.mean([cosine(a, b) for a, b in zip(*pair, strict=True)])
                for pair in zip(z[layer], pruned[layer], strict=True)
            ]
            values = measured[:, :, layer, head]
            np.testing.assert_allclose(values[[0, 1, 3]], [lost, bits, far], atol=1e-5)
            assert np.isnan(values[2]).all()  # no class token


def test_a_set_of_heads_is_that_of_a_full_pass(found):
    stage, model, made, images, _ = found
    gone = [(0, 1), (1, 0)]
    output = trace(model, images, PruneSet.of_heads(gone)).output
    expected, _ = swins.full_pass(made, stage, images, gone)
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_only_the_last_stage_adds_to_the_logits_directly(found):
    stage, model, _, images, _ = found
    assert bool(why_inexact(model, images)) == (stage < 3)


def test_by_itself_it_is_the_stage_with_the_most_layers():
    model, _ = swins.wrapped(None, depths=(2, 4, 2))
    assert (model.stage, model.geometry.num_layers) == (2, 4)
    assert any("stage 2 of 3" in note and "--stage 1 or 3" in note for note in model.notes)


def test_inside_another_module_it_is_as_exact():
    made = swins.Normalised(swins.module()).eval()
    model = wrap_model(copy.deepcopy(made), name="inside", device="cpu", stage=2)
    images = swins.pictures(model)
    self_check(model, images)
    measured = leave_one_out(model, trace(model, images), torch.from_numpy(LABELS_OF_TWO))
    outputs = [swins.full_pass(made.swin, 2, images, gone)[0] for gone in ([], [(1, 2)])]
    with torch.inference_mode():
        p, q = (softmax(made.last(torch.from_numpy(one)).numpy()) for one in outputs)
    bits = [jensenshannon(a, b, base=2) ** 2 for a, b in zip(p, q, strict=True)]
    np.testing.assert_allclose(measured[1, 0, :, 1, 2], bits, atol=1e-5)


def test_a_borrowed_model_comes_back_with_its_own_windows():
    made = swins.module()
    images, blocks = torch.randn(1, 3, 64, 128), made.layers[1].blocks
    before = made(images)
    with borrowed(made):
        wrap_model(made, device="cpu", stage=2)
        assert made.layers[1].blocks is not blocks
    assert made.layers[1].blocks is blocks
    torch.testing.assert_close(made(images), before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("grid", "window", "shift"),
    [((8, 8), 4, (0, 0)), ((8, 12), 4, (2, 2)), ((4, 8), 4, (0, 2)), ((7, 14), 7, (0, 3))],
)
def test_patches_see_what_timms_mask_lets_them(grid, window, shift):
    windows = Windows(grid, (window, window), shift)
    expected = swins.far_apart(grid, window, shift)
    np.testing.assert_array_equal(windows.seen(), expected)
    for members in windows.uncut():
        assert expected[members[:, None], members].all()


def slow_strength(attention, windows):
    """Eq. 7 and 8 over the neighbours that a patch sees, as a loop over patches."""
    seen = windows.seen()
    places = [divmod(patch, windows.grid[1]) for patch in range(len(seen))]
    vector = []
    for k in range(max(windows.size)):
        means = []
        for i, (row, column) in enumerate(places):
            near = [
                j
                for j, (r, c) in enumerate(places)
                if seen[i, j] and max(abs(row - r), abs(column - c)) == k
            ]
            if near:
                means.append(attention[i, near].mean())
        vector.append(np.mean(means))
    return vector


def test_hops_are_those_within_the_window():
    windows = Windows((8, 12), (4, 4), (2, 2))
    scores = torch.randn(2, 96, 96, generator=torch.Generator().manual_seed(0))
    outside = torch.from_numpy(~windows.seen())
    attention = scores.masked_fill(outside, -torch.inf).softmax(-1)
    expected = [slow_strength(head.numpy(), windows) for head in attention]
    found = hop_strength(attention, 0, windows.grid, windows)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def planted(windows):
    """A head that always looks one patch to the left, within its window: ``(P, P)``."""
    attention = np.zeros((windows.grid[0] * windows.grid[1],) * 2, np.float32)
    for members in windows.members():
        board = members.reshape(windows.size)
        attention[board[:, 1:], board[:, :-1]] = 1
        attention[board[:, :1].repeat(windows.size[1], 1), board] = 1 / windows.size[1]
    return torch.from_numpy(attention)


@pytest.mark.parametrize("shift", [(0, 0), (3, 3)])
def test_a_pattern_that_all_windows_share_is_named_in_the_window(shift):
    windows = Windows((14, 21), (7, 7), shift)
    shared = mean_window(planted(windows)[None], windows)
    np.testing.assert_allclose(shared.sum(-1), 1, rtol=1e-5)
    (number,) = name_patterns(shared, windows.size).number.tolist()
    assert LABELS[number] == "left"


def test_rows_for_bits_are_those_of_the_sources_windows():
    windows = Windows((14, 14), (7, 7), (3, 3))
    scores = torch.randn(196, 196, generator=torch.Generator().manual_seed(0))
    attention = scores.masked_fill(torch.from_numpy(~windows.seen()), -torch.inf).softmax(-1)
    rows = from_windows(attention, windows)
    assert rows.shape == (16, 49)  # all attention of its sources
    np.testing.assert_allclose(rows.sum(-1), 1, rtol=1e-5)
    found = source_rows(attention.numpy(), 0, (14, 14), windows)
    np.testing.assert_allclose(found, rows, rtol=1e-5)
    several = {tuple(row) for row in np.round(rows.numpy(), 6)}
    assert len(several) == 16


@pytest.mark.parametrize(
    ("stage", "changed", "reason"),
    [
        (4, {}, "--stage 4, and it has stages 1 to 3"),
        (2, swins.SMALL, "windows of 4×4 do not fill the grid of 6×8"),
    ],
)
def test_what_cannot_be_shown_exactly_is_refused(stage, changed, reason):
    with pytest.raises(ModelError, match=reason):
        swins.wrapped(stage, **changed)


def test_a_stage_of_a_plain_vit_is_refused():
    vit = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1)
    with pytest.raises(ModelError, match="it has no stages"):
        wrap_model(vit, stage=1, device="cpu")


def test_windows_that_attend_otherwise_are_refused():
    class Twice(WindowAttention):
        def forward(self, *given, **named):
            return 2 * super().forward(*given, **named)

    made = swins.module()
    made.layers[1].blocks[0].attn.__class__ = Twice
    with pytest.raises(ModelError, match="attend otherwise than those of timm"):
        wrap_model(made, stage=2, device="cpu")


@pytest.mark.parametrize("name", ["swinv2_tiny_window8_256", "swinv2_cr_tiny_224"])
def test_cosine_attention_is_refused_with_this_reason(name):
    with pytest.raises(ModelError, match="cosine"):
        wrap_model(timm.create_model(name), name=name, device="cpu")


def test_a_stage_is_not_exported_and_says_why():
    model, _ = swins.wrapped(3)
    with pytest.raises(InexactExport, match="attends within windows"):
        config_of(model)


def test_no_patch_of_a_stage_is_taken_alone(found):
    _, model, _, images, traced = found
    with pytest.raises(InexactError, match="join neighbouring patches"):
        outputs_without(model, images[:1], np.zeros((1, model.geometry.num_patches), bool))
    with pytest.raises(InexactError, match="join neighbouring patches"):
        logit_lens(model, traced, 0)
