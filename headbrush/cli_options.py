"""The options of the command line and their help texts; ``analysis.run.options`` reads them."""

from pathlib import Path
from typing import Annotated

import typer

IMAGES, CLASSES, MODEL, MEASURES, RUN = "Images", "Classes", "Model", "Measures", "Run"
"""Groups of the help of ``analyze``."""

Images = Annotated[
    Path,
    typer.Option(help="Folder: DIR/<class>/<file>, or a flat DIR/<file>.", rich_help_panel=IMAGES),
]
Out = Annotated[Path, typer.Option(help="The store to make, NAME.headbrush.", rich_help_panel=RUN)]
Model = Annotated[
    str, typer.Option(help="timm name, or a folder with timm's config.json.", rich_help_panel=MODEL)
]
Checkpoint = Annotated[
    Path | None, typer.Option(help="Weights: .safetensors or .pth.", rich_help_panel=MODEL)
]
Pretrained = Annotated[bool, typer.Option(help="timm's published weights.", rich_help_panel=MODEL)]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of images.", rich_help_panel=IMAGES)
]
PerClass = Annotated[
    int | None,
    typer.Option(min=1, help="Maximum number of images per class.", rich_help_panel=IMAGES),
]
Select = Annotated[
    str | None,
    typer.Option(
        help="best-worst:K: only the K best and K worst predicted classes.", rich_help_panel=IMAGES
    ),
]
Outputs = Annotated[
    str,
    typer.Option(
        help="How outputs become probabilities: softmax, sigmoid (independent labels) or auto.",
        rich_help_panel=MODEL,
    ),
]
Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Fit a classifier to the model's features of the images: for DINO, MAE and the like.",
        rich_help_panel=MODEL,
    ),
]
Texts = Annotated[
    Path | None,
    typer.Option(
        help="Texts as classes, for CLIP and SigLIP: names and embeddings as .npz, .safetensors or "
        ".csv.",
        rich_help_panel=MODEL,
    ),
]
Stage = Annotated[
    int | None,
    typer.Option(
        help="Stage of a Swin Transformer, from 1; by default the one with the most layers.",
        rich_help_panel=MODEL,
    ),
]
ImageSize = Annotated[
    str | None, typer.Option(help="Input size in pixels: 384 or 224x448.", rich_help_panel=MODEL)
]
ExifRotation = Annotated[
    bool,
    typer.Option(
        "--exif-rotation",
        help="Turn images as their EXIF orientation says.",
        rich_help_panel=IMAGES,
    ),
]
MaxMegapixels = Annotated[
    int | None,
    typer.Option(
        min=1, help="Largest image, in millions of pixels, instead of 89.", rich_help_panel=IMAGES
    ),
]
Classes = Annotated[
    Path | None,
    typer.Option(
        help="Which folder is which class: CSV folder,index,name, or JSON.", rich_help_panel=CLASSES
    ),
]
ClassOrder = Annotated[
    str,
    typer.Option(
        help="Output of a folder called by a number: number, from-1, or text: its place in "
        "text order (0, 1, 10, 2), as in torchvision's ImageFolder.",
        rich_help_panel=CLASSES,
    ),
]
Attention = Annotated[
    str,
    typer.Option(
        help="Images whose attention is stored: all, none or N.", rich_help_panel=MEASURES
    ),
]
Importance = Annotated[
    str,
    typer.Option(
        help="pruning, or gradient: a faster approximation that prunes nothing.",
        rich_help_panel=MEASURES,
    ),
]
Modes = Annotated[
    str,
    typer.Option(
        help="whole: prune each head as a whole; all: in all seven modes.", rich_help_panel=MEASURES
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        help="In which heads are pruned: float32, or the quicker bf16 or tf32; their error is "
        "measured and stored.",
        rich_help_panel=MEASURES,
    ),
]
Autoencoder = Annotated[
    str | None,
    typer.Option(
        help="Summary of patch patterns: linear, convolutional: the paper's, slow, or none.",
        rich_help_panel=MEASURES,
    ),
]
NoAutoencoder = Annotated[
    bool,
    typer.Option(
        "--no-autoencoder", help="The same as --autoencoder none.", rich_help_panel=MEASURES
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images per batch.", rich_help_panel=RUN)]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=RUN)]
Seed = Annotated[
    int,
    typer.Option(min=0, help="Seed for sampling, training and layouts.", rich_help_panel=MEASURES),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Check everything, print what would be done, and write nothing.",
        rich_help_panel=RUN,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a Dask scheduler, tcp://HOST:8786.", rich_help_panel=RUN),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--restart", help="Resume a stopped run, or start over.", rich_help_panel=RUN
    ),
]
StudyImages = Annotated[
    int | None,
    typer.Option(help="Images at random; by default 40, or all of a smaller store."),
]
StudySeed = Annotated[int, typer.Option(help="Of the choice of images.")]
DemoOut = Annotated[Path, typer.Option(help="Path of the demo's store.")]
AllImages = Annotated[bool, typer.Option("--all", help="All 1 000 bundled images instead of 300.")]
PasswordFile = Annotated[Path, typer.Argument(help="File for the password's hash.")]
ReportImages = Annotated[
    list[str] | None,
    typer.Option(
        "--image", "--images", help="Id or file name, or all: means over images; repeatable."
    ),
]
ReportHeads = Annotated[
    list[str] | None, typer.Option("--head", "--heads", help="LAYER.HEAD; repeatable.")
]
Beside = Annotated[
    Path | None, typer.Option(help="A second store, beside the first; without heads.")
]
Match = Annotated[
    str,
    typer.Option(
        help="With --beside, which heads are compared: place, correlation, name, or a file of "
        "pairs, FILE.csv, as the page and --out write it."
    ),
]
View = Annotated[
    list[str] | None,
    typer.Option("--view", "--views", help="Name of a view, repeatable; a wrong name lists all."),
]
ReportPrune = Annotated[
    str, typer.Option("--prune", help="Also show what is predicted without these heads: 2.0,3.4.")
]
Data = Annotated[Path | None, typer.Option(help="Also write the values behind the plots, FILE.nc.")]
Fragment = Annotated[
    bool, typer.Option("--fragment", help="Views to embed in your own page, FILE.html or .json.")
]
