"""The code in README and docu runs as it stands there; public methods are described."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import LNN
from LNN.anomaly.stream import DetectorStream
from LNN.forecasting.stream import ForecastStream

ROOT = Path(__file__).parent.parent
TOP = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
PAGES = [*TOP, *sorted((ROOT / "docu").glob("*.md"))]
# Its code needs other libraries, section by section: see tests/adapters/test_page.py.
ELSEWHERE = {"adapters.md"}
# Its exporters take longer than all other pages; tests/export has fast tests of both.
SLOW = {"export.md"}
# What the code of a page needs beyond LNN.
NEEDS = {
    "export.md": ("onnxscript", "onnxruntime", "skl2onnx"),
    "scale.md": ("pyarrow",),
}


def blocks(page: Path) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.S))


# torch's exporter to ONNX calls what torch deprecates.
@pytest.mark.quick_cases(
    "README.md",
    "guide.md",
    "time.md",
    "wiring.md",
    "torch.md",
    "pickles.md",
    "export.md",
    "control.md",
    "datasets.md",
    "baselines.md",
)
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if page.name in SLOW else [])
        for page in PAGES
        if page.name not in ELSEWHERE
    ],
    ids=lambda page: page.name,
)
def test__docs__code_blocks__run(page, tmp_path, monkeypatch):
    code = blocks(page)
    if not code:
        pytest.skip(f"{page.name} has no code")
    for name in NEEDS.get(page.name, ()):
        pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(page), "exec"), {"__name__": "docs"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test__docs__links_to_files__exist(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test__docs__numbers__are_filled_in(page):
    assert "@" + "@" not in page.read_text()


def test__reference_pages__docstrings__are_up_to_date():
    import importlib.util

    import LNN

    path = ROOT / "docu" / "build_reference.py"
    spec = importlib.util.spec_from_file_location("build_reference", path)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    for name in build.CLASSES:
        page = (build.PAGES / f"{name}.html").read_text(encoding="utf-8")
        assert page == build.page(getattr(LNN, name)), "run: make reference"


def test__html_repr__parameter_links__lead_to_the_parameter():
    pytest.importorskip("sklearn", minversion="1.8", reason="the links")
    import html
    from urllib.parse import unquote, urlparse

    from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor

    for cls in (LiquidRegressor, LiquidClassifier, LiquidNeuralNetwork):
        links = re.findall(r'href="(file:[^"]+)"', cls()._repr_html_())
        fragments = [link for link in links if "#:~:text=" in link]
        assert len(fragments) == len(cls().get_params())
        for link in fragments:
            address, text = html.unescape(link).split("#:~:text=")
            page = Path(unquote(urlparse(address).path)).read_text(encoding="utf-8")
            shown = html.unescape(re.sub(r"<[^>]+>", "", page))
            name, kind = (unquote(part) for part in text.split(",-"))
            assert f"{name}{kind}" in shown


def public_methods():
    """Return the methods of the classes that users call, and the tools, by name."""
    classes = [
        *(LNN.LiquidNeuralNetwork, LNN.LiquidForecaster, LNN.LiquidAnomalyDetector),
        *(LNN.LiquidNetwork, LNN.LiquidStream, LNN.SequenceScaler, LNN.Wiring),
        *(LNN.streaming.PipelineStream, LNN.streaming.LiquidPolicy),
        *(ForecastStream, DetectorStream),
    ]
    found = {}
    for module in (LNN.inspection, LNN.safety):
        tools = [getattr(module, name) for name in module.__all__]
        found |= {tool.__name__: tool for tool in tools if inspect.isfunction(tool)}
    classes += [kind for kind in vars(LNN.inspection).values() if inspect.isclass(kind)]
    for kind in classes:
        for name, method in inspect.getmembers(kind, callable):
            owner = getattr(inspect.unwrap(method), "__module__", "")
            if not name.startswith("_") and owner.startswith("LNN"):
                found[f"{kind.__name__}.{name}"] = method
    return found


@pytest.mark.parametrize("name", public_methods())
def test__docstrings__of_public_methods__have_parameters_and_returns(name):
    method = inspect.unwrap(public_methods()[name])
    text = inspect.getdoc(method) or ""
    signature = inspect.signature(method)
    if set(signature.parameters) - {"self", "cls"}:
        assert "\nParameters\n----------\n" in text
    if signature.return_annotation != "None":
        assert "\nReturns\n-------\n" in text
