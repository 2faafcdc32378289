"""How is a stamp taken out of rotation by its state file, and brought back?

The HealthService reports its stamp unhealthy while the state file is absent, so
that Front Door takes the stamp out. Where the file lies decides who does it.
"""

from typing import TYPE_CHECKING

from remediation.act.secret import ReadSecret
from remediation.act.state_folder import FolderLever
from remediation.decide.looks import LeverLook
from remediation.ledger.intent import Outcome
from remediation.ports import Lever
from rules.topology import FolderStateFile, Stamp

if TYPE_CHECKING:
    from remediation.act.state_blob import BlobLever


class StateFileLever:
    """The state files of all stamps, wherever they lie: in Blob Storage or in a local folder."""

    def __init__(
        self, read_secret: ReadSecret, *, client_id: str | None = None, timeout_seconds: float = 3.0
    ) -> None:
        self._read_secret = read_secret
        self._client_id = client_id
        self._timeout_seconds = timeout_seconds
        self._folder = FolderLever(timeout_seconds=timeout_seconds)
        self._blob: BlobLever | None = None

    async def look(self, stamp: Stamp) -> LeverLook:
        """What the state file shows. Never raises: what cannot be reached is `unreachable`."""
        return await self._of(stamp).look(stamp)

    async def take_out(self, stamp: Stamp, tag: str) -> Outcome:
        """Delete the state file, if it is still exactly as the look that gave `tag` saw it."""
        return await self._of(stamp).take_out(stamp, tag)

    async def bring_back(self, stamp: Stamp, content: str) -> Outcome:
        """Create the state file with that content; one that is there is left as it is."""
        return await self._of(stamp).bring_back(stamp, content)

    async def fence(self, stamp: Stamp, look: LeverLook) -> Outcome:
        """Make every tag handed out so far worthless, and change nothing else."""
        return await self._of(stamp).fence(stamp, look)

    async def close(self) -> None:
        """Give up connections."""
        if self._blob is not None:
            await self._blob.close()

    def _of(self, stamp: Stamp) -> Lever:
        if isinstance(stamp.state_file, FolderStateFile):
            return self._folder
        if self._blob is None:
            # Its SDK takes 0.3 s to load.
            from remediation.act.blob_accounts import default_credential  # noqa: PLC0415
            from remediation.act.state_blob import BlobLever  # noqa: PLC0415

            self._blob = BlobLever(
                self._read_secret,
                timeout_seconds=self._timeout_seconds,
                credential=lambda: default_credential(self._client_id),
            )
        return self._blob
