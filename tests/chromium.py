"""What does a reader see of a page? A real browser without a window; `make setup-browser` installs it."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_SECONDS = 60
QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)


class Tab:
    """One tab, driven through Chromium's own debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._socket = socket
        self._last = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._reading = asyncio.ensure_future(self._read())

    async def begin(self) -> None:
        """Listen to what the page does."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self._call(f"{domain}.enable")

    async def open(self, file: Path, *, wide: int = 1280, high: int = 900, dark: bool = False) -> None:
        """Open a file in a window of that size, and wait until it is there."""
        self._loaded.clear()
        size = {"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": False}
        await self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self._call("Emulation.setEmulatedMedia", features=[scheme])
        await self._call("Page.navigate", url=file.as_uri())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._loaded.wait()

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression is worth in the page; the page's own policy does not bind it."""
        found = await self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def close(self) -> None:
        """Stop listening."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _call(self, method: str, **params: object) -> dict[str, Any]:
        self._last += 1
        answer = self._answers[self._last] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_SECONDS):
            said = await answer
        assert "error" not in said, said
        found: dict[str, Any] = said["result"]
        return found

    async def _read(self) -> None:
        async for frame in self._socket:
            said = json.loads(frame.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            else:
                self._happened(said["method"], said["params"])

    def _happened(self, method: str, params: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(params))


@asynccontextmanager
async def open_tab() -> AsyncIterator[Tab]:
    """A tab of a browser of its own; skips the test where there is no Chromium."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("there is no Chromium here; `make setup-browser` installs it")
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        root = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox to put it into
        words = [program, *QUIET, *root, f"--user-data-dir={folder}", "about:blank"]
        silent = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*words, stdout=silent, stderr=silent)
        try:
            port = await _port(Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                    pages = [each for each in await reply.json() if each["type"] == "page"]
                async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    tab = Tab(socket)
                    await tab.begin()
                    yield tab
                    await tab.close()
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    """On which port the browser listens, as soon as it has said so: the port and a path, a line each."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(lines := _lines(file)) < 2:
            await asyncio.sleep(0.05)
    return int(lines[0])


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
