"""Files and folders that archives, shares and operating systems leave beside pictures."""

import re

_FOLDERS = frozenset(
    (
        "@eadir", "__macosx", "#recycle", "@recycle", "@recently-snapshot", "#snapshot",
        "~snapshot", "$recycle.bin", "recycler", "system volume information", "lost+found",
        "__pycache__", "network trash folder", "temporary items", "@__thumb", "@tmp", "@sharebin",
        "@synoresource", "cvs", "node_modules", "found.000",
    )
)  # fmt: skip
_FILES = frozenset(("thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "desktop.ini", "icon\r"))
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".filepart")
_CONFLICT = re.compile(r"conflicted copy|case conflict\)|\.sync-conflict-\d", re.IGNORECASE)
_OTHER_FORMATS = frozenset(
    (
        ".heic", ".heif", ".dcm", ".dicom", ".nii", ".nrrd", ".mha", ".svs", ".ndpi", ".czi",
        ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2", ".psd", ".svg", ".eps",
        ".pdf", ".exr", ".hdr", ".jxl", ".jxr", ".npy", ".npz", ".tga", ".ico", ".pcx",
    )
)  # fmt: skip


def is_leftover_folder(name: str) -> bool:
    """Whether a folder is hidden, or one that a system made for itself."""
    return name.startswith(".") or name.casefold() in _FOLDERS


def is_leftover_file(name: str) -> bool:
    """Whether a file is hidden, or one that a system or an editor made for itself."""
    return name.startswith((".", "~$")) or name.casefold() in _FILES


def is_conflict_copy(name: str) -> bool:
    """Whether a file is the second version that a synchronizing program keeps of another."""
    return _CONFLICT.search(name) is not None


def why_no_image(suffix: str) -> str:
    """Why a file is not read, from its ending in lower case, with the dot."""
    if suffix in _OTHER_FORMATS:
        return f"{suffix} is not read; convert it to PNG or JPEG"
    return "a download that is not finished" if suffix in _UNFINISHED else "not an image file"
