"""Models of one to five input channels: a whole analysis, and the report of its store."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

import headbrush
from headbrush.analysis.images.thumbnails import thumbnails
from headbrush.analysis.store.errors import InputError
from tests.analysis.own_modules import tiny

COUNT = 8


@pytest.fixture(params=[1, 2, 4, 5])
def channels(request):
    return request.param


@pytest.fixture
def module(channels):
    return tiny(in_chans=channels, depth=2, num_classes=2)


def pictures(channels):
    """A data set of tensors with labels."""
    random = torch.Generator().manual_seed(1)
    return [(torch.randn(channels, 32, 32, generator=random), i % 2) for i in range(COUNT)]


@pytest.mark.parametrize("channels", [2, 4, 5], indirect=True)
def test_a_store_of_any_number_of_channels_is_shown(channels, module, tmp_path):
    images = pictures(channels)
    options = {"class_names": ("even", "odd"), "attention": 4}
    store = headbrush.analyze(module, images, tmp_path / "s", quiet=True, **options)
    with torch.no_grad():
        expected = module(torch.stack([image for image, _ in images])).softmax(-1)
    np.testing.assert_allclose(store.read("probability"), expected, atol=1e-6)
    assert "even" in headbrush.report(store, heads=["0.0"], images=[0]).html


def test_thumbnails_have_three_colours(channels):
    batch = torch.rand(3, channels, 12, 8).numpy()
    mean, std = (0.1,) * channels, (0.5,) * channels
    shown = thumbnails(batch, mean, std)
    assert shown.shape == (3, 12, 8, 3)
    used = [0, 0, 0] if channels < 3 else [0, 1, 2]
    expected = np.clip(batch[:, used].transpose(0, 2, 3, 1) * 0.5 + 0.1, 0, 1) * 255
    np.testing.assert_allclose(shown, expected, atol=1)


def test_picture_files_of_another_number_of_channels_are_refused(module, channels, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    made = io.BytesIO()
    Image.new("RGB", (32, 32)).save(made, "png")
    for index in range(3):
        (folder / f"{index}.png").write_bytes(made.getvalue())
    if channels == 1:
        assert headbrush.preflight(module, folder, tmp_path / "s")
    else:
        with pytest.raises(InputError, match=f"takes {channels} channels, and the picture has 3"):
            headbrush.preflight(module, folder, tmp_path / "s")
