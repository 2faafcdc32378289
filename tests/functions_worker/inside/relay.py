"""How does a test speak gRPC without having gRPC? Through this process.

It is the host's end of the stream between the Functions host and its worker: it
serves FunctionRpc, starts the worker, and passes on each message as one line of
JSON. What the test writes to standard input goes to the worker; what the worker
says comes out of standard output. It ends, and the worker with it, when its
standard input does.

Usage: relay.py FUNCTION_APP_DIRECTORY
"""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
from google.protobuf import json_format

# Not ours: Microsoft's package installs one of this name.
from tests.protos import FunctionRpcServicer, StreamingMessage, add_FunctionRpcServicer_to_server

WORKER = Path(__file__).with_name("worker.py")
LONGEST_LINE = 64 * 1024 * 1024
ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Relay(FunctionRpcServicer):  # type: ignore[misc] # generated code has no types
    """Lines of JSON on one side, FunctionRpc on the other."""

    def __init__(self, lines: asyncio.StreamReader) -> None:
        self._lines = lines

    async def EventStream(  # noqa: N802 - its name in the protocol
        self, said: AsyncIterator[StreamingMessage], _: grpc.aio.ServicerContext
    ) -> AsyncIterator[StreamingMessage]:
        """The one stream of a worker, for as long as it lives."""
        listening = asyncio.create_task(self._pass_on(said))
        try:
            while line := await self._lines.readline():
                yield json_format.Parse(line, StreamingMessage())
        finally:
            listening.cancel()

    async def _pass_on(self, said: AsyncIterator[StreamingMessage]) -> None:
        async for message in said:
            text = json_format.MessageToJson(
                message,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
                indent=None,
            )
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def main(app: str) -> None:
    """Serve one worker until standard input ends or the worker does."""
    lines = await _standard_input()
    server = grpc.aio.server(options=ANY_SIZE)
    add_FunctionRpcServicer_to_server(Relay(lines), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # Standard output is ours: what the worker prints goes where errors go.
    worker = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), f"127.0.0.1:{port}", str(uuid.uuid4()), cwd=app, stdout=sys.stderr
    )
    ended = asyncio.create_task(worker.wait())
    try:
        while not lines.at_eof() and not ended.done():
            await asyncio.wait([ended], timeout=0.1)
    finally:
        if worker.returncode is None:
            worker.kill()
        await ended
        await server.stop(None)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
