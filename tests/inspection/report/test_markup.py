"""Text is escaped wherever it comes from; numbers are short."""

import json

import numpy as np
import pytest

from LNN.inspection.report.charts import binned, nice_ticks
from LNN.inspection.report.markup import Html, data_block, h, number, table

BAD = "</script><b>&\"'"


def test__h__text_and_attributes__are_escaped():
    made = h("td", BAD, [BAD, None, 3], title=BAD, data_row=1, hidden=True, id=None)
    assert "<b>" not in made
    assert made.count("&lt;b&gt;") == 3
    assert 'data-row="1" hidden>' in made
    assert "id=" not in made


def test__h__html__is_left_as_it_is():
    assert h("p", Html("<b>x</b>"), "<") == "<p><b>x</b>&lt;</p>"
    assert h("input", type="range") == '<input type="range">'


def test__table__cells__are_escaped():
    assert "<b>" not in table([BAD], [[BAD, BAD, 1.5]], BAD)


def test__data_block__any_text__cannot_end_the_block():
    made = data_block("data", {"name": BAD, "other": "<!--"})
    inner = made.removeprefix('<script type="application/json" id="data">')
    inner = inner.removesuffix("</script>")
    assert "<" not in inner
    assert json.loads(inner) == {"name": BAD, "other": "<!--"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (12345, "12,345"),
        (-1.23456, "−1.23"),
        (123.456, "123"),
        (0.00123456, "0.00123"),
        (1e-7, "1.00e−07"),
        (2.5e9, "2.50e+09"),
        (np.nan, "–"),
        (1 / 3, "0.333"),
    ],
)
def test__number__is_short(value, text):
    assert number(value) == text


def test__binned__sums_and_keeps_what_is_missing():
    values = np.array([[np.nan, np.nan, 1.0, 2.0, 3.0, 4.0, 5.0]])
    cells, size = binned(values, 4)
    assert size == 2
    np.testing.assert_array_equal(cells, [[np.nan, 1.0, 5.0, 9.0]])
    same, one = binned(values, 7)
    assert one == 1
    assert same is values


def test__nice_ticks__are_round_and_inside():
    for low, high in ((-3.2, 7.9), (0.0012, 0.0057), (10_000, 250_000)):
        ticks = nice_ticks(low, high)
        assert 3 <= len(ticks) <= 11
        assert low - 1e-9 <= ticks[0] < ticks[-1] <= high + 1e-9
