"""What keeps the code readable, checked on its syntax trees.

Imports run one way, files and functions stay short, and each folder says what stands
in it.
"""

from __future__ import annotations

import ast
import pickle
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import LNN

ROOT = Path(LNN.__file__).parent
MAX_FILE, MAX_FUNCTION = 700, 60

# Where functions may be given an estimator: its own rooms, the one door among them, and
# a wrapper around one.
OF_ESTIMATORS = ("LNN/LNN.py", "LNN/estimators/", "LNN/adapters/lags.py")
NAMES_OF_ESTIMATORS = {"estimator", "est", "regressor", "classifier", "lnn"}
# Private by name, public by their documentation.
OF_NAMEDTUPLES = {"_replace", "_asdict", "_fields", "_fields_"}
# What others leave no public way to: ncps's modules, torch's state of transforms.
FOREIGN = {
    "LNN/_warnings.py": {"_getframe"},
    "LNN/adapters/ncps.py": {
        "_epsilon",
        "_implicit_param_constraints",
        "_input_mapping",
        "_ode_unfolds",
        "_output_mapping",
        "_params",
        "_wiring",
    },
    "LNN/cells/base.py": {"_C", "_are_functorch_transforms_active"},
    "LNN/estimators/committing.py": {"_version"},
    "LNN/estimators/structure.py": {"_forward_hooks", "_forward_pre_hooks"},
    "LNN/cells/hooks.py": {
        "_backward_hooks",
        "_backward_pre_hooks",
        "_forward_hooks",
        "_forward_hooks_with_kwargs",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_modules",
    },
    "LNN/kernels/native/description.py": {"_modules", "_parameters"},
    "LNN/kernels/watching.py": {
        "_C",
        "_current_level",
        "_functorch",
        "_len_torch_dispatch_stack",
    },
    "LNN/layers.py": {"_forward_hooks", "_parameters"},
    "LNN/training/kernel_step.py": {"_has_any_global_hook"},
    "LNN/training/snapshot.py": {"_modules", "_parameters"},
}


@cache
def modules() -> dict[str, Path]:
    """Return all modules of the package by their full name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imported(name: str) -> set[str]:
    """Return the modules of the package that a module imports, wherever it does so."""
    path = modules()[name]
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    return imports_in(tree(path), package, set(modules())) - {name}


def _called(node: ast.Call) -> str | None:
    """Return the name of what is called, without what it belongs to."""
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def imports_in(tree: ast.Module, package: str, known: set[str]) -> set[str]:
    """Return what is imported anywhere in a tree: in functions and for types too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                above = ".".join(parts[: len(parts) - node.level + 1])
                base = f"{above}.{base}" if base else above
            for alias in node.names:
                # "from LNN.data import targets" is an import of the module.
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in known else base)
        elif isinstance(node, ast.Call) and _called(node) == "import_module":
            found |= {a.value for a in node.args if isinstance(a, ast.Constant)}
    return found & known


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            begin = stack.index(name)
            group = stack[begin:]
            del stack[begin:]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in number:
            visit(name)
    return found


def a_way_round(graph: dict[str, set[str]], group: list[str]) -> str:
    """Return the shortest circle through the first module of a group, for messages."""
    ways = [[group[0]]]
    seen = {group[0]}
    while True:
        way = ways.pop(0)
        for other in sorted(graph[way[-1]] & set(group)):
            if other == group[0]:
                return " -> ".join([*way, other])
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])


def place(path: Path) -> str:
    """Return a file as the messages and `KNOWN` name it."""
    return path.relative_to(ROOT.parent).as_posix()


