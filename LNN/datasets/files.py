"""Files of a data set, read from a folder and from the archives that lie in it."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath

from LNN.datasets.errors import DatasetCorruptedError

TAR = (".tar", ".tar.gz", ".tgz", ".tar.xz")
ARCHIVES = (".zip", *TAR)
# Archives in archives in archives, and files of 2 GiB: no data set has more.
DEEPEST, LARGEST = 2, 2**31
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
    goes before what lies in an archive, and the first archive before the others. Only
    what matches is unpacked, and archives in an archive for what it has not itself.

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
    # Sorted, as systems list folders in orders of their own; without hidden files, in
    # which systems keep notes under the names of others (._name).
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
    try:
        files = _searched(path, str(path), patterns, DEEPEST)
    except BROKEN as error:
        raise DatasetCorruptedError(
            f"Cannot read the archive {path}: {error}. It is truncated or was changed: "
            "delete it, and call again to download it."
        ) from error
    files.sort(key=lambda file: file.name)
    matches = {p: [f for f in files if fnmatchcase(f.name, p)] for p in patterns}
    return {pattern: found for pattern, found in matches.items() if found}


def _searched(
    archive: Path | io.BytesIO, where: str, patterns: Sequence[str], deepest: int
) -> list[File]:
    """Read the members that match; open archives in it only for what it lacks."""
    with (_open_tar if where.endswith(TAR) else _open_zip)(archive) as members:
        visible = [m for m in members if not m.name.startswith(".")]
        files = [
            File(member.name, f"{where}: {member.path}", _content(member, where))
            for member in visible
            if any(fnmatchcase(member.name, pattern) for pattern in patterns)
        ]
        names = [file.name for file in files]
        lacking = [p for p in patterns if not any(fnmatchcase(n, p) for n in names)]
        for member in visible if lacking else ():
            if member.name.endswith(ARCHIVES):
                inner = f"{where}: {member.path}"
                if deepest == 0:
                    raise DatasetCorruptedError(
                        f"Expected archives in archives at most {DEEPEST} deep, got "
                        f"{inner}. Unpack it, or remove it from the folder."
                    )
                content = io.BytesIO(_content(member, where))
                files += _searched(content, inner, lacking, deepest - 1)
    return files


@dataclass(frozen=True)
class _Member:
    """A file in an archive, not read yet."""

    path: str
    size: int
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def _content(member: _Member, where: str) -> bytes:
    # Before it is unpacked: a small archive may hold more than memory does.
    if member.size > LARGEST:
        raise DatasetCorruptedError(
            f"{where}: {member.path}: expected at most {LARGEST:,} bytes unpacked, got "
            f"{member.size:,}. Unpack what you need of it, or remove the archive."
        )
    return member.read()


@contextmanager
def _open_zip(archive: Path | io.BytesIO) -> Iterator[list[_Member]]:
    with zipfile.ZipFile(archive) as file:
        yield [
            _Member(info.filename, info.file_size, partial(file.read, info))
            for info in file.infolist()
            if not info.is_dir()
        ]


@contextmanager
def _open_tar(archive: Path | io.BytesIO) -> Iterator[list[_Member]]:
    memory = archive if isinstance(archive, io.BytesIO) else None
    path = None if isinstance(archive, io.BytesIO) else archive
    with tarfile.open(path, fileobj=memory) as file:
        yield [
            _Member(info.name, info.size, partial(_read_member, file, info))
            for info in file.getmembers()
            if info.isfile()
        ]


def _read_member(file: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    opened = file.extractfile(info)
    assert opened is not None  # it is a file
    return opened.read()
