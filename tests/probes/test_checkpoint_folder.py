"""Does the lag probe see in a folder what it would see in a container, and say why when it does not?"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediation.act.secret import from_environment
from remediation.probes.blind import BlindError
from remediation.probes.checkpoints import CheckpointFolder, Written, open_container, read_checkpoints
from rules.topology import FolderContainer
from tests.probes.lag_stage import NoToken

AT = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)


def written(folder: Path, name: str, content: str) -> None:
    """A file as a consumer would have written it."""
    path = folder / "ns:1/hub/group" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (AT.timestamp(), AT.timestamp()))


async def test_checkpoints_and_claims_are_told_apart(tmp_path: Path) -> None:
    """The content is what would be metadata, the file's time says when; drafts are no partitions."""
    written(tmp_path, "checkpoint/0", json.dumps({"sequencenumber": 12, "offset": "120"}))
    written(tmp_path, "ownership/0", json.dumps({"ownerid": "a"}))
    written(tmp_path, "ownership/1", json.dumps({"ownerid": ""}))
    written(tmp_path, "checkpoint/.2", json.dumps({"sequencenumber": 9}))
    container = open_container(FolderContainer(tmp_path), from_environment, NoToken)
    seen = await read_checkpoints(container, "NS:1", "Hub", "GROUP")
    assert seen == {"0": Written(12, AT, AT)}


@pytest.mark.parametrize(
    "content", ["", "[]", "no json", '{"sequencenumber": "x"}', '{"sequencenumber": -1}']
)
async def test_a_checkpoint_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    """It says nothing of how far was read."""
    written(tmp_path, "checkpoint/0", content)
    seen = await read_checkpoints(CheckpointFolder(tmp_path), "ns:1", "hub", "group")
    assert seen["0"].checkpoint is None


async def test_a_folder_without_files_has_no_checkpoint_and_a_missing_one_is_blindness(
    tmp_path: Path,
) -> None:
    """As with a container: empty means that nobody has read, absent means that we cannot see."""
    assert await read_checkpoints(CheckpointFolder(tmp_path), "ns:1", "hub", "group") == {}
    with pytest.raises(BlindError, match="checkpoint folder nowhere not found"):
        await read_checkpoints(CheckpointFolder(tmp_path / "nowhere"), "ns:1", "hub", "group")
