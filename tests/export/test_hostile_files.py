"""Model files of strangers: refused by name, or loaded to a model that works."""

import io
import json
import struct
import warnings
import zipfile

import numpy as np
import pytest
from cases import fitted

import LNN
from LNN.exceptions import InvalidModelFileError
from LNN.export import container, save
from LNN.export.storing import read

KINDS = ("whole LTC", "label", "minmax", "CfC full default", "GRU gates", "patch")
FEW, MANY = 150, 10_000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("files"), []
    for name in KINDS:
        for ending in ("npz", "safetensors"):
            path = folder / f"{name}.{ending}"
            save(fitted(name).estimator, path)
            found.append((name, path))
    return found


def loads_or_refuses(path, name):
    """Return whether a file loads; nothing else may happen than that or the error."""
    with warnings.catch_warnings():
        # A changed version is told as a warning, as in pickles.
        warnings.filterwarnings("ignore", message="This .* was pickled by LNN")
        try:
            model = LNN.load(path)
        except InvalidModelFileError:
            return False
    fit = fitted(name)
    try:
        predicted = model.predict(fit.X, **fit.given())
    # The model asks for other data now, which is its right.
    except LNN.InvalidInputError:
        return True
    except LNN.LNNWarning:
        return True
    assert len(predicted) == len(fit.expected())
    return True


def mutate_bytes(content, random):
    content = bytearray(content)
    kind = random.integers(4)
    if kind == 0:
        return bytes(content[: random.integers(len(content))])
    if kind == 1:
        begin = random.integers(len(content))
        del content[begin : begin + int(random.integers(1, 50))]
        return bytes(content)
    # Most of what is told stands at the beginning or the end.
    width = random.choice([200, 2000, len(content)])
    for _ in range(random.integers(1, 6)):
        place = int(random.integers(min(width, len(content))))
        place = place if random.random() < 0.5 else -1 - place
        content[place] = random.integers(256)
    return bytes(content)


ODD = (None, True, -1, 0, 1, 2, 10**9, 2**70, -0.5, 1e308, "", "x", "cuda", [], {})
MARKS = (
    {"$array": "nowhere"},
    {"$float": "nan"},
    {"$float": "1"},
    {"$tuple": 3},
    {"$items": [[[], 1]]},
    {"$labels": ["U", ["x", 3]]},
    {"$dates": ["model", "M8[ns]"]},
    {"$pickle": "gASV"},
)


