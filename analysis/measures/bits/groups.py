"""Groups of images: their classes, and the same classes dealt out at random."""

from dataclasses import dataclass

import numpy as np

from headbrush.analysis.measures.bits.parts import entropy

_SHUFFLES, _SHUFFLED_GROUPS = 20, 200
"""At most so many shuffles, and at most about so many groups of all of them."""


@dataclass(frozen=True)
class Groups:
    """The classes of m images, and shuffles of them.

    Attributes
    ----------
    arrangements
        ``(1 + shuffles, m)`` int64: number of every image's class, first the true one.
    sizes
        ``(classes,)``: images of each class, the same in every shuffle.
    """

    arrangements: np.ndarray
    sizes: np.ndarray

    @property
    def number(self) -> int:
        """Of all groups, those of each shuffle as well."""
        return len(self.arrangements) * len(self.sizes)

    def members(self, images: slice) -> np.ndarray:
        """Which of some images belong to each group: ``(number, images)`` float32 of 0 and 1."""
        chosen = self.arrangements[:, images]  # (arrangements, B)
        every = np.arange(len(self.sizes))
        return (chosen[:, None] == every[:, None]).reshape(self.number, -1).astype(np.float32)

    def class_bits(self, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """What the class decides, less what it would seem to decide if it did not matter.

        Parameters
        ----------
        sums
            ``(number, heads, S, P)``: attention summed over each group.
        whole
            ``(heads,)``: entropy of the mean over all images.

        Returns
        -------
        ``(heads,)`` bits. Few images always differ from the rest; the mean over the shuffles is
        subtracted, so that 0 is expected of classes that do not matter.
        """
        shape = len(self.arrangements), len(self.sizes)
        within = np.empty((*shape, len(whole)))
        for place, group in enumerate(np.ndindex(shape)):
            mean = sums[place] / self.sizes[group[1]]
            within[group] = entropy(mean).mean(-1)
        weights = self.sizes / self.sizes.sum()
        decided = whole - np.einsum("c,ach->ah", weights, within)
        return decided[0] - decided[1:].mean(0)


def groups_of(labels: np.ndarray, seed: int) -> Groups | None:
    """Groups of images by their classes ``(m,)``; -1 is a class of its own.

    None where a class cannot be told from an image: of a single class, or of one image each.
    """
    _, number, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(sizes) < 2 or sizes.max() < 2:
        return None
    rng = np.random.default_rng(seed)
    shuffles = max(1, min(_SHUFFLES, _SHUFFLED_GROUPS // len(sizes)))
    dealt = [rng.permutation(number) for _ in range(shuffles)]
    return Groups(np.stack([number, *dealt]), sizes)
