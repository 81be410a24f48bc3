"""Which cases of a test are fast: the others get the mark `slow`."""

import pytest


def quick(cases, *names):
    """Return the cases of one argument, all slow but for those that are named.

    It is for families of several arguments: with
    `@pytest.mark.parametrize("kind", quick(KINDS, "LTC", "CfC"))` two kinds are fast,
    with every value of the other arguments.
    """
    unknown = [name for name in names if name not in cases]
    if unknown or not names:
        raise ValueError(f"expected one or more of {list(cases)}, got {names}")
    slow = pytest.mark.slow
    return [pytest.param(c, marks=() if c in names else slow) for c in cases]


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """Make the cases of a test slow that its mark `quick_cases` does not name.

    This is when all cases of the test are known, also if only some of them were asked
    for on the command line. A name that no case has would make all of them slow
    without a word, so it is an error.
    """
    made = yield
    if not isinstance(made, list):  # a class, or nothing
        return made
    cases = [item for item in made if item.get_closest_marker("quick_cases")]
    if not cases:
        return made
    quick = cases[0].get_closest_marker("quick_cases").args
    ids = [case.callspec.id for case in cases if hasattr(case, "callspec")]
    unknown = [each for each in quick if each not in ids]
    if unknown or not quick:
        raise collector.CollectError(
            f"{cases[0].nodeid.split('[')[0]}: quick_cases names {unknown}, expected "
            f"one or more of its cases, which are {ids}"
        )
    for case in cases:
        if case.callspec.id not in quick:
            case.add_marker(pytest.mark.slow)
    return made
