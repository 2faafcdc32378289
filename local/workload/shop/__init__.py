"""The example workload of `make run`: three stamps that answer on loopback, and a pager that prints."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from local.workload.health_service import health_service
from local.workload.pager import Page, line, pager
from rules.topology import FolderStateFile, Workload

FILE = Path(__file__).with_name("workload.yaml")
ROUTING_KEY = "0123456789abcdef0123456789abcdef"


@asynccontextmanager
async def shop(workload: Workload, show: Callable[[str], None] = print) -> AsyncIterator[None]:
    """Serve the stamps and the pager of the example workload while the context lasts.

    Args:
        workload: as read from `FILE`, its state files below the data folder.
        show: where the pager prints.

    Raises:
        OSError: one of the ports is taken.
    """
    os.environ.setdefault("SHOP_PAGERDUTY_ROUTING_KEY", ROUTING_KEY)
    async with AsyncExitStack() as running:
        for stamp in workload.stamps:
            assert isinstance(stamp.state_file, FolderStateFile)  # noqa: S101 - by FILE
            state_file = Path(stamp.state_file.path)
            _at_first(state_file)
            await running.enter_async_context(_serve(health_service(state_file), stamp.health_service))
        if workload.channels.pagerduty is not None:

            def show_page(event: Page) -> None:
                show(line(event))

            await running.enter_async_context(_serve(pager(show_page), workload.channels.pagerduty.url))
        yield


def _at_first(state_file: Path) -> None:
    """Put the stamp into rotation once; what happened since then is the worker's to know."""
    if not state_file.parent.exists():
        state_file.parent.mkdir(parents=True)
        state_file.touch()


@asynccontextmanager
async def _serve(app: web.Application, url: str) -> AsyncIterator[None]:
    address = urlsplit(url)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.hostname, address.port).start()
        yield
    finally:
        await runner.cleanup()
