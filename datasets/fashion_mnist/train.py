"""Train the vision transformer that headbrush ships, on the 60 000 training images.

    python datasets/fashion_mnist/train.py --data FOLDER --out datasets/fashion_mnist/model

A timm ``VisionTransformer`` on 28×28 grey images at patch 2: a 14×14 patch grid, 197 tokens,
12 layers of 6 heads, 96 wide. Some heads of the first ten layers begin as shifts of the image
(``structured_start.py``); every weight is trained. Most epochs drop a random part of the patches
(Liu et al., "PatchDropout", arXiv:2208.07220); the last ones see all of them. An exponential
average of the weights is what is kept. Every epoch ends with a checkpoint, from which the same
command continues.
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
from structured_start import POSITION_CHANNELS, begin, draw_starts, position_table
from timm.models import save_for_hf
from timm.optim import param_groups_weight_decay
from timm.utils import ModelEmaV3

MEAN, STD = 0.2860, 0.3530
MODEL_ARGS = {
    "img_size": 28, "patch_size": 2, "in_chans": 1, "num_classes": 10,
    "embed_dim": 96, "depth": 12, "num_heads": 6, "mlp_ratio": 2,
}  # fmt: skip
console = Console()


def build(args: argparse.Namespace, images: torch.Tensor) -> torch.nn.Module:
    """The untrained model; some heads of each layer begin as shifts of the image.

    ``images`` are a few to measure what the first layer norm divides by.
    """
    model = timm.create_model(
        "vit_tiny_patch16_224",
        **MODEL_ARGS,
        patch_drop_rate=args.patch_drop,
        drop_path_rate=args.drop_path,
    )
    grid = model.patch_embed.grid_size
    with torch.no_grad():
        model.pos_embed[:, 1:] = position_table(grid, model.embed_dim)
        model.patch_embed.proj.weight[:POSITION_CHANNELS] *= 0.1
        model.patch_embed.proj.bias.zero_()
        tokens = model.patch_embed(normalise(images)) + model.pos_embed[:, 1:]
    gain = tokens.std(-1).mean().item()
    rng = np.random.default_rng(args.seed)
    for block, structured in zip(model.blocks, args.structured, strict=True):
        starts = draw_starts(MODEL_ARGS["num_heads"], structured, rng)
        begin(block.attn, starts, grid[0], gain, args.logit)
    return model


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8 ``(B, 28, 28)`` -> float32 ``(B, 1, 28, 28)``, zero mean and unit deviation."""
    return ((images.float() / 255 - MEAN) / STD).unsqueeze(1)


def augment(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Mirror half of the images and shift each by up to two pixels, on uint8 ``(B, 28, 28)``."""
    count = len(images)
    device = images.device
    mirrored = (torch.rand(count, generator=rng) < 0.5).to(device)
    images = torch.where(mirrored[:, None, None], images.flip(-1), images)
    padded = F.pad(images, (2, 2, 2, 2))
    shift = torch.randint(0, 5, (2, count, 1), generator=rng)
    rows, columns = (shift + torch.arange(28)).to(device)  # (B, 28) each
    every = torch.arange(count, device=device)
    return padded[every[:, None, None], rows[:, :, None], columns[:, None, :]]


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
        inputs = normalise(augment(images[batch], rng))
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=inputs.is_cuda):
            logits = model(inputs)
        loss = F.cross_entropy(logits.float(), labels[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model)
        total += loss.detach() * len(batch)
    return float(total) / len(order)


@torch.inference_mode()
def accuracy(model, images, labels) -> float:
    """Share of ``images`` whose most probable class is the label."""
    model.eval()
    hits = 0
    for start in range(0, len(images), 500):
        logits = model(normalise(images[start : start + 500]))
        hits += (logits.argmax(1) == labels[start : start + 500]).sum().item()
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
    parser.add_argument("--epochs", type=int, default=38)
    parser.add_argument("--full-epochs", type=int, default=3, help="last epochs with all patches")
    parser.add_argument("--patch-drop", type=float, default=0.15)
    parser.add_argument("--drop-path", type=float, default=0.05)
    parser.add_argument("--logit", type=float, default=6.0)
    parser.add_argument(
        "--structured",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[4] * 6 + [2] * 4 + [0] * 2,
        help="heads of each layer that begin as shifts",
    )
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--limit", type=int, default=None, help="images an epoch, for a trial run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    args = parse()
    train_images, train_labels, test_images, test_labels = (
        torch.tensor(values, device=args.device)
        for split in ("train", "t10k")
        for values in read_split(args.data, split)
    )
    train_labels, test_labels = train_labels.long(), test_labels.long()
    torch.manual_seed(args.seed)
    model = build(args, train_images[:256].cpu()).to(args.device)
    average = ModelEmaV3(model, decay=0.998, use_warmup=True, foreach=True)
    optimizer = torch.optim.AdamW(
        param_groups_weight_decay(model, args.weight_decay), lr=args.lr, betas=(0.9, 0.98)
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
        score = accuracy(average.module, test_images[:seen], test_labels[:seen])
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
