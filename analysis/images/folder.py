"""The image files of a folder."""

from pathlib import Path

import numpy as np

from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.image_set import ImageSet

EXTENSIONS = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
)


def list_images(folder: Path) -> ImageSet:
    """List the images of a folder, not labelled yet.

    Files without an image extension and class folders without images are listed as skipped.

    Raises
    ------
    ImageError
        If the folder is missing or holds no image.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder of images.")
    files, skipped = _image_files(folder)
    if not files:
        raise ImageError(
            f"{folder}: no images in it; expected {folder}/<class>/<file> or {folder}/<file> "
            f"ending in {', '.join(sorted(EXTENSIONS))}."
        )
    names = tuple(file.as_posix() for file in files)
    return ImageSet(folder, names, np.full(len(names), -1, np.int32), (), tuple(skipped))


def _image_files(folder: Path) -> tuple[list[Path], list[tuple[str, str]]]:
    """The images under ``folder``, sorted; and what else is there, with the reason to skip it."""
    files, folders, skipped = [], [], []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        if path.is_dir():
            folders += [relative] if len(relative.parts) == 1 else []
        elif path.suffix.lower() in EXTENSIONS and path.is_file():
            files.append(relative)
        elif path.suffix.lower() in EXTENSIONS:
            skipped.append((relative.as_posix(), "broken link"))
        else:
            skipped.append((relative.as_posix(), "not an image file"))
    used = {file.parts[0] for file in files}
    empty = [(f"{name}/", "folder without images") for name in folders if name.name not in used]
    return files, skipped + empty
