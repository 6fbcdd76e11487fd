"""The live model reads pictures as the analysis did."""

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import ExifTags, Image
from rich.console import Console

from headbrush.analysis.pipeline import Request, analyze
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.errors import LiveError
from headbrush.server.stores.model.process_main import StoreModel
from tests.models import save_images, save_tiny_model


def analyzed(folder: Path) -> Store:
    request = Request(
        images=folder / "images",
        out=folder / "s.headbrush",
        model=str(folder / "model"),
        exif_rotation=True,
        max_megapixels=100,
    )
    return Store(analyze(request, StageProgress(Console(quiet=True))))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Of a linked class folder, a linked image and pictures of 12 bits."""
    folder = tmp_path_factory.mktemp("pictures")
    save_tiny_model(folder / "model")
    images, away = save_images(folder / "images"), folder / "away"
    first, second = sorted(path for path in images.iterdir() if path.is_dir())[:2]
    first.rename(away)
    first.symlink_to(away)
    picture = next(iter(sorted(second.iterdir())))
    picture.rename(folder / "one.png")
    picture.symlink_to(folder / "one.png")
    ramp = np.linspace(0, 4095, 16 * 16).reshape(16, 16).astype(np.uint16)
    for index, share in enumerate((1, 3)):
        Image.fromarray(ramp // share).save(second / f"deep{index}.png")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray((ramp // 16).astype(np.uint8)).save(second / "turned.png", exif=exif)
    return analyzed(folder)


def test_linked_deep_and_turned_pictures_are_seen_as_the_analysis_saw_them(store):
    assert "they are turned as it says" in store.attrs["notes"]
    model = StoreModel(store)
    for image in range(store.sizes["image"]):
        stored = store.attention(image, 0, 0)
        np.testing.assert_allclose(model.attention(image, 0, 0)["matrix"], stored, atol=0.01)


@pytest.mark.parametrize("name", ["/etc/hostname", "../model/config.json", "a/../../x.png"])
def test_names_that_lead_out_of_the_folder_are_refused(store, name):
    read, count = store.read, store.sizes["image"]
    names = np.array([name] * count, object)
    with patch.object(store, "read", lambda wanted: names if wanted == "name" else read(wanted)):
        model = StoreModel(store)
        with pytest.raises(LiveError, match="outside the image folder"):
            model.attention(0, 0, 0)


def test_rules_that_no_analysis_writes_are_refused(store):
    model = StoreModel(store)
    with (
        patch.dict(store.attrs, {"reading": '{"integers": "x"}'}),
        pytest.raises(LiveError, match="not rules for reading images"),
    ):
        model.attention(0, 0, 0)
