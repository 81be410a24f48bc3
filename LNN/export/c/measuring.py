"""What integers cost, measured: the self-test is compiled here and run."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from LNN.exceptions import InvalidInputError
from LNN.export.c.compiled import find_compiler
from LNN.export.c.files import header_text, source_text
from LNN.export.c.program import Program
from LNN.export.c.self_test import self_test_text


def measure(program: Program) -> None:
    """Find how far answers are off, and the sum of their bits.

    Raises
    ------
    InvalidInputError
        If there is no compiler.
    """
    try:
        compiler = find_compiler()
    except InvalidInputError as error:
        raise InvalidInputError(
            f'{error} dtype="q15" runs what it wrote, to tell how far it is off.'
        ) from error
    with tempfile.TemporaryDirectory(prefix="lnn-") as name:
        folder = Path(name)
        texts = {
            "model.h": header_text(program),
            "model.c": source_text(program, "model.h"),
            "self_test.c": self_test_text(program, "model.h"),
        }
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
        made = folder / "self_test.exe"
        command = [compiler, "-O1", "self_test.c", "model.c", "-o", str(made)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise InvalidInputError(
                f"{compiler} refused the model:\n{done.stderr[-2000:]}"
            )
        told = subprocess.run([str(made)], capture_output=True, text=True).stdout
    off, bits = re.findall(r"difference (\d+) .* bits (\d+)", told)[0]
    program.difference, program.bits = round((int(off) + 1) * 1e-6, 6), int(bits)
