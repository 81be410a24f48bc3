"""Where the files of a data set are looked for, and how they get there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LNN.datasets.errors import DatasetCorruptedError, DatasetNotFoundError
from LNN.datasets.files import File, gather
from LNN.exceptions import MissingDependencyError


@dataclass(frozen=True)
class Download:
    """A file at its official address.

    Attributes
    ----------
    url : str
    file : str
        Its name on disk.
    known_hash : str or None
        "sha256:..."; None where none is known. Contents are checked in any case.
    """

    url: str
    file: str
    known_hash: str | None = None


@dataclass(frozen=True)
class Source:
    """What a data set consists of.

    Attributes
    ----------
    folder : str
        Its folder in a data home.
    forms : tuple of tuple of str
        The forms in which the data set exists, best first: names of files, with wild
        cards, that are all needed.
    downloads : tuple of Download
        The files in their official form.
    """

    folder: str
    forms: tuple[tuple[str, ...], ...]
    downloads: tuple[Download, ...]


def find(
    source: Source,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
) -> list[File]:
    """Read the files of a data set, after downloading them if they are nowhere.

    Parameters
    ----------
    source : Source
    data_home : path-like, default=None
        The folder that holds the data set's folder, and the only place to look. None
        looks in `LNN_DATA_HOME`, else in `shared/data` beside a checkout of LNN, then
        in the user's cache folder. Downloads go to the first of these that can be
        written, never beside a checkout.
    download_if_missing : bool, default=True

    Returns
    -------
    list of File
        Those of the best form that is there, in its order.

    Raises
    ------
    DatasetNotFoundError
        If files are missing and may or can not be downloaded.
    DatasetCorruptedError
        If an archive cannot be read, or is not the one that was expected.
    MissingDependencyError
        If pooch is needed and not installed.
    """
    homes = data_homes(data_home)
    folders = [home / source.folder for home in homes]
    # The best form first, wherever it is.
    for form in range(len(source.forms)):
        for folder in folders:
            if found := _look(source, form, folder):
                return found
    if not download_if_missing:
        raise _not_found(source, folders, "download_if_missing is False")
    targets = [home / source.folder for home in download_homes(data_home)]
    target = next((f for f in targets if _writable(f)), targets[-1])
    for download in source.downloads:
        _download(source, download, target, folders)
    if found := _look(source, 0, target):
        return found
    got = ", ".join(download.file for download in source.downloads)
    raise DatasetCorruptedError(
        f"Downloaded {got} into {target}, expected {_names(source.forms[0])} in it, "
        "but they are not there. The address may serve something else by now: please "
        "report it."
    )


def data_homes(data_home: str | os.PathLike | None = None) -> list[Path]:
    """Return the folders in which data sets are looked for, first place first."""
    homes = download_homes(data_home)
    if data_home is not None or os.environ.get("LNN_DATA_HOME"):
        return homes
    # Beside the checkout, for LNN run from its sources. Only read: nobody named it.
    shared = Path(__file__).resolve().parents[3] / "shared" / "data"
    return [shared, *homes] if shared.is_dir() else homes


def download_homes(data_home: str | os.PathLike | None = None) -> list[Path]:
    """Return the folders that downloads may go to, first choice first."""
    if data_home is not None:
        return [Path(data_home).expanduser()]
    if given := os.environ.get("LNN_DATA_HOME"):
        return [Path(given).expanduser(), *_cache()]
    return _cache() or [Path("~/.cache/lnn").expanduser()]


def _cache() -> list[Path]:
    """Return the cache folder, which only pooch fills and knows."""
    try:
        import pooch
    except ImportError:
        return []
    return [Path(pooch.os_cache("lnn"))]


def _look(source: Source, form: int, folder: Path) -> list[File] | None:
    patterns = source.forms[form]
    found = gather(folder, patterns)
    if len(found) < len(patterns):
        return None
    # A wild card means many files, a name the first of that name.
    return [
        file
        for pattern in patterns
        for file in (found[pattern] if "[" in pattern else found[pattern][:1])
    ]


def _writable(folder: Path) -> bool:
    # It may not be there yet: what counts is the folder in which it would be made.
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)


def _download(
    source: Source, download: Download, folder: Path, folders: Sequence[Path]
) -> None:
    pooch = _pooch(source, folders)
    logger = pooch.get_logger()
    level = logger.level
    # It would print a checksum to be copied into code.
    logger.setLevel("WARNING")
    try:
        pooch.retrieve(
            download.url,
            known_hash=download.known_hash,
            fname=download.file,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=_has_tqdm()),
        )
    except ValueError as error:
        raise DatasetCorruptedError(
            f"What {download.url} sent is not the published {download.file}: {error}"
        ) from error
    except OSError as error:
        reason = f"{download.url} could not be downloaded into {folder}: {error}"
        raise _not_found(source, folders, reason) from error
    finally:
        logger.setLevel(level)


def _pooch(source: Source, folders: Sequence[Path]) -> Any:
    try:
        import pooch
    except ImportError as error:
        raise MissingDependencyError(
            f"{_nowhere(source, folders)} Downloading needs pooch, which is not "
            f'installed. Run: pip install "LNN[datasets]". {_remedy(source, folders)}'
        ) from error
    return pooch


def _has_tqdm() -> bool:
    try:
        import tqdm  # noqa: F401
    except ImportError:
        return False
    return True


def _not_found(
    source: Source, folders: Sequence[Path], reason: str
) -> DatasetNotFoundError:
    return DatasetNotFoundError(
        f"{_nowhere(source, folders)} It was not downloaded: {reason}. "
        f"{_remedy(source, folders)}"
    )


def _nowhere(source: Source, folders: Sequence[Path]) -> str:
    wanted = " or ".join(_names(form) for form in source.forms)
    places = " or ".join(map(str, folders))
    return (
        f'The data set "{source.folder}" was not found: {wanted} should be in '
        f"{places}, unpacked or in an archive, and not all are there."
    )


def _remedy(source: Source, folders: Sequence[Path]) -> str:
    what = " and ".join(download.url for download in source.downloads)
    return (
        f"Put {what} into {folders[0]}, packed or unpacked, or set LNN_DATA_HOME to "
        f"the folder that holds {source.folder}/."
    )


def _names(patterns: Sequence[str]) -> str:
    few = patterns if len(patterns) <= 4 else [patterns[0], "...", patterns[-1]]
    return ", ".join(few).replace("[0-9]", "#")
