"""What do tests share?"""

import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import settings

from tests.azurite import run_azurite

# A property must hold however slow the machine is at the moment; time is measured by benchmarks.
settings.register_profile("untimed", deadline=None)
settings.register_profile("brief", deadline=None, max_examples=20)  # of `make fast`
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """The connection string of an Azurite that lives as long as the test session."""
    with run_azurite() as connection:
        yield connection


@pytest.fixture
def container_name() -> str:
    """The name of a blob container that nobody has used."""
    return f"test-{uuid4().hex}"


@pytest.fixture
def untraced() -> Iterator[None]:
    """For tests of thousands of runs: measured for coverage they would take twice as long."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)
