"""What compilers, analysers and machines without an FPU say of models in integers.

`make edge-tools` installs on Debian what these tests need.
"""

import re
import shutil
from pathlib import Path

import constraint_cases
import pytest
from cases import fitted
from narrow_limits import NARROW_LIMITS
from processes import finished

from LNN.export import to_c

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "examples" / "cortex_m4"
# All functions of the runtime, in few models.
SOME = (
    "CfC default",
    "CfC full gelu",
    "CfC full silu",
    "LTC semi-implicit",
    "LTC exponential",
    "GRU gates",
    "walk mask",
    "patch mean",
    "anchors",
    "label",
    "CfC motor",
    "rates",
)
STRICT = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
# What compilers call to compute with floats.
SOFT_FLOATS = re.compile(r"__aeabi_[fd]|__aeabi_\w*2[fd]|[sd]f[23si]|float")
pytestmark = [NARROW_LIMITS, pytest.mark.slow]
each_model = pytest.mark.parametrize("name", SOME)


def needs(*tools):
    gone = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(gone), reason=f"needs {', '.join(gone)}")


def written(name, folder):
    limited = name in constraint_cases.CASES
    estimator = constraint_cases.fitted(name)[0] if limited else fitted(name).estimator
    to_c(estimator, folder / "model.c", "q15")


def run(folder, command):
    """Run a command in a folder; return what it says, if it succeeds."""
    done = finished(command, shell=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs("clang")
@each_model
def test_sanitizers_find_nothing(name, tmp_path):
    written(name, tmp_path)
    checks = "address,undefined,implicit-conversion"
    run(
        tmp_path,
        f"clang {STRICT} -g -O1 -fsanitize={checks} -fno-sanitize-recover=all "
        "model.c self_test.c -o test && ./test",
    )


@needs("cppcheck")
@each_model
def test_cppcheck_finds_nothing(name, tmp_path):
    written(name, tmp_path)
    run(
        tmp_path,
        "cppcheck -q --std=c99 --enable=warning,style,performance,portability "
        "-DLNN_FLOAT --error-exitcode=1 --suppress=missingIncludeSystem model.c",
    )


@needs("g++")
@each_model
def test_the_source_is_cpp_too(name, tmp_path):
    written(name, tmp_path)
    warnings = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -DLNN_FLOAT"
    run(tmp_path, f"g++ {warnings} -x c++ model.c self_test.c -o t && ./t")


# Of each the compiler's options, qemu's machine, and its flash and RAM.
MACHINES = {
    "cortex-m0": ("microbit", "256K", "16K"),
    "cortex-m3": ("mps2-an385", "4M", "4M"),
}


@needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("cpu", MACHINES)
@each_model
def test_machines_without_an_fpu_answer_bit_by_bit(name, cpu, tmp_path):
    """The self-test compares the sum of all bits with what this machine answered."""
    machine, flash, ram = MACHINES[cpu]
    written(name, tmp_path)
    script = (BOARD / "link.ld").read_text().replace("x00000000, LENGTH = 4M", "$1")
    script = script.replace("LENGTH = 4M", f"LENGTH = {ram}")
    script = script.replace("$1", f"x00000000, LENGTH = {flash}")
    (tmp_path / "link.ld").write_text(script)
    run(
        tmp_path,
        f"arm-none-eabi-gcc {STRICT} -O2 -mcpu={cpu} -mthumb --specs=rdimon.specs "
        f"model.c self_test.c {BOARD}/startup.c -T link.ld -o image.elf",
    )
    qemu = f"qemu-system-arm -M {machine} -semihosting -nographic -kernel image.elf"
    assert run(tmp_path, qemu).startswith("PASS")


def calls_of(folder, nm):
    """Return the symbols that an object wants from elsewhere."""
    return set(re.findall(r"U (\S+)", run(folder, f"{nm} model.o")))


@needs("arm-none-eabi-gcc", "avr-gcc")
@each_model
def test_nothing_of_floats_is_linked(name, tmp_path):
    written(name, tmp_path)
    cortex = "-Os -mcpu=cortex-m0 -mthumb"
    run(tmp_path, f"arm-none-eabi-gcc {STRICT} {cortex} -c model.c")
    calls = calls_of(tmp_path, "arm-none-eabi-nm")
    known = {"memcpy", "memset", "memmove", "__aeabi_idiv", "__aeabi_uidiv"}
    known |= {"__aeabi_lmul", "__aeabi_idivmod", "__aeabi_uidivmod"}
    assert calls <= known | {c for c in calls if c.startswith("__gnu_thumb1_case")}
    run(tmp_path, f"avr-gcc {STRICT} -Os -mmcu=atmega1284p -c model.c")
    assert not [c for c in calls_of(tmp_path, "avr-nm") if SOFT_FLOATS.search(c)]
    # The door of floats has some, so that the pattern is one that finds them.
    run(tmp_path, f"avr-gcc {STRICT} -Os -DLNN_FLOAT -mmcu=atmega1284p -c model.c")
    assert [c for c in calls_of(tmp_path, "avr-nm") if SOFT_FLOATS.search(c)]


def test_these_models_have_all_functions_of_the_runtime(tmp_path):
    """What is not in them was looked at by no tool."""
    calls = set()
    for name in SOME:
        written(name, tmp_path)
        calls |= set(re.findall(r"lnn_(\w+)\(", (tmp_path / "model.c").read_text()))
    runtime = ROOT / "LNN" / "export" / "c" / "runtime"
    own = {path.stem[: -len("_q15")] for path in runtime.glob("*_q15.c")}
    assert not {n for n in own if not n.startswith(("cell_", "self_test"))} - calls
