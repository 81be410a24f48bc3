"""Build fuzz.c with the native library's sources, and run it.

As a program (`make sanitize`) it tries 100,000 random problems with the optimised
library, and many of them under sanitizers.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "helpers"))

from processes import finished  # noqa: E402

CSRC = HERE.parents[1] / "LNN" / "kernels" / "native" / "csrc"
# Those of setup.py.
OPTIMISED = ("-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
# Inlining everything, as the library does, takes sanitizers minutes to compile.
QUICK = ("-O1", "-g", "-Dalways_inline=unused")
SANITIZE = (*QUICK, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RACES = (*QUICK, "-fsanitize=thread")
ARRAYS = ("-DLNN_ARRAYS",)  # plain C99 in place of the compiler's vectors


def build(folder: Path, compiler: str = "gcc", flags: tuple[str, ...] = ()) -> Path:
    """Compile the library's sources and fuzz.c into one program."""
    command = [compiler, "-std=c99", *flags, f"-I{CSRC}"]
    sources = [*sorted(CSRC.glob("*.c")), HERE / "fuzz.c"]

    def compile_one(source: Path) -> str:
        target = folder / f"{source.stem}.o"
        _check([*command, "-c", str(source), "-o", str(target)])
        return str(target)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, sources))
    program = folder / "fuzz"
    _check([*command, *objects, "-o", str(program), "-lm", "-lpthread"])
    return program


def run(program: Path, count: int, seed: int, *more: str, before=(), timeout=None):
    """Run so many problems; return what was printed, or raise with it."""
    command = [*before, str(program), str(count), str(seed), *more]
    return _check(command, timeout=timeout)


def _check(command: list[str], timeout: float | None = None) -> str:
    done = finished(command, timeout=timeout)
    if done.returncode:
        output = (done.stdout + done.stderr)[-5000:]
        raise RuntimeError(
            f"{' '.join(command)}\nended with {done.returncode}\n{output}"
        )
    return done.stdout


def main() -> None:
    """Run everything that this machine can run, and say how long it took."""
    programs = [
        ("optimised", "cc", OPTIMISED, 100_000),
        ("address, undefined", "gcc", SANITIZE, 10_000),
        ("address, undefined, arrays", "gcc", (*SANITIZE, *ARRAYS), 1_000),
        ("address, undefined, clang", "clang", SANITIZE, 2_000),
        ("races", "gcc", RACES, 2_000),
    ]
    for name, compiler, flags, count in programs:
        if not shutil.which(compiler):
            print(f"{name}: there is no {compiler} here")
            continue
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            program = build(Path(folder), compiler, flags)
            built = time.monotonic()
            seed = int(time.time())
            found = run(program, count, seed).strip()
            spent = time.monotonic() - built
            print(f"{name}: {found} (built in {built - start:.0f} s, {spent:.0f} s)")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
