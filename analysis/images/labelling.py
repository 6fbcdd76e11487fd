"""Label the images of a folder by its class folders."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from headbrush.analysis.images.class_folders import ClassList, classes_of_folders
from headbrush.analysis.images.folder import list_images
from headbrush.analysis.images.image_set import ImageSet


def find_images(folder: Path, classes: ClassList, class_file: Path | None = None) -> ImageSet:
    """List ``DIR/<class>/<file>``, or a flat folder without labels.

    See ``list_images`` and ``label_images``, which this does one after the other.
    """
    return label_images(list_images(folder), classes, class_file)


def label_images(images: ImageSet, classes: ClassList, class_file: Path | None = None) -> ImageSet:
    """Label the images of a folder by its class folders; the disk is not asked again.

    ``classes`` and ``class_file`` are those of ``classes_of_folders``.

    Raises
    ------
    ClassError
        If a class folder names no class.
    """
    parents = [name.split("/")[0] if "/" in name else None for name in images.names]
    folders = sorted({parent for parent in parents if parent is not None})
    index, class_names = classes_of_folders(images.folder, folders, classes, class_file)
    labels = [-1 if parent is None else index[parent] for parent in parents]
    return replace(images, labels=np.array(labels, np.int32), class_names=class_names)
