"""May a stamp's checkpoints lie in a folder, and is what stands beside it refused?"""

from pathlib import PurePath

import pytest

from rules.load import load_workload
from rules.problems import FileError
from rules.topology import FolderContainer

WORKLOAD = """
workload: shop
stamps:
  - name: neu
    region: northeurope
    health_service: http://127.0.0.1:2/health
    state_file: {folder: neu}
  - name: weu
    region: westeurope
    health_service: http://127.0.0.1:1/health
    state_file: {folder: weu}
    event_hub:
      connection: env:HUB
      checkpoints: CHECKPOINTS
"""


def test_checkpoints_may_lie_in_a_folder() -> None:
    """For trying things out, as a state file may."""
    *_, stamp = load_workload(WORKLOAD.replace("CHECKPOINTS", "{folder: kept/weu}"), "w.yaml").stamps
    assert stamp.event_hub is not None
    assert stamp.event_hub.checkpoints == FolderContainer(PurePath("kept/weu"))


@pytest.mark.parametrize(
    ("checkpoints", "expected"),
    [
        ("{folder: kept, connection: env:STORE}", "connection"),
        ("{folder: ''}", "expected one line"),
        ("kept", "expected a mapping, found a text"),
        ("{}", "account_url"),
    ],
)
def test_a_folder_is_instead_of_a_container(checkpoints: str, expected: str) -> None:
    """What is neither is refused, and says what is wrong."""
    with pytest.raises(FileError, match=expected):
        load_workload(WORKLOAD.replace("CHECKPOINTS", checkpoints), "w.yaml")
