"""What other compilers, analysers and machines say of the C of models.

`make edge-tools` installs on Debian what these tests need.
"""

import shutil
from pathlib import Path

import constraint_cases
import pytest
from cases import CASES, fitted
from narrow_limits import NARROW_LIMITS
from processes import finished

from LNN.export import to_c

HERE = Path(__file__).parent
# All kinds of functions that models have, in few models.
SOME = ("CfC pure", "CfC full gelu", "LTC rk4", "mask LTC", "LSTM gates", "GRU gates")
PARTS = ("whole memory", "pooling attention", "own scale patch", "walk mask", "label")
LIMITS = ("rates", "two quadratic")
CORTEX_M4 = "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard"
STRICT = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
pytestmark = [NARROW_LIMITS, pytest.mark.slow]


def needs(*tools):
    gone = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(gone), reason=f"needs {', '.join(gone)}")


def written(name, folder, dtype="float32"):
    longest = 64 if "own scale" in name else None
    if name in LIMITS:
        estimator = constraint_cases.fitted(name)[0]
    else:
        estimator = fitted(name).estimator
    to_c(estimator, folder / "model.c", dtype, longest=longest)


def run(folder, command):
    """Run a command in a folder; return what it says, if it succeeds."""
    done = finished(command, shell=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


each_model = pytest.mark.parametrize("name", SOME + PARTS + LIMITS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "int8"])


@needs("clang")
@each_dtype
@each_model
def test_sanitizers_find_nothing(name, dtype, tmp_path):
    written(name, tmp_path, dtype)
    checks = "address,undefined,float-cast-overflow"
    run(
        tmp_path,
        f"clang {STRICT} -g -O1 -fsanitize={checks} -fno-sanitize-recover=all "
        "model.c self_test.c -lm -o test && ./test",
    )


@needs("clang")
@each_model
def test_numbers_that_are_none_do_no_harm(name, tmp_path):
    """Not even where a model does not allow them: the past is lost, nothing else."""
    written(name, tmp_path)
    (tmp_path / "wild.c").write_text("""\
#include <math.h>
#include "model.h"
int main(void)
{
    static const float wild[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0.0f, 1e-45f};
    static lnn_state s;
    float x[LNN_CHANNELS], y[LNN_ANSWERS];
    int i, k;
    lnn_reset(&s);
    for (i = 0; i < 2000; i++) {
        for (k = 0; k < LNN_CHANNELS; k++) x[k] = wild[(i / (k + 1) + i % 11) % 7];
        lnn_step(&s, x, wild[i % 7], y);
        if (i % 50 == 0) lnn_reset(&s);
    }
    return 0;
}
""")
    checks = "address,undefined,float-cast-overflow"
    run(
        tmp_path,
        f"clang {STRICT} -O1 -fsanitize={checks} -fno-sanitize-recover=all "
        "model.c wild.c -lm -o wild && ./wild",
    )


@needs("cppcheck")
@each_dtype
@each_model
def test_cppcheck_finds_nothing(name, dtype, tmp_path):
    written(name, tmp_path, dtype)
    run(
        tmp_path,
        "cppcheck -q --std=c99 --enable=warning,style,performance,portability "
        "--error-exitcode=1 --suppress=missingIncludeSystem model.c",
    )


@needs("g++")
@each_dtype
@each_model
def test_the_source_is_cpp_too(name, dtype, tmp_path):
    written(name, tmp_path, dtype)
    warnings = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
    run(tmp_path, f"g++ {warnings} -x c++ model.c self_test.c -lm -o t && ./t")


@needs("arm-linux-gnueabihf-gcc", "qemu-arm-static")
@each_dtype
@each_model
def test_32_bit_arm_answers_alike(name, dtype, tmp_path):
    written(name, tmp_path, dtype)
    build = f"arm-linux-gnueabihf-gcc {STRICT} -O2 -static model.c self_test.c -o t"
    assert run(tmp_path, f"{build} -lm && qemu-arm-static t").startswith("PASS")


@needs("arm-none-eabi-gcc", "qemu-system-arm")
@each_dtype
@each_model
def test_a_cortex_m4_answers_alike(name, dtype, tmp_path):
    written(name, tmp_path, dtype)
    board = HERE.parents[1] / "examples" / "cortex_m4"
    run(
        tmp_path,
        f"arm-none-eabi-gcc {STRICT} -O2 {CORTEX_M4} --specs=rdimon.specs model.c "
        f"self_test.c {board}/startup.c -T {board}/link.ld -lm -o m4.elf",
    )
    machine = "qemu-system-arm -M mps2-an386 -semihosting -nographic -kernel m4.elf"
    assert run(tmp_path, machine).startswith("PASS")


@needs("avr-gcc")
@each_dtype
@each_model
def test_avr_compiles(name, dtype, tmp_path):
    """There an int has 16 bits."""
    written(name, tmp_path, dtype)
    run(tmp_path, f"avr-gcc {STRICT} -Os -mmcu=atmega1284p -c model.c -o model.o")


def test_these_models_have_all_functions_of_the_runtime(tmp_path):
    """What is not in them was looked at by no tool."""
    calls = set()
    for name in SOME + PARTS + LIMITS:
        for dtype in ("float32", "int8"):
            written(name, tmp_path, dtype)
            calls |= set((tmp_path / "model.c").read_text().split("("))
    assert set(CASES) > set(SOME + PARTS)
    runtime = HERE.parents[1] / "LNN" / "export" / "c" / "runtime"
    inline = [p for p in runtime.glob("*.c") if not p.stem.endswith(("_libm", "_q15"))]
    known = "\n".join(calls)
    functions = [p for p in inline if not p.stem.startswith(("cell_", "self_test"))]
    missing = [p.stem for p in functions if f"lnn_{p.stem.split('_')[0]}" not in known]
    assert not missing
