"""What is Microsoft's own worker asked by its host, and what does it answer?

The host's side of the conversation, in the test's process: the handshake, then
invocations. Messages are those of the Functions host's protocol in the JSON form
of protobuf; the process in between speaks gRPC (see `inside/relay.py`).
"""

import asyncio
import base64
import json
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deployment.package import ROOT, copy_package

PYTHON = ROOT / ".venv-functions/bin/python"
RELAY = Path(__file__).parent / "inside/relay.py"
ANSWERS_WITHIN_SECONDS = 60.0
LONGEST_LINE = 64 * 1024 * 1024

Message = dict[str, Any]


class WorkerFailedError(Exception):
    """The worker refused what its host asked of it, or ended."""


@dataclass(frozen=True)
class Invocation:
    """What came of an invocation."""

    succeeded: bool
    error: str
    returned: Message

    @property
    def status(self) -> int:
        """The status of an HTTP answer."""
        return int(self.returned["http"]["status_code"])

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an HTTP answer, their names in lower case."""
        return {name.lower(): value for name, value in self.returned["http"].get("headers", {}).items()}

    def json(self) -> Any:
        """The body of an HTTP answer."""
        body = self.returned["http"]["body"]
        return json.loads(base64.b64decode(body["bytes"]) if "bytes" in body else body["string"])


@dataclass
class FunctionsWorker:
    """A worker with the app loaded, ready to be invoked."""

    process: asyncio.subprocess.Process
    functions: dict[str, Message] = field(default_factory=dict)
    logs: list[Message] = field(default_factory=list)
    _waiting: dict[str, asyncio.Future[Message]] = field(default_factory=dict)

    async def invoke(
        self, name: str, inputs: list[Message], metadata: Mapping[str, Message] | None = None
    ) -> Invocation:
        """Call a function, as the host does when its trigger fires.

        Args:
            name: of the function.
            inputs: `ParameterBinding`s.
            metadata: the trigger's metadata, each a `TypedData`.
        """
        request = {
            "invocation_id": str(uuid.uuid4()),
            "function_id": self.functions[name]["function_id"],
            "input_data": inputs,
            "trigger_metadata": metadata or {},
        }
        answer = await self._ask({"invocation_request": request}, "invocation_response")
        result = answer["result"]
        error = result.get("exception", {}).get("message", "")
        return Invocation(result["status"] == "Success", error, answer.get("return_value") or {})

    async def load(self, app: Path) -> None:
        """Let the worker load and index the app, in the order in which the host does.

        Raises:
            WorkerFailedError: it could not.
        """
        folder = {"function_app_directory": str(app)}
        initial = {"host_version": "4.0.0", **folder}
        self._well(await self._ask({"worker_init_request": initial}, "worker_init_response"))
        indexed = await self._ask({"functions_metadata_request": folder}, "function_metadata_response")
        self._well(indexed)
        self.functions = {each["name"]: each for each in indexed["function_metadata_results"]}
        for each in self.functions.values():
            request = {"function_id": each["function_id"], "metadata": each}
            self._well(await self._ask({"function_load_request": request}, "function_load_response"))

    async def listen(self) -> None:
        """Take what the worker says until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            message = json.loads(line)
            if "rpc_log" in message:
                self.logs.append(message["rpc_log"])
            elif message["request_id"] in self._waiting:
                self._waiting.pop(message["request_id"]).set_result(message)
        for waiting in self._waiting.values():
            waiting.set_exception(WorkerFailedError("the worker has ended"))

    async def _ask(self, content: Message, answered_by: str) -> Message:
        request_id = str(uuid.uuid4())
        answer = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"request_id": request_id, **content}).encode() + b"\n")
        await self.process.stdin.drain()
        async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
            found: Message = (await answer)[answered_by]
        return found

    @staticmethod
    def _well(answer: Message) -> None:
        if answer["result"]["status"] != "Success":
            raise WorkerFailedError(answer["result"].get("exception", {}).get("message", "no reason given"))


@asynccontextmanager
async def microsofts_worker(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[FunctionsWorker]:
    """Microsoft's worker in a process of its own, with the packaged app loaded and these app settings.

    Raises:
        WorkerFailedError: the app cannot be loaded; what the worker wrote is in the message.
    """
    if not PYTHON.exists():
        raise WorkerFailedError("Microsoft's worker is not installed: `make setup-functions`")
    app = copy_package(folder / "wwwroot")
    ours = ("REMEDIATION_", "PYTHON")
    machines = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with (folder / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            PYTHON,
            RELAY,
            app,
            env={**machines, **settings},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=LONGEST_LINE,
        )
    worker = FunctionsWorker(process)
    listening = asyncio.create_task(worker.listen())
    try:
        await worker.load(app)
        yield worker
    except WorkerFailedError as error:
        raise WorkerFailedError(f"{error}\n{(folder / 'worker.log').read_text()[-4000:]}") from None
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the relay ends, and the worker with it
        await process.wait()
        await listening
