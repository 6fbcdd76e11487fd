"""Put the links of ``headbrush/`` into the source archive; Hatchling packs files only."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LinksHook(BuildHookInterface):
    """Adds the links when the archive is complete."""

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Write the archive once more, with the links."""
        archive = Path(artifact_path)
        folder = f"{archive.name.removesuffix('.tar.gz')}/headbrush"
        links = (path for path in Path(self.root, "headbrush").iterdir() if path.is_symlink())
        with tarfile.open(archive) as files, io.BytesIO() as tar:
            with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as whole:
                for member in files:
                    whole.addfile(member, files.extractfile(member))
                for link in sorted(links):
                    whole.addfile(_link(f"{folder}/{link.name}", link, member.mtime))
            archive.write_bytes(gzip.compress(tar.getvalue(), mtime=int(member.mtime)))


def _link(name: str, link: Path, mtime: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = 0o777
    info.type, info.linkname, info.mtime = tarfile.SYMTYPE, str(link.readlink()), mtime
    return info