def functions(node: ast.AST, owner: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Go through all functions of a tree by qualified name, those inside others too."""
    for child in ast.iter_child_nodes(node):
        inside = owner
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inside = f"{owner}.{child.name}".lstrip(".")
            if not isinstance(child, ast.ClassDef):
                yield inside, child
        yield from functions(child, inside)


def lines_of(function: ast.AST) -> int:
    """Return the lines of a function without its docstring."""
    first = function.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = first.end_lineno - first.lineno + 1 if told else 0
    return function.end_lineno - function.lineno + 1 - docstring


def import_circles() -> Iterator[tuple[str, str]]:
    graph = {name: imported(name) for name in modules()}
    for group in circles(graph):
        yield ", ".join(group), a_way_round(graph, group)


def long_files() -> Iterator[tuple[str, str]]:
    for path in modules().values():
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > MAX_FILE:
            yield place(path), f"{length} lines"


def long_functions() -> Iterator[tuple[str, str]]:
    for path in modules().values():
        for name, function in functions(tree(path)):
            if (length := lines_of(function)) > MAX_FUNCTION:
                yield f"{place(path)}:{name}", f"{length} lines"


def bare_excepts() -> Iterator[tuple[str, str]]:
    for path in modules().values():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                yield place(path), f"line {node.lineno}"


def rooms_without_a_sentence() -> Iterator[tuple[str, str]]:
    for path in modules().values():
        if path.stem == "__init__":
            words = (ast.get_docstring(tree(path)) or "").split("\n\n")[0].strip()
            if not words.endswith(".") or words.count(". "):
                yield place(path), f"the docstring begins with {words!r}"


def estimators_as_arguments() -> Iterator[tuple[str, str]]:
    for path in modules().values():
        if place(path).startswith(OF_ESTIMATORS):
            continue
        for name, function in functions(tree(path)):
            given = function.args
            names = {
                a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)
            }
            if names & NAMES_OF_ESTIMATORS:
                yield f"{place(path)}:{name}", ", ".join(names & NAMES_OF_ESTIMATORS)


def private_parts_of_others() -> Iterator[tuple[str, str]]:
    """Find `other._x` where no class or function of the same file is called so."""
    for path in modules().values():
        allowed = FOREIGN.get(place(path), set()) | OF_NAMEDTUPLES
        allowed = allowed | {name.split(".")[-1] for name, _ in functions(tree(path))}
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Attribute):
                continue
            private = node.attr.startswith("_") and not node.attr.startswith("__")
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if private and not own and node.attr not in allowed:
                yield f"{place(path)}:{node.lineno}", ast.unparse(node)


def rollbacks() -> Iterator[tuple[str, str]]:
    """Find `vars(...).clear()` and `.pop()`: objects that are taken back by hand."""
    for path in modules().values():
        for node in ast.walk(tree(path)):
            taken = isinstance(node, ast.Attribute) and node.attr in ("clear", "pop")
            if taken and ast.unparse(node.value).startswith("vars("):
                yield f"{place(path)}:{node.lineno}", ast.unparse(node)


def global_random_numbers() -> Iterator[tuple[str, str]]:
    """Find scikit-learn's `check_random_state`, which takes numpy's global for None."""
    for path in modules().values():
        for node in ast.walk(tree(path)):
            names = getattr(node, "names", ()) if path.name != "_random.py" else ()
            if any(getattr(n, "name", "") == "check_random_state" for n in names):
                yield f"{place(path)}:{node.lineno}", "use LNN._random.random_source"


CHECKS = {
    "circle": import_circles,
    "file": long_files,
    "function": long_functions,
    "except": bare_excepts,
    "room": rooms_without_a_sentence,
    "estimator": estimators_as_arguments,
    "private": private_parts_of_others,
    "rollback": rollbacks,
    "random": global_random_numbers,
}


@pytest.mark.parametrize("check", CHECKS)
def test__package__syntax_trees__hold_nothing_of_this_kind(check):
    found = [f"{where}: {what}" for where, what in CHECKS[check]()]
    assert not found, "\n".join(["", *found])


def test__fit_predict_and_streams__give_an_estimator_to_no_other_room():
    """What names cannot tell: watch every call that is really made."""
    given = set()

    def watch(frame, event, _):
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(str(ROOT)):
            return
        where = Path(code.co_filename).relative_to(ROOT.parent).as_posix()
        if where.startswith(OF_ESTIMATORS):
            return
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        # Closures of scikit-learn and of callers may hold one; arguments may not.
        values = [frame.f_locals.get(name) for name in names]
        if any(isinstance(value, LNN.LiquidNeuralNetwork) for value in values):
            given.add(f"{where}:{code.co_name}")

    t = np.arange(90)
    X = np.column_stack([np.sin(0.3 * t), np.cos(0.3 * t)])
    how = {"n_neurons": 6, "window_length": 5, "epochs": 2, "device": "cpu"}
    regressor = LNN.LiquidRegressor(**how, early_stopping=True, scoring="r2")
    classifier = LNN.LiquidClassifier(**how, warm_start=True)
    sys.setprofile(watch)
    try:
        regressor.fit(X, X[:, 0]).partial_fit(X, X[:, 0])
        classifier.fit(X, X[:, 0] > 0).fit(X, X[:, 0] > 0)
        for model, y in ((regressor, 0.5), (classifier, True)):
            model.score(X, X[:, 0] if model is regressor else X[:, 0] > 0)
            model.summary()
            for adapt in ("readout", "sgd"):
                stream = model.stream("carry", adapt=adapt)
                stream.step(X[0])
                stream.update(y)
                stream.commit()
        classifier.predict_proba(X)
        pickle.loads(pickle.dumps(regressor))
    finally:
        sys.setprofile(None)
    assert not given


def test__circles__of_a_graph__are_found_and_told():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": set(), "e": {"e2"}}
    graph["e2"] = {"e"}
    assert circles(graph) == [["a", "b", "c"], ["e", "e2"]]
    assert a_way_round(graph, ["a", "b", "c"]) == "a -> b -> c -> a"


SNIPPET = """
from typing import TYPE_CHECKING
from . import first
from ..outer import name
if TYPE_CHECKING:
    from p.types import Kind
def late():
    import p.late
    from importlib import import_module
    import_module("p.by_name")
    from p.q import other
"""


def test__imports_in__functions_types_and_relative_ones__all_count():
    known = {
        "p.q",
        "p.q.first",
        "p.outer",
        "p.types",
        "p.late",
        "p.by_name",
        "p.unused",
    }
    found = imports_in(ast.parse(SNIPPET), "p.q", known)
    assert found == known - {"p.unused"}


def test__functions__in_classes_and_functions__are_measured_without_docstring():
    source = 'class A:\n  def f(self):\n    """One.\n\n    Two."""\n    def g(): pass\n'
    lengths = {name: lines_of(f) for name, f in functions(ast.parse(source))}
    assert lengths == {"A.f": 2, "A.f.g": 1}
