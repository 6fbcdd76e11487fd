"""Cutting work into pieces changes no result, and a piece is never larger than the budget."""

import numpy as np
import pytest
import torch
from rich.console import Console

from headbrush.analysis.measures import memory_budget
from headbrush.analysis.measures.autoencoders import convolutional
from headbrush.analysis.measures.autoencoders.autoencoder import fit
from headbrush.analysis.measures.autoencoders.kinds import KINDS
from headbrush.analysis.measures.gradient import gradient_importance
from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.measures.memory_budget import (
    at_once,
    images_at_once,
    images_in_a_shard,
    pieces,
)
from headbrush.analysis.measures.patterns import pack
from headbrush.analysis.model.geometry import Geometry
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.shards import cut_shards
from headbrush.analysis.store.store import Store
from tests.models import save_images, save_tiny_model


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return save_tiny_model(folder / "model"), save_images(folder / "images")


@pytest.fixture
def no_memory(monkeypatch):
    """A budget in which everything is done one by one."""

    def shrink():
        monkeypatch.setattr(memory_budget, "BUDGET_BYTES", 1)

    return shrink


@pytest.mark.parametrize("each", [1, 1e6, 2**28, 2**29, 2**40])
@pytest.mark.parametrize("most", [1, 7, 4096])
def test_a_piece_fits_into_the_budget_unless_it_is_a_single_item(each, most):
    found = at_once(each, most)
    assert 1 <= found <= most
    assert found == 1 or found * each <= memory_budget.BUDGET_BYTES
    assert found == most or (found + 1) * each > memory_budget.BUDGET_BYTES


@pytest.mark.parametrize("count", [1, 5, 64])
@pytest.mark.parametrize("each", [1, 2**27, 2**30])
def test_pieces_hold_every_item_once(count, each):
    found = [index for piece in pieces(count, each) for index in range(count)[piece]]
    assert found == list(range(count))


def test_the_batch_size_is_an_upper_bound(inputs):
    model = load_model(str(inputs[0]), device="cpu")
    assert [images_at_once(model, size) for size in (1, 16)] == [1, 16]


@pytest.mark.parametrize("side", [4, 14, 37, 64, 128])
def test_a_shard_of_many_patches_holds_few_images_and_shards_hold_each_image_once(side):
    geometry = Geometry(12, 6, 1, side, side, True)
    size = images_in_a_shard(geometry, 64)
    assert size in (1, 64) or 72 * side**4 / 8 * size <= memory_budget.BUDGET_BYTES
    shards = cut_shards(100, geometry)
    assert [index for one in shards for index in range(one.start, one.stop)] == list(range(100))
    assert len({one.name for one in shards}) == len(shards)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        (16, [16]),
        (20, [10, 10]),
        (60, [15] * 4),
        (300, [37, 38] * 4),
        (1000, [62, 63] * 8),
    ],
)
def test_shards_are_alike_and_of_a_number_that_workers_share_evenly(count, sizes):
    assert [one.stop - one.start for one in cut_shards(count)] == sizes


def test_a_store_made_in_pieces_holds_the_same_values(inputs, tmp_path, no_memory):
    def make(name):
        request = Request(images=inputs[1], out=tmp_path / name, model=str(inputs[0]), attention=2)
        return Store(analyze(request, StageProgress(Console(quiet=True))))

    whole = make("whole")
    no_memory()
    cut = make("cut")
    assert len(list((cut.path / "attention").iterdir())) > 1
    for name in ("probability", "importance", "strength", "attention_distance", "thumbnail"):
        np.testing.assert_allclose(cut.read(name), whole.read(name), atol=1e-5, err_msg=name)
    assert cut.kept_images.tolist() == whole.kept_images.tolist()
    for image in map(int, whole.kept_images):
        found, expected = cut.attention(image, 1, 1), whole.attention(image, 1, 1)
        assert found is not None
        assert expected is not None
        np.testing.assert_allclose(found, expected, rtol=0.01)


def test_pruning_parts_of_heads_in_pieces_changes_nothing(inputs, no_memory):
    model = load_model(str(inputs[0]), device="cpu")
    pictures = torch.randn(3, *model.input_size, generator=torch.Generator().manual_seed(0))
    traced = trace(model, pictures)
    modes = (1, 2, 3, 4)

    def measure():
        pruned = leave_one_out(model, traced, None, modes)
        return pruned, gradient_importance(model, pictures, traced, None, modes)

    whole = measure()
    no_memory()
    for found, expected in zip(measure(), whole, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_an_autoencoder_encodes_and_restores_the_same_in_pieces(kind, no_memory, monkeypatch):
    monkeypatch.setattr(convolutional, "TRAINING_STEPS", 10)
    packed = pack(np.random.default_rng(0).random((32, 25, 25)) < 0.1)
    fitted = fit(kind, packed, 25, seed=0, device=torch.device("cpu")).autoencoder
    entries = np.arange(0, 625, 7)
    latent, restored = fitted.encode(packed), fitted.restore(packed, entries)
    no_memory()
    np.testing.assert_allclose(fitted.encode(packed), latent, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(fitted.restore(packed, entries), restored, rtol=1e-3, atol=1e-3)


def test_training_in_pieces_is_the_same(no_memory, monkeypatch):
    monkeypatch.setattr(convolutional, "TRAINING_STEPS", 100)
    packed = pack(np.random.default_rng(0).random((16, 25, 25)) < 0.1)

    def train():
        return fit("convolutional", packed, 25, seed=0, device=torch.device("cpu"))

    whole = train()
    no_memory()
    assert train().average_precision == pytest.approx(whole.average_precision, abs=0.05)