def places(value, path=()):
    """Yield where something stands in nested JSON."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))


def mutate_json(told, arrays, random):
    """Change, remove or add a value, or swap an array for another."""
    found = list(places(told))
    *path, key = found[random.integers(len(found))]
    place = told
    for part in path:
        place = place[part]
    kind = random.integers(5)
    if kind == 0 and isinstance(place, dict):
        del place[key]
    elif kind == 1 and isinstance(place, dict):
        place["unknown"] = 1
    elif kind == 2:
        names = sorted(arrays)
        place[key] = {"$array": names[random.integers(len(names))]}
    elif kind == 3:
        place[key] = MARKS[random.integers(len(MARKS))]
    else:
        place[key] = ODD[random.integers(len(ODD))]
    return told


def mutate_arrays(arrays, random):
    """Change the numbers, the shape or the dtype of an array."""
    name = sorted(arrays)[random.integers(len(arrays))]
    array = arrays[name].copy()
    kind = random.integers(4)
    if kind == 0 and array.size:
        value = random.choice([0, -1, 1e30, np.nan, np.inf, 7])
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array.flat[random.integers(array.size)] = np.array(value).astype(
                array.dtype
            )
    elif kind == 1:
        array = array[:-1] if array.ndim else array[None]
    elif kind == 2:
        with np.errstate(all="ignore"):
            array = array.astype(random.choice(["<f8", "<i8", "<u1", "<f2"]))
    else:
        array = array[None]
    return arrays | {name: array}


def as_bytes(told):
    return np.frombuffer(json.dumps(told).encode(), np.uint8)


def mutated(path, number):
    """Write a changed file beside another one."""
    random = np.random.default_rng(number)
    target = path.with_name(f"mutated{path.suffix}")
    kind = number % 3
    if kind == 0:
        target.write_bytes(mutate_bytes(path.read_bytes(), random))
        return target
    arrays = container.read(path)
    if kind == 1:
        told = json.loads(arrays["model"].tobytes())
        for _ in range(random.integers(1, 4)):
            told = mutate_json(told, arrays, random)
        arrays["model"] = as_bytes(told)
    else:
        arrays = mutate_arrays(arrays, random)
    container.write(target, arrays)
    return target


def fuzz(files, numbers):
    loaded = 0
    for number in numbers:
        name, path = files[number % len(files)]
        loaded += loads_or_refuses(mutated(path, number), name)
    # Both happen: a mutation of a curve of losses is nobody's concern.
    assert 0 < loaded < len(numbers)


def test_changed_files_load_or_are_refused(files):
    fuzz(files, range(FEW))


@pytest.mark.slow
def test_many_changed_files_load_or_are_refused(files):
    fuzz(files, range(FEW, FEW + MANY))


def test_nothing_is_unpickled(tmp_path):
    told = []

    class Evil:
        def __reduce__(self):
            return told.append, (1,)

    path = tmp_path / "evil.npz"
    array = np.empty(1, dtype=object)
    array[0] = Evil()
    np.savez(path, model=array)
    with pytest.raises(InvalidModelFileError, match="no array of numbers"):
        LNN.load(path)
    assert not told


def test_compressed_files_are_refused(tmp_path):
    """A bomb of a few kilobytes would become gigabytes."""
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, model=np.zeros(2**24, np.uint8))
    assert path.stat().st_size < 2**16
    with pytest.raises(InvalidModelFileError, match="compressed"):
        LNN.load(path)


def test_sizes_are_looked_at_before_anything_is_read(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.npy", content)
    path = tmp_path / "large.npz"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InvalidModelFileError, match="says shape"):
        LNN.load(path)
    told = {"model": {"dtype": "F64", "shape": [10**9], "data_offsets": [0, 8 * 10**9]}}
    text = json.dumps(told).encode()
    path = tmp_path / "large.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(InvalidModelFileError, match="outside of the file"):
        LNN.load(path)


@pytest.mark.parametrize("depth", [10**3, 10**6])
def test_deep_json_is_refused(depth, tmp_path):
    path = tmp_path / "deep.npz"
    text = b'{"format":1,"owner":"LiquidRegressor","state":'
    text += b"[" * depth + b"]" * depth + b"}"
    container.write(path, {"model": np.frombuffer(text, np.uint8)})
    with pytest.raises(InvalidModelFileError):
        LNN.load(path)


def changed(path, place, value):
    arrays = container.read(path)
    told = json.loads(arrays["model"].tobytes())
    part = told
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    container.write(path, arrays | {"model": as_bytes(told)})


MODEL = ("state", "model_")


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("format",), 99, "later version"),
        (("owner",), "Popen", "another file"),
        (("state", "evil"), 1, "parameters of"),
        (("state", "n_jobs"), 10**6, "n_jobs of at most"),
        (("state", "epochs"), -1, "epochs"),
        ((*MODEL, "network", "n_neurons"), 10**6, "as many neurons"),
        ((*MODEL, "network", "n_neurons"), 7, "matrices of a wiring"),
        ((*MODEL, "network", "ode_unfolds"), 10**6, "solver steps"),
        ((*MODEL, "network", "pooling"), "mean", "cannot be built"),
        ((*MODEL, "network", "ode_unfolds"), 2, "other answers"),
        ((*MODEL, "clock", "unit"), 0.0, r"clock\.unit"),
        ((*MODEL, "clock", "unit"), {"$float": "nan"}, r"clock\.unit"),
        ((*MODEL, "scaler", "method"), "evil", "a scaler"),
        ((*MODEL, "loss", "name"), "evil", "one of the losses"),
        ((*MODEL, "parameters", "model_type"), "evil", "evil"),
    ],
)
def test_wrong_values_are_told_by_name(place, value, told, tmp_path):
    path = tmp_path / "model.npz"
    save(fitted("whole LTC").estimator, path)
    changed(path, place, value)
    with pytest.raises(InvalidModelFileError, match=told):
        LNN.load(path)


def test_few_weights_are_not_those_of_a_large_network(tmp_path):
    """8192 neurons would have 67 million synapses; the file has 50 kB."""
    path = tmp_path / "model.npz"
    save(fitted("CfC full default").estimator, path)
    arrays = container.read(path)
    told = json.loads(arrays["model"].tobytes())
    network = told["state"]["model_"]["network"]
    network["n_neurons"] = 8192
    network["weights"]["more"] = {"$array": "more"}
    arrays |= {"more": np.zeros(2**14, "f4"), "model": as_bytes(told)}
    container.write(path, arrays)
    with pytest.raises(InvalidModelFileError, match="as many neurons"):
        LNN.load(path)


def test_another_file_is_refused(tmp_path):
    for ending in ("npz", "safetensors"):
        path = tmp_path / f"x.{ending}"
        for content in (b"", b"PK", b"hello" * 100):
            path.write_bytes(content)
            with pytest.raises(InvalidModelFileError, match="Save the model again"):
                read(path)
    with pytest.raises(FileNotFoundError):
        LNN.load(tmp_path / "nothing.npz")
