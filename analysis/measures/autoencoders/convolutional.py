"""The convolutional autoencoder of patch patterns, as in the paper (Sec. 5.4.1)."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from headbrush.analysis.measures.memory_budget import pieces
from headbrush.analysis.measures.patterns import unpack

LATENT = 32
TRAINING_STEPS = 400
_TILES = 28
_BATCH = 64
_RATE = 3e-3
_ENCODED = 256
_ENCODING_FLOATS, _TRAINING_FLOATS = 4, 10
"""Values for each entry of a pattern that are held at once."""


class ConvolutionalAutoencoder(nn.Module):
    """Two convolutions and one linear layer down to the latent, and the same back.

    The first convolution cuts the P×P matrix into at most 28 tiles a side and sees every value of
    a tile, so an attention shifted by one patch stays another pattern, and the cost of all later
    layers does not grow with P.
    """

    def __init__(self, num_patches: int) -> None:
        super().__init__()
        self.num_patches = num_patches
        tile = -(-num_patches // _TILES)
        tiles = -(-num_patches // tile)
        tiles += tiles % 2
        self.padding = tiles * tile - num_patches
        half = tiles // 2
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

    def latent(self, patterns: Tensor) -> Tensor:
        """``(N, P, P)`` float32 of 0 and 1 to ``(N, LATENT)``."""
        padded = F.pad(patterns[:, None], (0, self.padding, 0, self.padding))
        return self.encoder(padded)

    def forward(self, patterns: Tensor) -> Tensor:
        """Logits of the reconstruction, ``(N, P, P)``."""
        restored = self.decoder(self.latent(patterns))[:, 0]
        return restored[:, : self.num_patches, : self.num_patches]

    @torch.inference_mode()
    def encode(self, packed: np.ndarray) -> np.ndarray:
        """The latent of every packed pattern ``(n, bytes)``: ``(n, LATENT)`` float32."""
        each = _ENCODING_FLOATS * 4 * self.num_patches**2
        return np.concatenate(
            [
                self.latent(self._unpacked(packed[part])).cpu().numpy()
                for part in pieces(len(packed), each, _ENCODED)
            ]
        )

    @torch.inference_mode()
    def restore(self, packed: np.ndarray, entries: np.ndarray) -> np.ndarray:
        """Logits of the reconstruction of each pattern at some entries: ``(n, E)`` float32."""
        each = _TRAINING_FLOATS * 4 * self.num_patches**2
        return np.concatenate(
            [
                self(self._unpacked(packed[part])).flatten(1).cpu().numpy()[:, entries]
                for part in pieces(len(packed), each)
            ]
        )

    def add_gradient(self, packed: np.ndarray) -> None:
        """Add the gradient of the mean loss of some patterns, a few at a time.

        The loss is cross-entropy in which a 1 counts as much as ten zeros.
        """
        weight = torch.tensor(10.0, device=self.device)
        for part in pieces(len(packed), _TRAINING_FLOATS * 4 * self.num_patches**2):
            patterns = self._unpacked(packed[part])
            loss = F.binary_cross_entropy_with_logits(self(patterns), patterns, pos_weight=weight)
            (loss * (len(patterns) / len(packed))).backward()

    def weights(self) -> dict[str, np.ndarray]:
        """Arrays from which :func:`convolutional_of` rebuilds it."""
        return {key: value.cpu().numpy() for key, value in self.state_dict().items()}

    def _unpacked(self, packed: np.ndarray) -> Tensor:
        """``(n, P, P)`` float32 of 0 and 1."""
        bits = unpack(packed, self.num_patches)
        return torch.from_numpy(bits).to(self.device, torch.float32)


def fit_convolutional(
    packed: np.ndarray,
    num_patches: int,
    seed: int,
    device: torch.device,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> ConvolutionalAutoencoder:
    """Train on ``(n, bytes)`` packed patterns; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ConvolutionalAutoencoder(num_patches).to(device)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=TRAINING_STEPS)
    for step in range(TRAINING_STEPS):
        chosen = rng.integers(0, len(packed), min(_BATCH, len(packed)))
        optimizer.zero_grad()
        model.add_gradient(packed[chosen])
        optimizer.step()
        schedule.step()
        on_progress((step + 1) / TRAINING_STEPS)
    return model.eval().requires_grad_(False)


def convolutional_of(
    weights: dict[str, np.ndarray], num_patches: int, device: torch.device
) -> ConvolutionalAutoencoder:
    """The inverse of :meth:`ConvolutionalAutoencoder.weights`."""
    model = ConvolutionalAutoencoder(num_patches)
    model.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
    return model.to(device).eval().requires_grad_(False)
