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

from headbrush.analysis.measures.memory_budget import pieces

SHARE = 0.01
LATENT = 32
MAX_TRAINING_PATTERNS = 4096
TRAINING_STEPS = 400
_TILES = 28
_PRECISION = "average_precision"
_BATCH = 64
_RATE = 3e-3
_ENCODED = 256
_ENCODING_FLOATS, _TRAINING_FLOATS = 4, 10
"""Values for each entry of a pattern that are held at once."""
_JUDGED, _JUDGED_ENTRIES = 256, 2_000_000
"""Patterns that are reconstructed to judge the autoencoder, and entries of them in all."""


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

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def encode(self, patterns: Tensor) -> Tensor:
        """``(N, P, P)`` float32 of 0 and 1 to ``(N, LATENT)``."""
        padded = F.pad(patterns[:, None], (0, self.padding, 0, self.padding))
        return self.encoder(padded)

    def forward(self, patterns: Tensor) -> Tensor:
        """Logits of the reconstruction, ``(N, P, P)``."""
        restored = self.decoder(self.encode(patterns))[:, 0]
        return restored[:, : self.num_patches, : self.num_patches]


def train_autoencoder(
    packed: np.ndarray,
    num_patches: int,
    *,
    seed: int,
    device: torch.device,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> PatternAutoencoder:
    """Train on ``(n, bytes)`` packed patterns; the same seed gives the same weights.

    The loss is cross-entropy in which a 1 counts as much as ten zeros.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PatternAutoencoder(num_patches).to(device)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=TRAINING_STEPS)
    for step in range(TRAINING_STEPS):
        chosen = rng.integers(0, len(packed), min(_BATCH, len(packed)))
        optimizer.zero_grad()
        _add_gradient(model, packed[chosen])
        optimizer.step()
        schedule.step()
        on_progress((step + 1) / TRAINING_STEPS)
    model.eval().requires_grad_(False)
    model.average_precision = _average_precision(model, packed[:: -(-len(packed) // _JUDGED)])
    return model


def _add_gradient(model: PatternAutoencoder, packed: np.ndarray) -> None:
    """The gradient of the mean loss of some patterns, a few at a time."""
    weight = torch.tensor(10.0, device=model.device)
    for part in pieces(len(packed), _TRAINING_FLOATS * 4 * model.num_patches**2):
        patterns = _unpacked(model, packed[part])
        loss = F.binary_cross_entropy_with_logits(model(patterns), patterns, pos_weight=weight)
        (loss * (len(patterns) / len(packed))).backward()


def _unpacked(model: PatternAutoencoder, packed: np.ndarray) -> Tensor:
    """``(n, P, P)`` float32 of 0 and 1."""
    bits = unpack(packed, model.num_patches)
    return torch.from_numpy(bits).to(model.device, torch.float32)


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
def encode(model: PatternAutoencoder, packed: np.ndarray) -> np.ndarray:
    """The latent of every packed pattern ``(n, bytes)``: ``(n, LATENT)`` float32."""
    each = _ENCODING_FLOATS * 4 * model.num_patches**2
    return np.concatenate(
        [
            model.encode(_unpacked(model, packed[part])).cpu().numpy()
            for part in pieces(len(packed), each, _ENCODED)
        ]
    )


@torch.inference_mode()
def _average_precision(model: PatternAutoencoder, packed: np.ndarray) -> float:
    """Over all entries of the patterns, or a random sample of them if they are too many."""
    entries = max(1, _JUDGED_ENTRIES // len(packed))
    chosen = np.random.default_rng(0).permutation(model.num_patches**2)[:entries]
    truth, score = [], []
    for part in pieces(len(packed), _TRAINING_FLOATS * 4 * model.num_patches**2):
        patterns = _unpacked(model, packed[part])
        truth.append(patterns.flatten(1).cpu().numpy()[:, chosen])
        score.append(model(patterns).flatten(1).cpu().numpy()[:, chosen])
    return float(
        average_precision_score(np.concatenate(truth).ravel(), np.concatenate(score).ravel())
    )
