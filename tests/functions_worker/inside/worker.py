"""What stands between gRPC and Microsoft's worker library? In Azure, a program they do not publish.

This one does the same: it opens the stream to the host, hands each request to
azure-functions-runtime, which loads, indexes, decodes, invokes and encodes, and
sends back what that answers. As theirs does, it collects the log records of the
whole process in a handler on the root logger, and sends them to the host.

Usage: worker.py HOST:PORT WORKER_ID, in the app's directory
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
import grpc
from tests.protos import FunctionRpcStub, RpcLog, StreamingMessage

# Not ours: Microsoft's package installs one of this name.
from tests import protos

ANSWERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "worker_init_request": ("worker_init_response", runtime.worker_init_request),
    "functions_metadata_request": ("function_metadata_response", runtime.functions_metadata_request),
    "function_load_request": ("function_load_response", runtime.function_load_request),
    "invocation_request": ("invocation_response", runtime.invocation_request),
}
LEVELS = {
    logging.CRITICAL: RpcLog.Critical,
    logging.ERROR: RpcLog.Error,
    logging.WARNING: RpcLog.Warning,
    logging.INFO: RpcLog.Information,
}
ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class LogHandler(logging.Handler):
    """Sends log records to the host."""

    def __init__(self, put: Callable[[StreamingMessage], None]) -> None:
        super().__init__()
        self._put = put

    def emit(self, record: logging.LogRecord) -> None:
        """Send one."""
        level = LEVELS.get(record.levelno, RpcLog.Debug)
        self._put(
            StreamingMessage(rpc_log=RpcLog(level=level, message=self.format(record), category=record.name))
        )


class Worker:
    """One worker of one host."""

    def __init__(self, address: str, worker_id: str) -> None:
        self._address = address
        self._worker_id = worker_id
        self._said: asyncio.Queue[StreamingMessage] = asyncio.Queue()
        self._invocations: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until the host hangs up."""
        loop = asyncio.get_running_loop()
        root = logging.getLogger()

        def put(message: StreamingMessage) -> None:
            loop.call_soon_threadsafe(self._said.put_nowait, message)  # from whatever thread it was logged

        root.addHandler(LogHandler(put))
        root.setLevel(logging.INFO)
        runtime.start_threadpool_executor()
        async with grpc.aio.insecure_channel(self._address, options=ANY_SIZE) as channel:
            async for asked in FunctionRpcStub(channel).EventStream(self._says()):
                # Invocations overlap, as those of the real worker do.
                task = asyncio.create_task(self._answer(asked))
                self._invocations.add(task)
                task.add_done_callback(self._invocations.discard)

    async def _says(self) -> AsyncIterator[StreamingMessage]:
        yield StreamingMessage(start_stream=protos.StartStream(worker_id=self._worker_id))
        while True:
            yield await self._said.get()

    async def _answer(self, asked: StreamingMessage) -> None:
        field, answer = ANSWERS[asked.WhichOneof("content")]
        request = SimpleNamespace(request=asked, properties={"host": self._address, "protos": protos})
        reply = StreamingMessage(request_id=asked.request_id, **{field: await answer(request)})
        await self._said.put(reply)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    asyncio.run(Worker(sys.argv[1], sys.argv[2]).run())
