"""Write the bundled images: the first 100 test images of each class, as PNG files.

    python datasets/fashion_mnist/prepare.py --data FOLDER --out datasets/fashion_mnist/images

A file is named after its index in the test set, so ``shirt/00007.png`` is test image 7.
"""

import argparse
from pathlib import Path

from idx import CLASS_NAMES, DEBIAN_FOLDER, read_split
from PIL import Image

PER_CLASS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEBIAN_FOLDER, help="folder of IDX files")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    args = parser.parse_args()
    images, labels = read_split(args.data, "t10k")
    for label, name in enumerate(CLASS_NAMES):
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in (labels == label).nonzero()[0][:PER_CLASS]:
            Image.fromarray(images[index]).save(folder / f"{index:05}.png", optimize=True)


if __name__ == "__main__":
    main()
