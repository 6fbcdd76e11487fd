"""What ships: the images, the model, and that the one recognises the other."""

import importlib
import json
from argparse import Namespace
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from headbrush.analysis.images.decoding import load_image
from headbrush.analysis.images.labelling import find_images
from headbrush.analysis.images.labels.class_list import ClassList
from headbrush.analysis.measures.names.naming import LABELS, name_patterns
from headbrush.analysis.measures.offset_kernel import between_patches
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.model.wrapping import wrap_model

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


def test_structured_heads_begin_as_their_templates(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    start_of, train = map(importlib.import_module, ("structured_start", "train"))
    labels = (
        "self", "left", "right", "up", "down", "3×3", "own row", "own column", "2 rows above",
        "2 rows below", "mirror in the row",
    )  # fmt: skip
    args = Namespace(patch_drop=0.0, drop_path=0.0, seed=3, structured=[6, 6] + [0] * 10, logit=6.0)
    files = sorted(FOLDER.rglob("images/*/*.png"))[::50]
    images = torch.from_numpy(np.stack([np.asarray(Image.open(file)) for file in files]))
    torch.manual_seed(0)
    model = wrap_model(train.build(args, images))
    traced = trace(model, train.normalise(images))
    rng = np.random.default_rng(args.seed)
    for layer in range(2):
        starts = start_of.draw_starts(6, 6, rng)
        for head, start in enumerate(starts):
            attention = traced.layers[layer].attention(slice(head, head + 1))[:, 0]
            named = name_patterns(between_patches(attention, 1), (14, 14))
            wanted = labels[start_of.STARTS.index(start)]
            names = Counter(LABELS[number] for number in named.number.tolist())
            assert names.most_common(1)[0][0] == wanted
            assert named.excess.mean() > 0.6
