"""Without the library that an adapter is for, the error names the extra to install."""

import importlib
import sys

import pytest

from LNN.exceptions import MissingDependencyError


@pytest.mark.parametrize("library", ["sktime", "aeon", "river"])
def test__adapter__library_missing__names_the_extra(library, monkeypatch):
    name = f"LNN.adapters.{library}"
    for loaded in [
        m for m in sys.modules if m == library or m.startswith(f"{library}.")
    ]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(MissingDependencyError, match=rf'install "LNN\[{library}\]"'):
        importlib.import_module(name)
