"""Attention patterns of a head: CLS pattern, binarised patch pattern, and its latent.

Sec. 5.4.1: A of shape T×T is cut into what concerns the class token and what passes between
patches. The latter is binarised, its top 1 % set to 1, and summarised by an autoencoder.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score
from torch import Tensor, nn

SHARE = 0.01
LATENT = 32
MAX_TRAINING_PATTERNS = 4096
_TILES = 28
_PRECISION = "average_precision"
_STEPS = 400
_BATCH = 64
_RATE = 3e-3


def cls_pattern(attention: Tensor, num_prefix_tokens: int) -> Tensor:
    """Attention of and to the class token, ``(..., 2P + 1)``.

    concat(A[0, class and patches], A[patches, 0]) of ``(..., T, T)``.
    """
    to_itself = attention[..., 0, :1]
    to_patches = attention[..., 0, num_prefix_tokens:]
    from_patches = attention[..., num_prefix_tokens:, 0]
    return torch.cat([to_itself, to_patches, from_patches], -1)


def binarise(attention: Tensor, num_prefix_tokens: int, share: float = SHARE) -> np.ndarray:
    """The strongest patch-to-patch attention, ``(..., P, P)`` bool.

    Exactly ceil(share · P²) values are True.
    """
    patches = attention[..., num_prefix_tokens:, num_prefix_tokens:]
    flat = patches.flatten(-2)  # (..., P, P) -> (..., P²)
    count = math.ceil(share * flat.shape[-1])
    strongest = flat.topk(count, dim=-1).indices
    chosen = torch.zeros_like(flat, dtype=torch.bool).scatter_(-1, strongest, True)
    return chosen.view(patches.shape).cpu().numpy()


def pack(patterns: np.ndarray) -> np.ndarray:
    """``(..., P, P)`` bool as bits, ``(..., ceil(P² / 8))`` uint8."""
    return np.packbits(patterns.reshape(*patterns.shape[:-2], -1), axis=-1)


def unpack(packed: np.ndarray, num_patches: int) -> np.ndarray:
    """The inverse of :func:`pack`."""
    bits = np.unpackbits(packed, axis=-1, count=num_patches**2)
    return bits.reshape(*packed.shape[:-1], num_patches, num_patches).astype(bool)


class PatternAutoencoder(nn.Module):
    """Two convolutions and one linear layer down to the latent, and the same back.

    The first convolution cuts the P×P matrix into at most 28 tiles a side and sees every value of
    a tile, so an attention shifted by one patch stays another pattern, and the cost of all later
    layers does not grow with P.

    Attributes
    ----------
    average_precision
        How well the reconstruction ranks the entries that are 1, on a part of the training sample,
        in [0, 1].
    """

    def __init__(self, num_patches: int) -> None:
        super().__init__()
        self.num_patches = num_patches
        tile = -(-num_patches // _TILES)
        tiles = -(-num_patches // tile)
        tiles += tiles % 2
        self.padding = tiles * tile - num_patches
        half = tiles // 2
        self.average_precision = float("nan")
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, tile, stride=tile), nn.ReLU(),
            nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * half**2, LATENT),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 32 * half**2), nn.ReLU(),
            nn.Unflatten(1, (32, half, half)),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
            # a transposed convolution whose stride is its kernel, as one product and a shuffle
            nn.Conv2d(16, tile**2, 1), nn.PixelShuffle(tile),
        )  # fmt: skip

    def encode(self, patterns: Tensor) -> Tensor:
        """``(N, P, P)`` float32 of 0 and 1 to ``(N, LATENT)``."""
        padded = F.pad(patterns[:, None], (0, self.padding, 0, self.padding))
        return self.encoder(padded)

    def forward(self, patterns: Tensor) -> Tensor:
        """Logits of the reconstruction, ``(N, P, P)``."""
        restored = self.decoder(self.encode(patterns))[:, 0]
        return restored[:, : self.num_patches, : self.num_patches]


def train_autoencoder(
    sample: np.ndarray,
    *,
    seed: int,
    device: torch.device,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> PatternAutoencoder:
    """Train on ``(n, P, P)`` bool patterns; the same seed gives the same weights.

    The loss is cross-entropy in which a 1 counts as much as ten zeros.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PatternAutoencoder(sample.shape[-1]).to(device)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_STEPS)
    weight = torch.tensor(10.0, device=device)
    for step in range(_STEPS):
        chosen = rng.integers(0, len(sample), min(_BATCH, len(sample)))
        batch = torch.from_numpy(sample[chosen]).to(device, torch.float32)
        loss = F.binary_cross_entropy_with_logits(model(batch), batch, pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        on_progress((step + 1) / _STEPS)
    model.eval().requires_grad_(False)
    model.average_precision = _average_precision(model, sample[:: -(-len(sample) // 256)], device)
    return model


def weights_of(model: PatternAutoencoder) -> dict[str, np.ndarray]:
    """Weights from which :func:`autoencoder_of` rebuilds the same autoencoder."""
    weights = {key: value.cpu().numpy() for key, value in model.state_dict().items()}
    return weights | {_PRECISION: np.array(model.average_precision)}


def autoencoder_of(
    weights: dict[str, np.ndarray], num_patches: int, device: torch.device
) -> PatternAutoencoder:
    """The inverse of :func:`weights_of`."""
    model = PatternAutoencoder(num_patches)
    model.average_precision = float(weights[_PRECISION])
    tensors = {key: torch.from_numpy(value) for key, value in weights.items() if key != _PRECISION}
    model.load_state_dict(tensors)
    return model.to(device).eval().requires_grad_(False)


@torch.inference_mode()
def encode(model: PatternAutoencoder, patterns: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """The latent of every pattern ``(n, P, P)``: ``(n, LATENT)`` float32."""
    device = next(model.parameters()).device
    latents = []
    for start in range(0, len(patterns), batch_size):
        batch = torch.from_numpy(patterns[start : start + batch_size])
        latents.append(model.encode(batch.to(device, torch.float32)).cpu().numpy())
    return np.concatenate(latents)


@torch.inference_mode()
def _average_precision(
    model: PatternAutoencoder, patterns: np.ndarray, device: torch.device
) -> float:
    restored = model(torch.from_numpy(patterns).to(device, torch.float32)).cpu().numpy()
    return float(average_precision_score(patterns.ravel(), restored.ravel()))
