"""Without the library that an adapter is for, the error names the extra to install."""

import importlib
import sys

import numpy as np
import pytest

from LNN import LTC, LiquidRegressor, to_ncps
from LNN.exceptions import MissingDependencyError


def test__ncps_missing__names_wirings_need_none_and_weights_name_the_extra(monkeypatch):
    for loaded in [m for m in sys.modules if m == "ncps" or m.startswith("ncps.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, "ncps", None)
    rows = np.zeros((20, 2))
    for wiring in ("ncp", "full", "random"):
        LiquidRegressor(8, wiring=wiring, epochs=1).fit(rows, np.arange(20.0))
    with pytest.raises(MissingDependencyError, match=r'install "LNN\[ncps\]"'):
        to_ncps(LTC(2, 4))


@pytest.mark.parametrize("library", ["sktime", "aeon", "river", "dask", "ray"])
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
