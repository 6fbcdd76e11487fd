"""A whole analysis of a model whose outputs are in text order."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image

import headbrush
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.facts.store_info import facts_of

FOLDERS = [str(number) for number in range(12)]
SIZE = {"img_size": 16, "patch_size": 4, "embed_dim": 24, "depth": 2, "num_heads": 2}


def transform(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 127.5 - 1


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A model that tells twelve pictures apart, its outputs in text order; and the pictures."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (12, 16, 16, 3), np.uint8)
    for name, pixels in zip(FOLDERS, pictures, strict=True):
        (folder / name).mkdir()
        Image.fromarray(pixels).save(folder / name / "a.png")
    model = timm.create_model("vit_tiny_patch16_224", num_classes=12, **SIZE).eval()
    batch = torch.stack([transform(Image.fromarray(pixels)) for pixels in pictures])
    with torch.inference_mode():
        features = model.forward_head(model.forward_features(batch), pre_logits=True)
    places = torch.tensor([sorted(FOLDERS).index(name) for name in FOLDERS])
    wanted = 10 * torch.nn.functional.one_hot(places, 12).float()
    with torch.no_grad():
        model.head.weight.copy_((torch.linalg.pinv(features.clone()) @ wanted).T)
        model.head.bias.zero_()
    return model, folder


@pytest.mark.parametrize(("order", "right"), [("number", 2), ("text", 12)])
def test_the_order_is_stored_and_doubted_where_it_is_wrong(taught, tmp_path, order, right):
    model, folder = taught
    options = {"transform": transform, "quiet": True, "class_order": order}
    store = headbrush.analyze(model, folder, tmp_path / "s", **options)
    found = store.read("probability").argmax(1) == store.read("label")
    assert found.sum() == right
    assert ("--class-order text" in store.attrs.get("warning", "")) == (order == "number")
    told = dict(facts_of(store, 1))["class mapping"]
    assert ("10 → 10 10" in told) == (order == "number")
    assert ("10 → 2 10" in told) == (order == "text")


def test_class_names_that_do_not_match_the_outputs_are_refused(taught, tmp_path):
    model, folder = taught
    with pytest.raises(InputError, match="3 names, and the model has"):
        headbrush.analyze(model, folder, tmp_path / "s", quiet=True, class_names=["a", "b", "c"])
    dataset = Named([(np.zeros((16, 16, 3), np.uint8), 1)])
    with pytest.raises(InputError, match="3 class names, and the model has 12 outputs"):
        headbrush.analyze(model, dataset, tmp_path / "s", quiet=True)
    assert not (tmp_path / "s").exists()


class Named(list):
    """A dataset with names of classes."""

    classes = ("a", "b", "c")
