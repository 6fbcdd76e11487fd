"""What ships: the images, the model, and that the one recognises the other."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.images.labelling import find_images
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.model.loading import load_model

FOLDER = Path(__file__).parent.parent / "datasets" / "fashion_mnist"


def test_the_bundled_model_recognises_the_bundled_images():
    model = load_model(str(FOLDER / "model"), device="cpu")
    images = find_images(FOLDER / "images", ClassList(names=model.class_names))
    assert Counter(images.labels.tolist()) == dict.fromkeys(range(10), 100)
    inputs = [model.transform(load_image(FOLDER / "images" / name)) for name in images.names]
    with torch.inference_mode():
        batches = torch.stack(inputs).split(100)
        predicted = np.concatenate([model.module(batch).argmax(1).numpy() for batch in batches])
    recorded = json.loads((FOLDER / "model" / "training.json").read_text())["epochs"][-1]
    assert recorded["test_images"] == 10_000
    assert recorded["test_accuracy"] >= 0.9
    # a thousand of the ten thousand: within three standard errors
    assert abs((predicted == images.labels).mean() - recorded["test_accuracy"]) < 0.028


def test_the_bundled_files_are_small():
    assert (FOLDER / "model" / "model.safetensors").stat().st_size < 12e6
    assert sum(file.stat().st_size for file in (FOLDER / "images").rglob("*.png")) < 1e6
