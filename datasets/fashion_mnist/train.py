"""Train the vision transformer that headbrush ships, on the 60 000 training images.

    python datasets/fashion_mnist/train.py --data FOLDER --out datasets/fashion_mnist/model

A timm ``VisionTransformer`` on 28×28 grey images at patch 2: a 14×14 patch grid, 197 tokens,
12 layers of 6 heads, 96 wide. Most epochs drop a random half of the patches (Liu et al.,
"PatchDropout", arXiv:2208.07220), which more than halves their cost; the last ones see all of
them. An exponential average of the weights is what is kept. Every epoch ends with a
checkpoint, from which the same command continues.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import timm
import torch
import torch.nn.functional as F
from idx import CLASS_NAMES, DEBIAN_FOLDER, read_split
from rich.console import Console
from rich.progress import track
from timm.layers import build_sincos2d_pos_embed
from timm.models import save_for_hf
from timm.optim import Muon
from timm.utils import ModelEmaV3

MEAN, STD = 0.2860, 0.3530
MODEL_ARGS = {
    "img_size": 28, "patch_size": 2, "in_chans": 1, "num_classes": 10,
    "embed_dim": 96, "depth": 12, "num_heads": 6, "mlp_ratio": 2,
}  # fmt: skip
console = Console()


def build(patch_drop: float) -> torch.nn.Module:
    """The untrained model; position embeddings start as a 2-D sine-cosine table."""
    model = timm.create_model("vit_tiny_patch16_224", **MODEL_ARGS, patch_drop_rate=patch_drop)
    table = build_sincos2d_pos_embed(list(model.patch_embed.grid_size), model.embed_dim)
    with torch.no_grad():
        model.pos_embed[:, model.num_prefix_tokens :] = 0.5 * table
    return model


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8 ``(B, 28, 28)`` -> float32 ``(B, 1, 28, 28)``, zero mean and unit deviation."""
    return ((images.float() / 255 - MEAN) / STD).unsqueeze(1)


def augment(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Mirror half of the images and shift each by up to two pixels, on uint8 ``(B, 28, 28)``."""
    count = len(images)
    mirrored = torch.rand(count, generator=rng) < 0.5
    images = torch.where(mirrored[:, None, None], images.flip(-1), images)
    padded = F.pad(images, (2, 2, 2, 2))
    shift = torch.randint(0, 5, (2, count, 1), generator=rng)
    rows, columns = shift + torch.arange(28)  # (B, 28) each
    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def learning_rate(progress: float, peak: float) -> float:
    """One warm-up over the first 5 % of training, then a cosine to 1 % of the peak."""
    if progress < 0.05:
        return peak * progress / 0.05
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - 0.05) / 0.95)))


def train_epoch(model, average, optimizer, images, labels, epoch, args) -> float:
    """One pass over the training images; returns the mean loss."""
    rng = torch.Generator().manual_seed(args.seed * 1000 + epoch)
    torch.manual_seed(args.seed * 1000 + epoch)  # patch dropout draws from the global generator
    model.train()
    model.patch_drop.prob = args.patch_drop if epoch < args.epochs - args.full_epochs else 0.0
    order = torch.randperm(len(images), generator=rng)[: args.limit]
    batches = order.split(args.batch_size)
    total = 0.0
    for step, batch in enumerate(
        track(batches, f"epoch {epoch + 1}/{args.epochs}", console=console)
    ):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate((epoch + step / len(batches)) / args.epochs, args.lr)
        inputs = normalise(augment(images[batch], rng)).to(args.device)
        loss = F.cross_entropy(model(inputs), labels[batch].long().to(args.device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model)
        total += loss.item() * len(batch)
    return total / len(order)


@torch.inference_mode()
def accuracy(model, images, labels, device) -> float:
    """Share of ``images`` whose most probable class is the label."""
    model.eval()
    hits = 0
    for start in range(0, len(images), 500):
        logits = model(normalise(images[start : start + 500]).to(device))
        hits += (logits.argmax(1).cpu() == labels[start : start + 500]).sum().item()
    return hits / len(images)


def save(model, args, record: dict) -> None:
    """Write timm's model folder (config.json, model.safetensors) and the training record."""
    data = {"input_size": (1, 28, 28), "mean": (MEAN,), "std": (STD,), "crop_pct": 1.0}
    model.pretrained_cfg = {**model.pretrained_cfg, **data}
    save_for_hf(
        model,
        args.out,
        model_args=MODEL_ARGS,
        safe_serialization=True,
        model_config={"label_names": list(CLASS_NAMES)},
    )
    (args.out / "training.json").write_text(json.dumps(record, indent=2) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEBIAN_FOLDER, help="folder of IDX files")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "model")
    parser.add_argument("--checkpoint", type=Path, default=Path("train-checkpoint.pt"))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--full-epochs", type=int, default=1, help="last epochs with all patches")
    parser.add_argument("--patch-drop", type=float, default=0.5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--limit", type=int, default=None, help="images an epoch, for a trial run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    args = parse()
    train_images, train_labels = map(torch.tensor, map(np.array, read_split(args.data, "train")))
    test_images, test_labels = map(torch.tensor, map(np.array, read_split(args.data, "t10k")))
    torch.manual_seed(args.seed)
    model = build(args.patch_drop).to(args.device)
    average = ModelEmaV3(model, decay=0.999, use_warmup=True)
    optimizer = Muon(
        model.named_parameters(), lr=args.lr, weight_decay=args.weight_decay, nesterov=True
    )
    state = {"epoch": 0, "history": []}
    if args.checkpoint.exists():
        state = torch.load(args.checkpoint, weights_only=True, map_location=args.device)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
    for epoch in range(state["epoch"], args.epochs):
        start = time.perf_counter()
        loss = train_epoch(model, average, optimizer, train_images, train_labels, epoch, args)
        seen = len(test_images) if epoch + 1 == args.epochs else 2000
        score = accuracy(average.module, test_images[:seen], test_labels[:seen], args.device)
        seconds = time.perf_counter() - start
        line = {"loss": loss, "test_accuracy": score, "test_images": seen, "seconds": seconds}
        console.print(f"epoch {epoch + 1}: {line}")
        state["history"].append(line)
        state |= {
            "epoch": epoch + 1,
            "model": model.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        torch.save(state, args.checkpoint.with_suffix(".tmp"))
        args.checkpoint.with_suffix(".tmp").replace(args.checkpoint)
        recipe = {k: v for k, v in vars(args).items() if not isinstance(v, Path)}
        save(average.module, args, {"recipe": recipe, "epochs": state["history"]})


if __name__ == "__main__":
    main()
