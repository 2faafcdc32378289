"""What do the tests of the simulation share?"""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    """Nothing is measured for coverage here: in the time that it takes, several more schedules are run."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)
