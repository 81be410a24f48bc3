"""Files of a data set, read from a folder and from the archives that lie in it."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from LNN.datasets.errors import DatasetCorruptedError

TAR = (".tar", ".tar.gz", ".tgz", ".tar.xz")
ARCHIVES = (".zip", *TAR)
# What the readers of archives raise when one is cut short or is something else.
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
)


@dataclass(frozen=True)
class File:
    """A file that was read.

    Attributes
    ----------
    name : str
        Without its folder.
    where : str
        What an error calls it: its path, or that of the archive and its path therein.
    content : bytes
    """

    name: str
    where: str
    content: bytes


def gather(folder: Path, patterns: Sequence[str]) -> dict[str, list[File]]:
    """Read the files of a folder whose names match, in the order of their names.

    Folders and archives in the folder are searched as well. What lies there unpacked
    goes before what lies in an archive, and the first archive before the others.

    Parameters
    ----------
    folder : Path
        May be missing: then nothing is found.
    patterns : sequence of str
        File names, with the wild cards of a shell.

    Returns
    -------
    dict of str to list of File
        For each pattern that something matches.

    Raises
    ------
    DatasetCorruptedError
        If an archive cannot be read.
    """
    visible = sorted(path for path in folder.rglob("[!.]*") if path.is_file())
    loose = [path for path in visible if not path.name.endswith(ARCHIVES)]
    found = {
        pattern: [File(p.name, str(p), p.read_bytes()) for p in matches]
        for pattern in patterns
        if (matches := [p for p in loose if fnmatchcase(p.name, pattern)])
    }
    for path in visible:
        missing = [pattern for pattern in patterns if pattern not in found]
        if missing and path.name.endswith(ARCHIVES):
            found |= _gather_archive(path, missing)
    return found


def _gather_archive(path: Path, patterns: Sequence[str]) -> dict[str, list[File]]:
    def wanted(name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    try:
        files = list(_unpacked(str(path), path.read_bytes(), wanted))
    except BROKEN as error:
        raise DatasetCorruptedError(
            f"Cannot read the archive {path}: {error}. It is truncated or was changed: "
            "delete it, and call again to download it."
        ) from error
    files.sort(key=lambda file: file.name)
    matches = {p: [f for f in files if fnmatchcase(f.name, p)] for p in patterns}
    return {pattern: found for pattern, found in matches.items() if found}


def _unpacked(
    where: str, content: bytes, wanted: Callable[[str], bool]
) -> Iterator[File]:
    """Return the wanted members of an archive, and of archives in it."""
    members = _tar_members if where.endswith(TAR) else _zip_members
    for path, read in members(content):
        name, inside = PurePosixPath(path).name, f"{where}: {path}"
        if wanted(name):
            yield File(name, inside, read())
        elif name.endswith(ARCHIVES) and not name.startswith("."):
            yield from _unpacked(inside, read(), wanted)


def _zip_members(content: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield member.filename, lambda member=member: archive.read(member)


def _tar_members(content: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if member.isfile():
                yield member.name, lambda m=member: archive.extractfile(m).read()
