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
ARM_COMPILER = "aarch64-linux-gnu-gcc"
# What chooses a vector (vector.h), and what a compiler then has to be told.
VECTORS = {
    "plain": (),
    "arrays": ("-DLNN_ARRAYS",),
    "avx2": ("-DLNN_VECTOR_AVX2", "-mavx2", "-mfma"),
    "avx512": ("-DLNN_VECTOR_AVX512", "-mavx512f", "-mavx512dq", "-mfma"),
    "neon": ("-DLNN_VECTOR_NEON",),
}
PRECISIONS = {"float": (), "double": ("-DLNN_DOUBLE",)}
MACHINES = {"avx2": "x86_64", "avx512": "x86_64", "neon": "aarch64"}
MOST_ARGUMENTS = 7


def compile_alone(header, compiler, flags):
    strict = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function")
    # A header is no program: it may define what only others use.
    strict += ("-Wno-unused-const-variable", "-Wno-unused-variable")
    command = [compiler, "-std=c99", "-fsyntax-only", "-x", "c", *strict]
    return subprocess.run(
        [*command, *flags, str(CSRC / header)], capture_output=True, text=True
    )


def machine_of(compiler):
    if shutil.which(compiler) is None or compiler == "cl":
        return None
    command = [compiler, "-dumpmachine"]
    return subprocess.run(command, capture_output=True, text=True).stdout


@pytest.fixture(scope="module", params=VECTORS)
def vector(request):
    """A vector's name, a compiler for it and the flags that choose it."""
    name = request.param
    for compiler in (COMPILER, ARM_COMPILER):
        machine = machine_of(compiler)
        if machine and MACHINES.get(name, "") in machine:
            return name, compiler, VECTORS[name]
    pytest.skip(f"needs a compiler like gcc or clang for {MACHINES.get(name, 'here')}")


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("header", HEADERS)
def test__header__alone__compiles(header, vector, precision):
    name, compiler, flags = vector
    own = re.fullmatch(r"(?:vec|engine)_(\w+)\.h", header)
    if own and own[1] != name and own[1] != "plain":
        pytest.skip("another vector's")
    done = compile_alone(header, compiler, (*flags, *PRECISIONS[precision]))
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
