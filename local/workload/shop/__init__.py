"""The example workload of `make run`: three stamps at the pace of Azure, and a pager that prints."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from local.workload.database import Database
from local.workload.pace import REAL
from local.workload.receivers import Page, line, pager
from local.workload.serving import served
from local.workload.stamp import Place, running_stamps
from rules.topology import FolderStateFile, Stamp, Workload

FILE = Path(__file__).with_name("workload.yaml")
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
HUB_PORTS = 5673
"""Of the first stamp's namespace; the others follow."""


@asynccontextmanager
async def shop(workload: Workload, folder: Path, show: Callable[[str], None] = print) -> AsyncIterator[None]:
    """Run the stamps and the pager of the example workload while the context lasts.

    Args:
        workload: as read from `FILE`, its state files below the data folder.
        folder: for the stamps' hubs.
        show: where the pager prints.

    Raises:
        OSError: one of the ports is taken.
    """
    os.environ.setdefault("SHOP_PAGERDUTY_ROUTING_KEY", ROUTING_KEY)
    places = [_place(stamp, HUB_PORTS + at) for at, stamp in enumerate(workload.stamps)]
    async with AsyncExitStack() as running:
        await running.enter_async_context(running_stamps(places, Database(), folder, REAL))
        if workload.channels.pagerduty is not None:

            def show_page(event: Page) -> None:
                show(line(event))

            port = urlsplit(workload.channels.pagerduty.url).port or 0
            await running.enter_async_context(served(pager(show_page), port))
        yield


def _place(stamp: Stamp, hub_port: int) -> Place:
    assert isinstance(stamp.state_file, FolderStateFile)  # noqa: S101 - by FILE
    state_file = Path(stamp.state_file.path)
    put_into_rotation(state_file)
    return Place(stamp.name, stamp.region, state_file, urlsplit(stamp.health_service).port or 0, hub_port)


def put_into_rotation(state_file: Path) -> None:
    """Make the state file once; what happened since then is the worker's to know."""
    if not state_file.parent.exists():
        state_file.parent.mkdir(parents=True)
        state_file.touch()
