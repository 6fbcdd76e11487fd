"""A tiny vision transformer and tiny images on disk, for tests of whole runs."""

from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from timm.models import save_for_hf

CLASSES = ("circle", "square", "star")


def save_tiny_model(folder: Path, seed: int = 0, **changed: object) -> Path:
    """Random weights in timm's folder format: 16×16 grey, patch 4, 2 layers of 2 heads."""
    torch.manual_seed(seed)
    sizes = {"img_size": 16, "patch_size": 4, "in_chans": 1, "num_classes": 3, "depth": 2}
    arguments = sizes | {"embed_dim": 16, "num_heads": 2, "mlp_ratio": 2} | changed
    model = timm.create_model("vit_tiny_patch16_224", **arguments)
    data = {"input_size": (1, 16, 16), "mean": (0.5,), "std": (0.5,), "crop_pct": 1.0}
    model.pretrained_cfg = {**model.pretrained_cfg, **data}
    save_for_hf(
        model,
        str(folder),
        model_args=arguments,
        safe_serialization=True,
        model_config={"label_names": list(CLASSES)},
    )
    return folder


def save_images(folder: Path, per_class: int = 4) -> Path:
    """Random 16×16 grey images in one folder a class."""
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for index in range(per_class):
            pixels = rng.integers(0, 256, (16, 16)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder
