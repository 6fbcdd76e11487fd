"""Neighbours lost by pruning: against sorting by hand and whole passes, and the known cases."""

import numpy as np
import pytest
import torch

import headbrush
from headbrush.analysis.measures.neighbours import Neighbours, neighbours_lost
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.prune.stored_model import load_stored
from headbrush.analysis.store.schema import METRICS, NEIGHBOURS
from tests.analysis import families, oracles
from tests.models import save_images, save_tiny_model


def nearest(features, image, vector, count):
    """The numbers of the nearest images to a vector by cosine, the image itself left out."""
    cosine = features @ vector / np.linalg.norm(features, axis=1) / np.linalg.norm(vector)
    return set([int(one) for one in np.argsort(-cosine) if one != image][:count])


def by_hand(features, image, after, count):
    """Share of the nearest images that pruning takes away."""
    before = nearest(features, image, features[image], count)
    return 1 - len(before & nearest(features, image, after, count)) / count


def test_a_share_is_that_of_sorting_by_hand():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 6)).astype("f4")
    after = (features[[3, 17]] + rng.normal(size=(5, 2, 6))).astype("f4")
    found = Neighbours(features).lost(
        [3, 17], torch.from_numpy(features[[3, 17]]), torch.from_numpy(after)
    )
    for variant in range(5):
        for row, image in enumerate((3, 17)):
            expected = by_hand(features, image, after[variant, row], 10)
            assert float(found[variant, row]) == pytest.approx(expected)
    assert 0 < float(found.mean()) < 1


def test_a_longer_feature_loses_none_and_the_opposite_one_all():
    features = np.random.default_rng(1).normal(size=(30, 4)).astype("f4")
    one = torch.from_numpy(features[[5]])
    found = Neighbours(features).lost([5], one, torch.stack([one, 7 * one, -one]))
    assert found[:, 0].tolist() == [0, 0, 1]


def test_so_few_images_have_half_of_the_others_as_neighbours_or_none():
    features = np.random.default_rng(1).normal(size=(5, 4)).astype("f4")
    one = torch.from_numpy(features[[0]])
    other = torch.from_numpy(features[[3]])
    found = float(Neighbours(features).lost([0], one, other[None])[0, 0])
    assert found == pytest.approx(by_hand(features, 0, features[3], 2))
    assert Neighbours(features[:2]).lost([0], one, one[None]).isnan().all()


@pytest.mark.parametrize(
    ("family", "changed"), [("vit", {}), ("siglip", {}), ("dinov2 with registers", {}),
                            ("vit", {"global_pool": ""})]
)  # fmt: skip
def test_every_head_loses_what_whole_passes_lose(family, changed):
    model = families.make(family, num_classes=0, **changed)
    images = families.pictures(model, 9)
    traced = trace(model, images)

    def feature(output):
        pooled = output if output.ndim == 2 else output[:, model.geometry.num_prefix_tokens :]
        return pooled if output.ndim == 2 else pooled.mean(1)

    features = feature(oracles.naive_pass(model, images, 0, 0, 0)[0])
    found = neighbours_lost(model, traced, range(9), Neighbours(features), (1, 4))
    assert found.shape == (2, 9, 3, 3)
    for layer, head, place, mode in ((0, 2, 0, 1), (2, 1, 0, 1), (1, 0, 1, 4)):
        after = feature(oracles.naive_pass(model, images, layer, head, mode)[0])
        expected = [by_hand(features, image, after[image], 4) for image in range(9)]
        np.testing.assert_allclose(found[place, :, layer, head], expected, atol=1e-6)


def test_a_store_of_a_headless_model_has_them_and_they_do_not_depend_on_labels(tmp_path):
    model = save_tiny_model(tmp_path / "model", num_classes=0)
    folder = save_images(tmp_path / "images")
    quick = {"attention": "none", "no_autoencoder": True, "batch_size": 5, "quiet": True}
    store = headbrush.analyze(model, folder, tmp_path / "s", **quick)
    assert store.read("metric").tolist() == [*METRICS, NEIGHBOURS]
    lost = store.read("importance")[-1]
    stored = load_stored(store)
    traced = trace(stored.model, stored.batch(range(12)))
    features = traced.output.numpy()
    np.testing.assert_allclose(
        lost, neighbours_lost(stored.model, traced, range(12), Neighbours(features))[0], atol=1e-6
    )
    assert "neighbours" not in store.attrs["missing"]
    fast = headbrush.analyze(model, folder, tmp_path / "t", importance="gradient", **quick)
    assert np.isnan(fast.read("importance")[-1]).all()
    assert "neighbours: heads were not pruned" in fast.attrs["missing"]
