"""What do the tests of the simulation share?"""

import pytest


@pytest.fixture(autouse=True)
def _untraced(untraced: None) -> None:
    """Of all of them: in the time that measuring takes several more schedules are run."""
