"""Where files are looked for, how they are downloaded, and errors without them."""

import hashlib
import http.server
import io
import json
import socket
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest
from processes import finished

from LNN import datasets
from LNN.datasets import (
    DatasetCorruptedError,
    DatasetNotFoundError,
    fetch_cheetah,
    fetch_gesture,
    fetch_occupancy,
    fetch_ozone,
    fetch_person,
    fetch_physionet2012,
    fetch_power,
    fetch_smnist,
    fetch_traffic,
    fetch_ucr,
    fetch_walker2d,
    files,
    home,
)
from LNN.datasets.home import Download, Source, data_homes, download_homes, find
from LNN.exceptions import LNNError, MissingDependencyError

# What to fetch, its folder, and a file of it at its official address.
FETCHERS = {
    "occupancy": (fetch_occupancy, "357/occupancy+detection.zip"),
    "gesture": (fetch_gesture, "302/gesture+phase+segmentation.zip"),
    "ozone": (fetch_ozone, "172/ozone+level+detection.zip"),
    "traffic": (fetch_traffic, "492/metro+interstate+traffic+volume.zip"),
    "power": (fetch_power, "235/individual+household+electric+power+consumption.zip"),
    "person": (fetch_person, "196/localization+data+for+person+activity.zip"),
    "cheetah": (fetch_cheetah, "raminmh/liquid_time_constant_networks/archive/"),
    "walker2d": (fetch_walker2d, "raminmh/CfC/archive/"),
    "physionet2012": (fetch_physionet2012, "challenge-2012/1.0.0/set-a.tar.gz"),
    "mnist": (fetch_smnist, "train-images-idx3-ubyte.gz"),
    "ucr_uea": (partial(fetch_ucr, "Beef"), "aeon-toolkit/Beef.zip"),
}


