"""Arrays as pictures."""

import numpy as np

_CHANNELS = (1, 3, 4)
_FLAT, _COLORED = 2, 3


def channels_last(values: np.ndarray) -> np.ndarray:
    """A tensor's values ``(C, H, W)`` as ``(H, W, C)``; other shapes, as they are."""
    if values.ndim == _COLORED and values.shape[0] in _CHANNELS:
        return values.transpose(1, 2, 0)
    return values


def pixels_of(values: np.ndarray) -> np.ndarray:
    """``(H, W)`` or ``(H, W, 3 or 4)``, of a type that Pillow takes.

    Raises
    ------
    ValueError
        If the shape or the values are not those of a picture.
    """
    given = values.shape
    if values.ndim == _COLORED and values.shape[2] not in _CHANNELS:
        values = values.transpose(1, 2, 0)  # (C, H, W) -> (H, W, C)
    if values.ndim == _COLORED and values.shape[2] == 1:
        values = values[..., 0]
    is_picture = values.ndim == _FLAT or (values.ndim == _COLORED and values.shape[2] in _CHANNELS)
    if not is_picture or not values.size:
        raise ValueError(f"an array {given}; expected (H, W), (H, W, C) or (C, H, W)")
    if values.dtype == np.uint8 or (values.dtype == np.uint16 and values.ndim == _FLAT):
        return np.ascontiguousarray(values)
    if values.dtype.kind not in "fbiu":
        raise ValueError(f"an array {values.dtype}; expected uint8, or numbers 0 to 1")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "fb" and low >= 0 and high <= 1:
        return (values * 255.0).round().astype(np.uint8)
    if values.dtype.kind in "iu" and low >= 0 and high <= np.iinfo(np.uint8).max:
        return values.astype(np.uint8)
    raise ValueError(
        f"an array {values.dtype} of {low:g} to {high:g}; expected integers "
        "0 to 255, or floating-point numbers 0 to 1; a float tensor is the model's input"
    )
