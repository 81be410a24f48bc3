"""Builds the native library; everything else about the package is in setup.cfg."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from textwrap import shorten

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

NAME = "LNN.kernels.native._native"
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
CSRC = Path("LNN", "kernels", "native", "csrc")
# Never -ffast-math: it breaks the rounding that the exponential relies on, and some
# linkers then switch off subnormal numbers for the whole process. No -march either:
# the source holds every instruction set and picks one when it runs.
FLAGS = [
    "-std=c99",
    "-O3",
    "-g0",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fvisibility=hidden",
]
MSVC_FLAGS = ["/std:c11", "/O2", "/fp:precise"]


class BuildLibrary(build_ext):
    """A plain shared library instead of a module; without one the install goes on."""

    def run(self) -> None:
        target = self.get_ext_fullpath(NAME)  # beside library.py if in place
        try:
            super().run()
        except (BaseError, CCompilerError, OSError) as error:
            self._go_on_without(error, Path(target))

    def build_extension(self, ext: Extension) -> None:
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args = MSVC_FLAGS
        else:
            ext.extra_compile_args, ext.libraries = FLAGS, ["m"]
        if sys.platform == "linux":  # what is missing fails here, not when it is loaded
            ext.extra_link_args = ["-Wl,-z,defs"]
        super().build_extension(ext)

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + SUFFIX

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return []  # the source marks them; there is no PyInit function

    def get_libraries(self, ext: Extension) -> list[str]:
        return ext.libraries  # without Python's own

    def _go_on_without(self, error: Exception, target: Path) -> None:
        # What an earlier build left belongs to other sources: it must not be packed.
        for stale in (target, Path(self.build_lib, self.get_ext_filename(NAME))):
            stale.unlink(missing_ok=True)
        self.extensions: list[Extension] = []
        reason = shorten(str(error), 100, placeholder=" ...")
        line = f"LNN goes without its native library and will run on torch: {reason}"
        self.announce(line, logging.WARNING)


class TagWheel(bdist_wheel):
    """One wheel per platform for every Python; py3-none-any without the library."""

    def get_tag(self) -> tuple[str, str, str]:
        if not self.get_finalized_command("build_ext").extensions:
            self.root_is_pure = True
            return super().get_tag()
        return ("py3", "none", super().get_tag()[2])


def files(pattern: str) -> list[str]:
    """The C files of a kind, as setuptools wants them."""
    return sorted(path.as_posix() for path in CSRC.glob(pattern))


setup(
    ext_modules=[
        Extension(
            NAME,
            sources=files("*.c"),
            depends=["setup.py", *files("*.h")],
        )
    ],
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": TagWheel},
)
