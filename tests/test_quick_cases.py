"""The mark of `helpers/quick.py` takes what it names, and nothing that is not there."""

import pytest
from quick import quick

pytest_plugins = ["pytester"]

FILE = """
import pytest

@pytest.mark.quick_cases({names})
@pytest.mark.parametrize("letter", ["a", "b", "c"])
def test__letter(letter):
    pass
"""


@pytest.fixture
def collected(pytester, monkeypatch):
    """What a run with `-m "not slow"` says of the file above, by the names it has."""

    def run(names, *arguments):
        path = pytester.makepyfile(FILE.format(names=names))
        pytester.makeini("[pytest]\nmarkers = slow\n    quick_cases")
        place = [f"{path}{each}" for each in arguments] or [path]
        return pytester.runpytest_inprocess("-p", "quick", "-m", "not slow", *place)

    return run


def test__quick_cases__some__are_not_slow(collected):
    collected("'a', 'c'").assert_outcomes(passed=2, deselected=1)


def test__quick_cases__one_case_asked_for__is_slow_or_not_as_ever(collected):
    collected("'a', 'c'", "::test__letter[c]").assert_outcomes(passed=1)
    collected("'a', 'c'", "::test__letter[b]").assert_outcomes(deselected=1)


@pytest.mark.parametrize("names", ["'a', 'd'", ""])
def test__quick_cases__name_of_no_case__is_an_error_with_the_names(collected, names):
    result = collected(names)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*quick_cases names*['a', 'b', 'c']*"])


def test__quick__cases_of_an_argument__others_are_slow():
    cases = quick(["a", "b", 3], "b", 3)
    assert [case.values for case in cases] == [("a",), ("b",), (3,)]
    assert [[mark.name for mark in case.marks] for case in cases] == [["slow"], [], []]


@pytest.mark.parametrize("names", [("a", "c"), ()])
def test__quick__name_of_no_case__is_an_error(names):
    with pytest.raises(ValueError, match=r"one or more of \['a', 'b'\]"):
        quick(["a", "b"], *names)
