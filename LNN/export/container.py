"""Arrays by name in one file, read without trust: .npz and .safetensors.

Nothing is unpickled or decompressed, so a file takes no more memory than its own size.
numpy (`allow_pickle=False`) and safetensors read the same files.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from LNN.exceptions import InvalidModelFileError

# The most arrays and bytes of a file, far more than a model of LNN has.
MOST_ARRAYS, MOST_BYTES = 10_000, 2**31
_HEADER = re.compile(
    r"\{'descr': '([<|][biuf][1248])', 'fortran_order': False, "
    r"'shape': \(((?:\d{1,10},? ?){0,8})\), \}\s*"
)
# By the names of safetensors.
_DTYPES = {
    "BOOL": "|b1",
    "I8": "|i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "|u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def write(path: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays of numbers to a file; its ending says how."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise InvalidModelFileError(
            f"Expected a folder that is there, got {str(folder)!r}. Make it first: "
            "pathlib.Path(folder).mkdir(parents=True)."
        )
    # Little-endian and in C order: the only form that `read` takes.
    plain = {
        name: np.ascontiguousarray(a, a.dtype.newbyteorder("<")).reshape(np.shape(a))
        for name, a in arrays.items()
    }
    ending = _ending(path)
    if ending == ".npz":
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **plain)
        content = buffer.getvalue()
    else:
        content = _safetensors(plain)
    Path(path).write_bytes(content)


def read(path: Any) -> dict[str, np.ndarray]:
    """Read the arrays of a file.

    Raises
    ------
    InvalidModelFileError
        If it is not a file of arrays of numbers, each as large as it says.
    """
    ending = _ending(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES:
            raise _bad(f"it has {size} bytes, and no model has more than {MOST_BYTES}")
        try:
            return _read_npz(file, size) if ending == ".npz" else _tensors(file.read())
        except InvalidModelFileError:
            raise
        # What zipfile and json raise for broken files depends on where they break.
        except Exception as error:
            raise _bad(f"{type(error).__name__}: {error}") from error


def _ending(path: Any) -> str:
    ending = Path(path).suffix
    if ending not in (".npz", ".safetensors"):
        pickles = ending in (".pkl", ".pickle", ".joblib")
        hint = " pickle.load or joblib.load reads that one." if pickles else ""
        raise InvalidModelFileError(
            f'Expected a file name that ends in ".npz" or ".safetensors", got '
            f"{path!s}.{hint}"
        )
    return ending


def _bad(why: str) -> InvalidModelFileError:
    return InvalidModelFileError(
        f"Expected a file that LNN.export.save wrote, got another or a broken one: "
        f"{why}. Save the model again."
    )


# ------------------------------------------------------------------------------ .npz


def _read_npz(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MOST_ARRAYS:
            raise _bad(f"it has {len(members)} arrays")
        packed = any(m.compress_type != zipfile.ZIP_STORED for m in members)
        # Overlapping members would be larger together than the file.
        if packed or sum(m.file_size for m in members) > size:
            raise _bad("its arrays are compressed or overlap")
        found = {}
        for member in members:
            name = member.filename
            if not name.endswith(".npy") or name[:-4] in found:
                raise _bad(f"it holds {name[:60]!r}")
            found[name[:-4]] = _array(archive.read(member), name)
        return found


def _array(content: bytes, name: str) -> np.ndarray:
    if content[:8] != b"\x93NUMPY\x01\x00":
        raise _bad(f"{name[:60]!r} is no array of numpy")
    start = 10 + int.from_bytes(content[8:10], "little")
    header = _HEADER.fullmatch(content[10:start].decode("latin-1"))
    if header is None:
        raise _bad(f"{name[:60]!r} is no array of numbers")
    shape = tuple(int(n) for n in re.findall(r"\d+", header[2]))
    return _of_bytes(content[start:], header[1], shape, name)


def _of_bytes(
    content: bytes, kind: str, shape: tuple[int, ...], name: str
) -> np.ndarray:
    dtype, count = np.dtype(kind), 1
    for n in shape:
        count *= n
    if count * dtype.itemsize != len(content):
        raise _bad(f"{name[:60]!r} says shape {shape}, but has {len(content)} bytes")
    array = np.frombuffer(content, dtype).reshape(shape)
    if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise _bad(f"{name[:60]!r} holds booleans that are neither 0 nor 1")
    return array.astype(dtype.newbyteorder("="))  # a copy, which may be written to


# ---------------------------------------------------------------------- .safetensors


def _safetensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    header, parts, end = {}, [], 0
    # The largest numbers first, so that all lie where their processor wants them.
    for name in sorted(arrays, key=lambda n: (-arrays[n].dtype.itemsize, n)):
        array = arrays[name]
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        parts.append(array.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def _tensors(content: bytes) -> dict[str, np.ndarray]:
    begin = 8 + int.from_bytes(content[:8], "little")
    if not 8 < begin <= len(content):
        raise _bad("it is cut off")
    header, total = json.loads(content[8:begin]), 0
    found: dict[str, np.ndarray] = {}
    for name, told in header.items():
        if name == "__metadata__":
            continue
        first, last = told["data_offsets"]
        shape = tuple(told["shape"])
        plain = all(type(n) is int and n >= 0 for n in (first, last, *shape))
        if not plain or not first <= last <= len(content) - begin or len(shape) > 8:
            raise _bad(f"{name[:60]!r} lies outside of the file")
        total += last - first
        if total > len(content) or len(found) >= MOST_ARRAYS:
            raise _bad("its arrays overlap")
        part = content[begin + first : begin + last]
        found[name] = _of_bytes(part, _DTYPES[told["dtype"]], shape, name)
    return found
