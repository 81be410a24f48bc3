"""The native library: built, tagged, installed, found, and what happens without it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from processes import finished

import LNN
from LNN.kernels.native import library
from LNN.kernels.native.mirror import ABI, ISAS

ROOT = Path(__file__).parent.parent
SOURCES = (
    "setup.py setup.cfg pyproject.toml MANIFEST.in README.md LICENSE CHANGELOG.md "
    "CITATION.cff CODE_OF_CONDUCT.md CONTRIBUTING.md SECURITY.md Makefile "
    "constraints.txt oldest.txt .pre-commit-config.yaml .ci .github LNN tests examples "
    "docu"
)
# What git holds and a source distribution need not.
LEFT_OUT = {".gitignore"}
CSRC = Path("LNN", "kernels", "native", "csrc")
LIBRARY = f"LNN/kernels/native/{library.FILE.name}"
COMPILER = (sysconfig.get_config_var("CC") or "cl").split()[0]
MESSAGE = "LNN goes without its native library"

needs_library = pytest.mark.skipif(not library.load(), reason=library.load().reason)
needs_compiler = pytest.mark.skipif(
    shutil.which(COMPILER) is None, reason=f"no C compiler ({COMPILER}) on PATH"
)


# --------------------------------------------------------------- finding it


@pytest.fixture
def load(monkeypatch):
    """Load as a new process would, with another file or another LNN_ISA."""

    def anew(file: Path | None = None, isa: str = "") -> library.Library:
        if file is not None:
            monkeypatch.setattr(library, "FILE", file)
        monkeypatch.setenv("LNN_ISA", isa)
        return library._find()

    return anew


def test__load__file_missing__names_reason_and_remedy(load, tmp_path):
    found = load(tmp_path / "_native.so")
    assert not found
    assert (found.functions, found.isa) == (None, "")
    assert "was not built" in found.reason
    assert "C compiler" in found.remedy


def test__load__file_is_no_library__says_so(load, tmp_path):
    (tmp_path / "_native.so").write_text("no library")
    found = load(tmp_path / "_native.so")
    assert not found
    assert "cannot be loaded" in found.reason


@needs_library
def test__load__function_missing__says_which(load, monkeypatch):
    monkeypatch.setitem(library.SIGNATURES, "lnn_nothing", (None, []))
    found = load()
    assert not found
    assert "lnn_nothing" in found.reason


@needs_library
def test__load__other_abi__is_refused(load, monkeypatch):
    monkeypatch.setattr(library, "ABI", library.ABI + 1)
    assert "another version of LNN" in load().reason


@needs_library
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LNN_SILU", 7),
        ("offsetof epsilon", 8),
        ("sizeof parameters", 8),
        ("offsetof new_field", 0),
    ],
)
def test__load__layout_differs__is_refused(name, value, load, monkeypatch):
    layout = library.expected_layout()
    monkeypatch.setattr(library, "expected_layout", lambda: layout | {name: value})
    found = load()
    assert not found
    built = layout.get(name, "not")
    assert f"{name} is {built} there and {value} here" in found.reason
    assert "--force-reinstall" in found.remedy


@needs_library
def test__load__layout_lacks_what_the_library_has__is_refused(load, monkeypatch):
    layout = library.expected_layout()
    del layout["offsetof lnn_problem.record"]
    monkeypatch.setattr(library, "expected_layout", lambda: layout)
    assert "offsetof lnn_problem.record is" in load().reason


def test__mirror__enums__are_all_that_the_header_has():
    header = (ROOT / CSRC / "problem.h").read_text()
    names = re.findall(r"\b(LNN_[A-Z0-9_]+) = (\d+)", header)
    assert {name: int(value) for name, value in names}.items() <= (
        library.expected_layout().items()
    )


@needs_library
def test__load__unknown_isa__is_refused(load):
    found = load(isa="mmx")
    assert "LNN_ISA=mmx" in found.reason
    assert "plain, avx2, avx512, neon" in found.remedy


@needs_library
@pytest.mark.parametrize("isa", ISAS)
def test__load__isa__is_the_one_asked_for_or_an_error(load, isa):
    found = load(isa=isa)
    assert found.isa == (isa if found else "")
    assert bool(found) != bool(found.reason)
    assert found or isa != "plain"


def test__library__constants__are_those_of_the_header():
    header = (ROOT / CSRC / "problem.h").read_text()
    assert f"#define LNN_ABI {ABI}\n" in header
    for name, value in ISAS.items():
        assert re.search(rf"\bLNN_{name.upper()} = {value}\b", header)


# --------------------------------------------------------------- show_versions


def test__show_versions__says_what_a_report_needs(capsys, monkeypatch):
    monkeypatch.setenv("LNN_BACKEND", "torch")
    LNN.show_versions()
    shown = capsys.readouterr().out
    assert f"LNN: {LNN.__version__}\n" in shown
    assert "LNN_BACKEND: torch\n" in shown
    for name in ("python", "platform", "scikit-learn", "torch threads", "native"):
        assert f" {name}: " in shown


def test__show_versions__without_library__says_how_to_get_it(capsys, monkeypatch):
    missing = library.Library(None, "", "a reason", "a remedy")
    monkeypatch.setattr(library, "_found", [missing])
    LNN.show_versions()
    shown = capsys.readouterr().out
    assert "not available: a reason. To get it: a remedy\n" in shown
    assert "even with native" not in shown


@needs_library
def test__show_versions__with_library__says_what_stays_on_torch(capsys):
    LNN.show_versions()
    shown = capsys.readouterr().out
    assert f"instruction set {library.load().isa}" in shown
    assert 'solver="explicit"' in shown


# --------------------------------------------------------------- building it


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what git holds, as far as a build needs it."""
    copy = tmp_path_factory.mktemp("source")
    without = shutil.ignore_patterns("_native.*", "__pycache__")
    for name in SOURCES.split():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=without)
        else:
            shutil.copy2(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    """A copy with the library built in place, and what is needed to build on."""
    copy = shutil.copytree(source, tmp_path_factory.mktemp("built") / "clone")
    build_in_place(copy)
    return copy


@pytest.fixture(scope="module")
def no_compiler(tmp_path_factory):
    """An environment of a machine without a C compiler."""
    empty = tmp_path_factory.mktemp("empty")
    return os.environ | {"PATH": str(empty), "CC": str(empty / "cc")}


@pytest.fixture
def python(tmp_path):
    """A fresh virtual environment that sees this one's packages, less LNN.

    A .pth file adds the folder but runs no .pth files in it: an editable LNN stays out.
    """
    home = tmp_path / "venv"
    venv.create(home)
    place = {"base": str(home), "platbase": str(home)}
    packages = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    site = Path(sysconfig.get_path("purelib", "venv", place))
    (site / "packages.pth").write_text("\n".join(sorted(packages)))
    scripts = Path(sysconfig.get_path("scripts", "venv", place))
    return scripts / Path(sys.executable).name


def run(*command, cwd, env=os.environ) -> str:
    """Run a command that must succeed, and return all that it printed."""
    done = finished(
        list(map(str, command)),
        cwd=cwd,
        env={k: v for k, v in env.items() if k not in ("LNN_ISA", "PYTHONPATH")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=550,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def pip(python, command, *arguments, cwd, env=os.environ) -> str:
    """Run pip without a package index: the build uses the setuptools that is here."""
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    return run(python, "-m", "pip", command, *offline, *arguments, cwd=cwd, env=env)


def build_in_place(source, env=os.environ) -> str:
    return run(sys.executable, "setup.py", "build_ext", "-i", cwd=source, env=env)


def show_versions(python, cwd, env=os.environ) -> str:
    return run(python, "-c", "import LNN; LNN.show_versions()", cwd=cwd, env=env)


@pytest.mark.slow
@needs_compiler
def test__install__from_sources__has_the_library(built, python, tmp_path):
    pip(python, "install", "-I", ".", cwd=built)
    shown = show_versions(python, tmp_path)
    assert "native: available" in shown
    assert str(tmp_path / "venv") in shown


@pytest.mark.slow
def test__install__no_compiler__goes_on_and_says_so(
    source, python, no_compiler, tmp_path
):
    said = pip(python, "install", "-v", "-I", ".", cwd=source, env=no_compiler)
    assert said.count(MESSAGE) == 1
    assert "py3-none-any.whl" in said
    shown = show_versions(python, tmp_path, no_compiler)
    assert f"native: not available: {library.FILE.name} was not built" in shown
    assert "install a C compiler" in shown


@pytest.mark.slow
@needs_compiler
def test__install__editable__puts_the_library_into_the_sources(
    source, python, tmp_path
):
    clone = shutil.copytree(source, tmp_path / "clone")
    stub_sources(clone)
    pip(python, "install", "-I", "-e", ".", cwd=clone)
    shown = show_versions(python, tmp_path)
    assert "native: available, instruction set plain" in shown
    assert str(clone / LIBRARY) in shown


def stub_sources(clone: Path) -> None:
    """Replace the kernels, which take long to compile, by what `load` asks for."""
    for file in (clone / CSRC).glob("*.c"):
        if file.name != "layout.c":
            file.unlink()
    names = set(library.SIGNATURES) - {"lnn_abi", "lnn_isa", "lnn_layout"}
    lines = [
        '#include "engines.h"',
        "EXPORT int64_t lnn_abi(void) { return LNN_ABI; }",
        "EXPORT int64_t lnn_isa(int64_t isa) { return isa <= LNN_PLAIN; }",
        *(f"EXPORT void {name}(void) {{}}" for name in sorted(names)),
    ]
    (clone / CSRC / "native.c").write_text("\n".join(lines) + "\n")


@pytest.mark.slow
@needs_compiler
def test__wheel__serves_every_python_and_needs_no_compiler(
    built, python, no_compiler, tmp_path
):
    pip(sys.executable, "wheel", "-w", tmp_path, ".", cwd=built)
    (wheel,) = tmp_path.glob("*.whl")
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    assert wheel.name == f"lnn-{LNN.__version__}-py3-none-{platform}.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert LIBRARY in names
    assert "LNN/estimators/signatures.pyi" in names
    assert not [name for name in names if "native/csrc" in name]
    assert "LNN/kernels/cuda/csrc/wired.cu" in names
    pip(python, "install", "-I", wheel, cwd=tmp_path, env=no_compiler)
    shown = show_versions(python, tmp_path, no_compiler)
    assert "native: available" in shown
    assert str(tmp_path / "venv") in shown


@pytest.mark.slow
@needs_compiler
def test__library__exports_and_needs__nothing_but_its_own(built):
    if shutil.which("nm") is None or sys.platform != "linux":
        pytest.skip("needs nm, on Linux")
    symbols = run("nm", "-D", LIBRARY, cwd=built)
    exported = re.findall(r" [A-TV-Z] (\w+)", symbols)
    assert set(exported) == set(library.SIGNATURES)
    assert not re.findall(r"\b(?:_?Py|GOMP|omp_)\w+", symbols)


@pytest.mark.slow
@needs_compiler
def test__build_in_place__header_newer__builds_again_or_leaves_no_old_library(
    built, no_compiler, tmp_path
):
    clone = shutil.copytree(built, tmp_path / "clone")
    assert MESSAGE not in build_in_place(clone, no_compiler)
    assert (clone / LIBRARY).exists()
    (clone / CSRC / "problem.h").touch()
    assert build_in_place(clone, no_compiler).count(MESSAGE) == 1
    assert not list(clone.rglob(library.FILE.name))


@pytest.mark.slow
@needs_compiler
def test__build_in_place__function_missing__is_no_library(source, tmp_path):
    clone = shutil.copytree(source, tmp_path / "clone")
    stub_sources(clone)
    with (clone / CSRC / "native.c").open("a") as file:
        file.write("int nowhere(void); int caller(void) { return nowhere(); }\n")
    if sys.platform != "linux":
        pytest.skip("only Linux's linker is asked to look")
    assert build_in_place(clone).count(MESSAGE) == 1
    assert not (clone / LIBRARY).exists()


@pytest.mark.slow
def test__sdist__has_the_sources_and_no_library(built, tmp_path):
    command = "from setuptools import build_meta; build_meta.build_sdist({!r})"
    run(sys.executable, "-c", command.format(str(tmp_path)), cwd=built)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        names = {name.partition("/")[2] for name in members.getnames()}
    csrc = {(CSRC / file.name).as_posix() for file in (built / CSRC).iterdir()}
    assert csrc | {"setup.py", "tests/conftest.py"} <= names
    assert LIBRARY not in names
    assert not [name for name in names if name.endswith(".pyc")]
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a checkout: nothing to compare with")
    held = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    # Less what was deleted and is not committed yet.
    held = {name for name in held if (ROOT / name).is_file()}
    assert held - names == LEFT_OUT
