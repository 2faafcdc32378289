"""Does a storage that refuses changes refuse those of the worker's lever, and only those?"""

from pathlib import Path

from local.workload.shop import put_into_rotation
from local.workload.state_storage import refuse_changes, take_changes
from remediation.act.state_folder import FolderLever
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.stamp import LeverState
from rules.topology import FolderStateFile
from tests.builders import a_stamp


async def test_it_can_be_read_and_not_be_changed_until_it_is_mended(tmp_path: Path) -> None:
    """The file is seen as it is, its deletion is refused, also for root; mended, it is deleted."""
    state_file = tmp_path / "weu" / "stamp.health"
    put_into_rotation(state_file)
    lever, stamp = FolderLever(), a_stamp("weu", state_file=FolderStateFile(state_file))
    refuse_changes(state_file)
    seen = await lever.look(stamp)
    assert seen.state is LeverState.IN
    assert (await lever.take_out(stamp, seen.tag)).kind is OutcomeKind.REFUSED
    assert state_file.exists()
    take_changes(state_file)
    assert (await lever.take_out(stamp, (await lever.look(stamp)).tag)).kind is OutcomeKind.APPLIED
    take_changes(state_file)
    assert not state_file.exists()
