"""MNIST, for the sequential tasks."""

from __future__ import annotations

import gzip
import hashlib
import io
import os

import numpy as np
from sklearn.utils import Bunch

from LNN.datasets.checks import bunch, check, parsing
from LNN.datasets.files import File
from LNN.datasets.home import Download, Source, find
from LNN.exceptions import MissingDependencyError

ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist"
N_TRAIN, N_TEST, SIDE = 60000, 10000, 28
# The files of LeCun, Cortes and Burges: sha256 as packed, and unpacked.
HASHES = {
    "train-images-idx3-ubyte": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = HASHES
# convnetjs has the training images as pictures: a row of pixels an image.
PICTURES = tuple(f"mnist_batch_{k}.png" for k in range(20))


def _form(images: tuple[str, ...], end: str) -> tuple[str, ...]:
    return (*images, *(name + end for name in (LABELS, TEST_IMAGES, TEST_LABELS)))


SOURCE = Source(
    "mnist",
    (
        _form((f"{IMAGES}.gz",), ".gz"),
        _form((IMAGES,), ""),
        _form(PICTURES, ".gz"),
    ),
    tuple(
        Download(f"{ADDRESS}/{name}.gz", f"{name}.gz", f"sha256:{packed}")
        for name, (packed, _) in HASHES.items()
    ),
)


def fetch_smnist(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Fetch MNIST: 70,000 digits, to be read row by row or pixel by pixel.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `mnist/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : ndarray of uint8, shape (70000, 28, 28)
            A sequence of 28 rows of 28 pixels, 0 to 255.
        target : ndarray of int, shape (70000,)
            The digit.
        groups : None
        timestamps : None
        subset : ndarray of str, shape (70000,)
            "train" for the first 60,000, "test" for the others.
        feature_names : list of str
        DESCR : str

    Raises
    ------
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.
    MissingDependencyError
        If the images are there as .png only, and pillow is not.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document
    recognition, Proceedings of the IEEE 86, 1998.

    Examples
    --------
    >>> from LNN.datasets import fetch_smnist
    >>> fetch_smnist().data.shape  # doctest: +SKIP
    (70000, 28, 28)
    """
    files = find(SOURCE, data_home, download_if_missing)
    *images, labels, test_images, test_labels = files
    pixels = np.concatenate(
        [_read_images(images), _read_idx(test_images, TEST_IMAGES, N_TEST, SIDE, SIDE)]
    )
    digits = np.concatenate(
        [
            _read_idx(labels, LABELS, N_TRAIN),
            _read_idx(test_labels, TEST_LABELS, N_TEST),
        ]
    )
    return bunch(
        "smnist",
        pixels,
        digits.astype(int),
        feature_names=[f"pixel_{k}" for k in range(SIDE)],
        subset=np.repeat(["train", "test"], [N_TRAIN, N_TEST]),
    )


def _read_images(files: list[File]) -> np.ndarray:
    if not files[0].name.endswith(".png"):
        return _read_idx(files[0], IMAGES, N_TRAIN, SIDE, SIDE)
    pixels = np.concatenate([_read_picture(file) for file in files])
    where = os.path.dirname(files[0].where)
    check(where, "pixels:", N_TRAIN * SIDE * SIDE, pixels.size)
    _check_known(where, IMAGES, _header(N_TRAIN, SIDE, SIDE) + pixels.tobytes())
    return pixels.reshape(N_TRAIN, SIDE, SIDE)


def _read_picture(file: File) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError(
            f"Reading {file.where} needs pillow, which is not installed. Run: pip "
            'install "LNN[plot]", or put the files train-images-idx3-ubyte.gz, ... of '
            f"{ADDRESS} into mnist/."
        ) from error
    with parsing(file.where):
        return np.asarray(Image.open(io.BytesIO(file.content)).convert("L"))


def _read_idx(file: File, name: str, *shape: int) -> np.ndarray:
    """Read an array of bytes: a header with its shape, then the bytes."""
    content = file.content
    if file.name.endswith(".gz"):
        with parsing(file.where):
            content = gzip.decompress(content)
    header = _header(*shape)
    size = len(header) + int(np.prod(shape))
    check(file.where, "bytes, unpacked:", size, len(content))
    _check_known(file.where, name, content)
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _header(*shape: int) -> bytes:
    return np.array([0x800 + len(shape), *shape], ">i4").tobytes()


def _check_known(where: str, name: str, content: bytes) -> None:
    expected = HASHES[name][1]
    check(where, "sha256, unpacked:", expected, hashlib.sha256(content).hexdigest())