@pytest.fixture
def no_network(monkeypatch):
    """No name is found and nothing is connected to."""

    def fail(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr(socket.socket, "connect", fail)


# --------------------------------------------------------------- without the files


@pytest.mark.parametrize("name", FETCHERS)
def test__fetch__no_network__says_what_to_put_where(name, tmp_path, no_network):
    pytest.importorskip("pooch")
    fetcher, address = FETCHERS[name]
    with pytest.raises(DatasetNotFoundError, match="could not be downloaded") as caught:
        fetcher(data_home=tmp_path)
    said = str(caught.value)
    assert f"into {tmp_path / name}" in said
    assert address in said
    assert f"LNN_DATA_HOME to the folder that holds {name}/" in said
    # Nothing half done is left behind.
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", FETCHERS)
def test__fetch__not_to_download__says_what_to_put_where(name, tmp_path):
    fetcher, address = FETCHERS[name]
    with pytest.raises(DatasetNotFoundError, match="download_if_missing") as caught:
        fetcher(data_home=tmp_path, download_if_missing=False)
    said = str(caught.value)
    assert str(tmp_path / name) in said
    assert address in said
    assert isinstance(caught.value, LNNError)
    assert isinstance(caught.value, FileNotFoundError)


def test__fetch__no_pooch__names_the_extra_and_the_file(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingDependencyError) as caught:
        fetch_occupancy(data_home=tmp_path)
    said = str(caught.value)
    assert 'pip install "LNN[datasets]"' in said
    assert "occupancy+detection.zip" in said
    assert str(tmp_path / "occupancy") in said


def test__fetch_smnist__no_pillow__names_what_to_do(data_home, monkeypatch):
    if not (data_home / "mnist" / "convnetjs_png").is_dir():
        pytest.skip("real data: no mnist/convnetjs_png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "LNN\[plot\]"'):
        fetch_smnist(data_home=data_home, download_if_missing=False)


@pytest.mark.slow
def test__import__does_not_load_what_is_optional():
    code = """
import json, sys
import torch, sklearn, pandas
before = set(sys.modules)
import LNN.datasets
names = {"pooch", "requests", "PIL", "matplotlib", "tqdm"}
print(json.dumps(sorted(names & (set(sys.modules) - before))))
"""
    done = finished([sys.executable, "-c", code], check=True)
    assert json.loads(done.stdout) == []


def test__package_data__holds_every_description():
    import configparser

    package = Path(datasets.__file__).parents[1]
    config = configparser.ConfigParser()
    if not config.read(package.parent / "setup.cfg"):
        pytest.skip("not a checkout")
    patterns = config["options.package_data"]["LNN"].split()
    shipped = {path for pattern in patterns for path in package.glob(pattern.strip())}
    described = set((package / "datasets" / "descr").iterdir())
    assert len(described) == len(FETCHERS)
    assert described <= shipped


# --------------------------------------------------------------- where to look


def test__data_homes__argument__is_the_only_place(tmp_path, monkeypatch):
    monkeypatch.setenv("LNN_DATA_HOME", "/elsewhere")
    assert data_homes(tmp_path) == [tmp_path]
    assert data_homes("~/data") == [Path.home() / "data"]


def test__data_homes__variable__comes_before_the_cache(tmp_path, monkeypatch):
    pooch = pytest.importorskip("pooch")
    monkeypatch.setenv("LNN_DATA_HOME", str(tmp_path))
    assert data_homes() == [tmp_path, Path(pooch.os_cache("lnn"))]


def test__data_homes__checkout__looks_beside_itself(monkeypatch):
    monkeypatch.delenv("LNN_DATA_HOME", raising=False)
    beside = Path(home.__file__).resolve().parents[3] / "shared" / "data"
    assert (data_homes()[0] == beside) == beside.is_dir()


def test__find__folder_beside_a_checkout__is_read_and_never_written(
    server, tmp_path, monkeypatch
):
    import pooch

    monkeypatch.delenv("LNN_DATA_HOME", raising=False)
    package = tmp_path / "src" / "LNN" / "LNN" / "datasets"
    monkeypatch.setattr(home, "__file__", str(package / "home.py"))
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    beside = tmp_path / "src" / "shared" / "data"
    beside.mkdir(parents=True)
    assert data_homes() == [beside, *download_homes()]
    find(letters(*server))
    assert not list(beside.iterdir())
    assert (tmp_path / "cache" / "lnn" / "letters" / "letters.zip").exists()
    (beside / "letters").mkdir()
    for name in ("a.txt", "b.txt"):
        (beside / "letters" / name).write_text("beside")
    assert {file.content for file in find(letters(*server))} == {b"beside"}


def test__data_homes__no_pooch__still_names_a_place(tmp_path, monkeypatch):
    monkeypatch.delenv("LNN_DATA_HOME", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setattr(home, "__file__", str(tmp_path / "a" / "b" / "c" / "home.py"))
    assert data_homes() == [Path("~/.cache/lnn").expanduser()]


SOURCE = Source("letters", (("a.txt", "b.txt"), ("part.txt",)), ())


def test__find__best_form__is_taken_wherever_it_is(tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names in ((first, ["part.txt", "a.txt"]), (second, ["a.txt", "b.txt"])):
        (folder / "letters").mkdir(parents=True)
        for name in names:
            (folder / "letters" / name).write_text(name)
    monkeypatch.setattr(home, "data_homes", lambda _: [first, second])
    found = find(SOURCE)
    assert [file.name for file in found] == ["a.txt", "b.txt"]
    assert {Path(file.where).parents[1] for file in found} == {second}
    (second / "letters" / "b.txt").unlink()
    assert [file.name for file in find(SOURCE)] == ["part.txt"]


def test__find__archive_in_archive__is_opened(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep/a.txt", "A")
        archive.writestr("__MACOSX/deep/._a.txt", "junk")
    (tmp_path / "letters").mkdir()
    with zipfile.ZipFile(tmp_path / "letters" / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
        archive.writestr("b.txt", "B")
    found = find(SOURCE, tmp_path)
    assert [file.content for file in found] == [b"A", b"B"]
    assert found[0].where.endswith("outer.zip: inner.zip: deep/a.txt")


def _zip(path, **members):
    """Write a zip; return its bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return path.read_bytes()


def test__find__members_that_are_not_wanted__are_not_unpacked(tmp_path, monkeypatch):
    (tmp_path / "letters").mkdir()
    inner = _zip(tmp_path / "inner.zip", a_txt="inner")
    path = tmp_path / "letters" / "all.zip"
    _zip(path, a_txt="A", b_txt="B", more_bin=b"x" * 1000, in_zip=inner)
    opened = []
    read = zipfile.ZipFile.read
    monkeypatch.setattr(
        zipfile.ZipFile,
        "read",
        lambda archive, info: opened.append(info.filename) or read(archive, info),
    )
    monkeypatch.setattr(Path, "read_bytes", None)  # not the whole archive
    assert [file.content for file in find(SOURCE, tmp_path)] == [b"A", b"B"]
    assert opened == ["a.txt", "b.txt"]


def test__find__archives_too_deep__is_an_error(tmp_path):
    (tmp_path / "letters").mkdir()
    inner = _zip(tmp_path / "0.zip", a_txt="A", b_txt="B")
    for depth in range(1, files.DEEPEST + 2):
        path = tmp_path / "letters" / f"{depth}.zip"
        (tmp_path / "letters" / f"{depth - 1}.zip").unlink(missing_ok=True)
        inner = _zip(path, in_zip=inner)
        if depth <= files.DEEPEST:
            assert len(find(SOURCE, tmp_path)) == 2
    with pytest.raises(DatasetCorruptedError, match=r"at most 2 deep.*Unpack it"):
        find(SOURCE, tmp_path)


@pytest.mark.parametrize("nested", [True, False])
def test__find__file_too_large__is_an_error(tmp_path, monkeypatch, nested):
    monkeypatch.setattr(files, "LARGEST", 1000)
    (tmp_path / "letters").mkdir()
    path = tmp_path / "letters" / "all.zip"
    content = _zip(path, a_txt=b"x" * 1001)
    if nested:
        _zip(path, in_zip=content)
    with pytest.raises(DatasetCorruptedError, match="at most 1,000 bytes unpacked"):
        find(SOURCE, tmp_path)


def test__find__loose_file__goes_before_the_archive(tmp_path):
    (tmp_path / "letters" / "sub").mkdir(parents=True)
    (tmp_path / "letters" / "sub" / "a.txt").write_text("loose")
    with zipfile.ZipFile(tmp_path / "letters" / "all.zip", "w") as archive:
        archive.writestr("a.txt", "packed")
        archive.writestr("b.txt", "packed")
    assert [file.content for file in find(SOURCE, tmp_path)] == [b"loose", b"packed"]


# --------------------------------------------------------------- downloading


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve a folder on this machine; return the folder and its address."""
    pytest.importorskip("pooch")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def letters(folder, url, known_hash=None, members=("a.txt", "b.txt")):
    """Serve an archive, and return the source that downloads it."""
    with zipfile.ZipFile(folder / "letters.zip", "w") as archive:
        for name in members:
            archive.writestr(name, name.upper())
    download = Download(f"{url}/letters.zip", "letters.zip", known_hash)
    return Source("letters", SOURCE.forms, (download,))


def sha256(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("tqdm", [True, False])
def test__find__missing_files__are_downloaded_once(server, tmp_path, monkeypatch, tqdm):
    folder, url = server
    if not tqdm:
        monkeypatch.setattr(home, "_has_tqdm", lambda: False)
    source = letters(folder, url)
    known = letters(folder, url, sha256(folder / "letters.zip"))
    found = find(known, tmp_path / "home")
    assert [file.content for file in found] == [b"A.TXT", b"B.TXT"]
    assert (tmp_path / "home" / "letters" / "letters.zip").exists()
    (folder / "letters.zip").unlink()
    assert len(find(source, tmp_path / "home")) == 2


def test__find__progress__is_shown_where_tqdm_is(server, tmp_path, capfd):
    pytest.importorskip("tqdm")
    find(letters(*server), tmp_path / "home")
    said = capfd.readouterr()
    assert "100%" in said.err
    # Neither what to copy into code, nor what pooch logs.
    assert "SHA256" not in said.err + said.out


def test__find__wrong_checksum__is_refused_and_not_kept(server, tmp_path):
    source = letters(*server, known_hash="sha256:" + 64 * "0")
    with pytest.raises(DatasetCorruptedError, match="not the published letters.zip"):
        find(source, tmp_path / "home")
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


def test__find__archive_without_the_files__is_refused(server, tmp_path):
    source = letters(*server, members=["c.txt"])
    with pytest.raises(DatasetCorruptedError, match=r"expected a.txt, b.txt in it"):
        find(source, tmp_path / "home")


def test__find__web_page_for_an_archive__is_refused(server, tmp_path):
    folder, url = server
    source = letters(folder, url)
    (folder / "letters.zip").write_text("<html>moved</html>")
    with pytest.raises(DatasetCorruptedError, match=r"letters.zip: .*delete it"):
        find(source, tmp_path / "home")


def test__find__address_gone__says_what_to_put_where(server, tmp_path):
    folder, url = server
    source = letters(folder, url)
    (folder / "letters.zip").unlink()
    with pytest.raises(
        DatasetNotFoundError, match=r"404.* Put http://127.*letters.zip"
    ):
        find(source, tmp_path / "home")


def test__find__home_read_only__downloads_into_the_next(server, tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr(home, "data_homes", lambda _: [first, second])
    monkeypatch.setattr(home, "download_homes", lambda _: [first, second])
    monkeypatch.setattr(home, "_writable", lambda folder: first not in folder.parents)
    find(letters(*server))
    assert not first.exists()
    assert (second / "letters" / "letters.zip").exists()


def test__fetch_occupancy__download__is_read(
    server, excerpt_home, tmp_path, monkeypatch
):
    folder, url = server
    names = ("datatraining.txt", "datatest.txt", "datatest2.txt")
    with zipfile.ZipFile(folder / "o.zip", "w") as archive:
        for name in names:
            archive.write(excerpt_home / "occupancy" / name, name)
    download = Download(f"{url}/o.zip", "o.zip", sha256(folder / "o.zip"))
    source = Source("occupancy", (names,), (download,))
    monkeypatch.setattr("LNN.datasets.uci.OCCUPANCY", source)
    found = fetch_occupancy(data_home=tmp_path / "home")
    assert found.data.shape == (280, 5)
