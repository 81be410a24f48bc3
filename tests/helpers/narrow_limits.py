"""A mark for tests whose limits are meant to change most answers."""

import pytest

# Such limits are broken by many targets, or contradict each other: fit warns of both.
NARROW_LIMITS = pytest.mark.filterwarnings(
    "ignore:(The training targets lie|output_constraints contradict)"
)
