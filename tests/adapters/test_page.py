"""The code of docu/adapters.md runs, each section beside the library that it is for."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docu" / "adapters.md"
# What other libraries deprecate themselves is not the reader's matter.
pytestmark = pytest.mark.filterwarnings("default")


def sections():
    """Return the code of each section."""
    found = {}
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.M)[1:]:
        code = "\n".join(re.findall(r"```python\n(.*?)```", part, flags=re.S))
        if code:
            found[part.partition("\n")[0]] = code
    return found


SECTIONS = sections()
LIBRARIES = ("sktime", "aeon", "river", "dask", "ray", "skforecast", "darts")


@pytest.mark.parametrize("title", SECTIONS)
def test__page__code_of_each_section__runs(title, tmp_path, monkeypatch):
    code = SECTIONS[title]
    for library in LIBRARIES:
        if re.search(rf"^(from|import) {library}\b", code, flags=re.M):
            pytest.importorskip(library, reason="make check-adapters runs this")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, f"{PAGE}, {title}", "exec"), {"__name__": "docs"})


def test__page__every_library__has_a_section_with_code():
    assert {*LIBRARIES, "make_reduction", "Nixtla frames"} <= set(SECTIONS)
