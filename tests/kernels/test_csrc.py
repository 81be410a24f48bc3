"""The C sources as a reader and an editor see them: headers, includes, arguments."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from fuzzing import CSRC

HEADERS = sorted(path.name for path in CSRC.glob("*.h"))
COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]
# What chooses an engine (vector.h), and what a compiler then has to be told.
ENGINES = {
    "float": (),
    "double": ("-DLNN_DOUBLE",),
    "arrays": ("-DLNN_ARRAYS",),
    "avx2": ("-DLNN_VECTOR_AVX2", "-mavx2", "-mfma"),
    "avx512": ("-DLNN_VECTOR_AVX512", "-mavx512f", "-mavx512dq", "-mfma"),
}
ONLY = {"vec_avx2.h": ["avx2"], "vec_avx512.h": ["avx512"]}
MOST_ARGUMENTS = 7


def compile_alone(header, engine):
    strict = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function")
    # A header is no program: it may define what only others use.
    strict += ("-Wno-unused-const-variable", "-Wno-unused-variable")
    command = [COMPILER, "-std=c99", "-fsyntax-only", "-x", "c", *strict]
    return subprocess.run(
        [*command, *ENGINES[engine], str(CSRC / header)],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def compiler():
    if shutil.which(COMPILER) is None or COMPILER == "cl":
        pytest.skip("needs a C compiler with the options of gcc and clang")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("header", HEADERS)
def test__header__alone__compiles(header, engine, compiler):
    if engine not in ONLY.get(header, ENGINES):
        pytest.skip("another engine's")
    machine = subprocess.run(
        [COMPILER, "-dumpmachine"], capture_output=True, text=True
    ).stdout
    if engine.startswith("avx") and "x86_64" not in machine:
        pytest.skip("another processor's")
    done = compile_alone(header, engine)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("header", HEADERS)
def test__header__guard__bears_its_name(header):
    text = (CSRC / header).read_text()
    guard = f"LNN_{Path(header).stem.upper()}_H"
    code = re.sub(r"/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    assert code.startswith(f"#ifndef {guard}\n#define {guard}\n")
    assert code.endswith("\n#endif\n")


def includes(name):
    return re.findall(r'^#include "(.+)"', (CSRC / name).read_text(), re.MULTILINE)


def test__includes__follow_them__lead_in_no_circle():
    done = set()

    def follow(name, way):
        assert name not in way, f"a circle: {' -> '.join((*way, name))}"
        if name not in done:
            for other in includes(name):
                follow(other, (*way, name))
            done.add(name)

    for source in sorted(CSRC.glob("*.c")):
        follow(source.name, ())
    assert done.issuperset(HEADERS), "a header that nothing includes"


def test__schedules__problem_for_each__are_chosen_in_one_place():
    used = {
        path.name: re.findall(r"\b(?:takes\(|_takes\b)", path.read_text())
        for path in CSRC.glob("*.[ch]")
    }
    choosing = {name for name, found in used.items() if "takes(" in found}
    assert choosing == {"engine.h"}


@pytest.mark.parametrize("path", sorted(CSRC.glob("*.[ch]")), ids=lambda p: p.name)
def test__functions__arguments__are_few(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    heads = re.findall(r"^(?:static|EXPORT)[^;={}]*?\b(\w+)\(([^()]*)\) \{", text, re.M)
    many = {
        name: arguments.count(",") + 1
        for name, arguments in heads
        if arguments.count(",") + 1 > MOST_ARGUMENTS
    }
    assert not many
