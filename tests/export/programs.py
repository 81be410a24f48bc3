"""Other languages in which tests run models: node, and Clojure of Debian's package."""

import shutil
from pathlib import Path

import pytest
from processes import finished

HERE = Path(__file__).parent
NODE = shutil.which("node")
# Debian's package: the official command line needs the network at its first run.
JAVA, JAR = shutil.which("java"), Path("/usr/share/java/clojure.jar")
LIBRARY = HERE.parent.parent / "examples" / "clojure"

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
needs_clojure = pytest.mark.skipif(
    JAVA is None or not JAR.exists(), reason="Debian's package clojure is not installed"
)


def node(*arguments, cwd=None, status=0):
    """Run node; return what it prints."""
    return _run([NODE, *map(str, arguments)], cwd, status)


def clojure(*arguments):
    """Run clojure on the library; return what it prints."""
    path = f"{JAR}:src:test"
    return _run([JAVA, "-cp", path, "clojure.main", *map(str, arguments)], LIBRARY)


def _run(command, cwd, status=0):
    done = finished(command, cwd=cwd)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout
