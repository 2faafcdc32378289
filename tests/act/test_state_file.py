"""Do the levers on state files keep the contract, and say truly what they do not know?"""

import asyncio
import fcntl
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from remediation.act.state_blob import BlobLever
from remediation.act.state_file import StateFileLever
from remediation.act.state_folder import FolderLever
from remediation.decide.looks import LeverLook
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.stamp import LeverState
from rules.topology import BlobStateFile, FolderStateFile, SecretRef, Stamp
from tests.act.contract_lever import CONTENT, LeverBench, LeverContract
from tests.act.far_side import Answer, FarSide, hangs, hangs_up, says, secrets
from tests.azurite import connection_string, port_of
from tests.builders import a_stamp

CONNECTION = SecretRef("STATE_STORAGE")
BLOB = "stamp.health"


@dataclass
class FolderBench:
    """A folder of this machine."""

    lever: FolderLever
    folder: Path

    @property
    def stamp(self) -> Stamp:
        """In the folder."""
        return a_stamp(state_file=FolderStateFile(self.folder / BLOB))

    @property
    def misplaced(self) -> Stamp:
        """In a folder that is not there."""
        return a_stamp(state_file=FolderStateFile(self.folder / "none" / BLOB))

    async def put(self, content: str) -> None:
        """As an editor does, or a shell."""
        (self.folder / BLOB).write_text(content)

    async def remove(self) -> None:
        """By hand."""
        (self.folder / BLOB).unlink()

    async def content(self) -> str | None:
        """As a HealthService reads it."""
        path = self.folder / BLOB
        return path.read_text() if path.exists() else None


@dataclass
class BlobBench:
    """A container in Azurite."""

    lever: BlobLever
    blob: BlobClient

    @property
    def stamp(self) -> Stamp:
        """In the container."""
        return a_blob_stamp(self.blob.container_name)

    @property
    def misplaced(self) -> Stamp:
        """In a container that is not there."""
        return a_blob_stamp("no-such-container")

    async def put(self, content: str) -> None:
        """As the portal does, or Terraform."""
        await self.blob.upload_blob(content, overwrite=True)

    async def remove(self) -> None:
        """By hand."""
        await self.blob.delete_blob()

    async def content(self) -> str | None:
        """As a HealthService reads it."""
        try:
            return (await (await self.blob.download_blob()).readall()).decode()
        except ResourceNotFoundError:
            return None


def a_blob_stamp(container: str) -> Stamp:
    """A stamp whose state file lies in Blob Storage."""
    return a_stamp(state_file=BlobStateFile(container, BLOB, connection=CONNECTION))


@pytest.fixture
def folder_bench(tmp_path: Path) -> FolderBench:
    """The folder lever on an empty folder."""
    return FolderBench(FolderLever(), tmp_path)


@pytest.fixture
async def blob_bench(azurite: str, container_name: str) -> AsyncIterator[BlobBench]:
    """The blob lever on an empty container."""
    lever = BlobLever(secrets(STATE_STORAGE=azurite), timeout_seconds=10)
    async with BlobServiceClient.from_connection_string(azurite) as service:
        container = await service.create_container(container_name)
        yield BlobBench(lever, container.get_blob_client(BLOB))
    await lever.close()


class TestFolderLever(LeverContract):
    """A folder keeps the contract."""

    @pytest.fixture
    def bench(self, folder_bench: FolderBench) -> LeverBench:
        """On an empty folder."""
        return folder_bench


@pytest.mark.slow
class TestBlobLever(LeverContract):
    """Blob Storage keeps the contract."""

    @pytest.fixture
    def bench(self, blob_bench: BlobBench) -> LeverBench:
        """On an empty container."""
        return blob_bench


async def test_the_lever_is_chosen_by_where_the_file_lies(tmp_path: Path) -> None:
    """One lever serves the engine; a connection that is not set leaves the other stamps alone."""
    lever = StateFileLever(secrets())
    folder = FolderBench(FolderLever(), tmp_path)
    await folder.put(CONTENT)
    look = await lever.look(folder.stamp)
    assert look.content == CONTENT
    assert (await lever.fence(folder.stamp, look)).kind is OutcomeKind.APPLIED
    look = await lever.look(folder.stamp)
    assert (await lever.take_out(folder.stamp, look.tag)).kind is OutcomeKind.APPLIED
    assert (await lever.bring_back(folder.stamp, CONTENT)).kind is OutcomeKind.APPLIED
    blob = await lever.look(a_blob_stamp("states"))
    assert blob.reason == "environment variable STATE_STORAGE is not set"
    await lever.close()


# --- the folder --------------------------------------------------------------------------------


async def test_a_held_lock_is_transient(folder_bench: FolderBench) -> None:
    """Another worker is at it: nothing was done, and it may be tried again."""
    await folder_bench.put(CONTENT)
    look = await folder_bench.lever.look(folder_bench.stamp)
    impatient = FolderLever(timeout_seconds=0.2)
    with (folder_bench.folder / f".{BLOB}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = await impatient.take_out(folder_bench.stamp, look.tag)
        assert (await impatient.look(folder_bench.stamp)).state is LeverState.IN
    assert outcome.kind is OutcomeKind.TRANSIENT
    assert await folder_bench.content() == CONTENT


async def test_a_folder_in_the_files_place_is_unreachable(folder_bench: FolderBench) -> None:
    """Something is there, but no state file: that is neither in nor out."""
    (folder_bench.folder / BLOB).mkdir()
    look = await folder_bench.lever.look(folder_bench.stamp)
    assert look.state is LeverState.UNREACHABLE
    assert (await folder_bench.lever.take_out(folder_bench.stamp, "tag")).kind is OutcomeKind.REFUSED


async def test_bringing_back_leaves_no_draft_behind(folder_bench: FolderBench) -> None:
    """Beside the state file there is its lock and nothing else."""
    await folder_bench.lever.bring_back(folder_bench.stamp, CONTENT)
    await folder_bench.lever.bring_back(folder_bench.stamp, CONTENT)
    assert {path.name for path in folder_bench.folder.iterdir()} == {BLOB, f".{BLOB}.lock"}


_WORKER = """
import asyncio, os, signal, sys
from pathlib import Path
from remediation.act.state_folder import FolderLever
from rules.topology import FolderStateFile, Stamp

stamp = Stamp("weu", "westeurope", "http://weu.example", FolderStateFile(Path(sys.argv[1])))

async def main():
    lever = FolderLever(timeout_seconds=20)
    if sys.argv[2] == "die":
        look = await lever.look(stamp)
        print((await lever.take_out(stamp, look.tag)).kind, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.readline()
    for _ in range(100):
        print((await lever.take_out(stamp, sys.argv[3])).reason)

asyncio.run(main())
"""


def a_worker(bench: FolderBench, *arguments: str) -> subprocess.Popen[str]:
    """Another process with the same lever."""
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(bench.folder / BLOB), *arguments],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
async def test_p10_a_killed_worker_leaves_its_deed_and_no_lock(folder_bench: FolderBench) -> None:
    """What was applied before a `kill -9` stays applied, and the next worker is not kept out."""
    await folder_bench.put(CONTENT)
    worker = a_worker(folder_bench, "die")
    said, _ = await asyncio.to_thread(worker.communicate)
    assert (said.strip(), worker.returncode) == ("applied", -signal.SIGKILL)
    assert await folder_bench.content() is None
    assert (await folder_bench.lever.bring_back(folder_bench.stamp, CONTENT)).kind is OutcomeKind.APPLIED


@pytest.mark.slow
async def test_p10_a_fence_holds_between_processes(folder_bench: FolderBench) -> None:
    """Two processes hammer with a fenced tag while the file is fenced again and again: it stays."""
    await folder_bench.put(CONTENT)
    look = await folder_bench.lever.look(folder_bench.stamp)
    await folder_bench.lever.fence(folder_bench.stamp, look)
    workers = [a_worker(folder_bench, "hammer", look.tag) for _ in range(2)]
    ends = [asyncio.create_task(asyncio.to_thread(worker.communicate, "go\n")) for worker in workers]
    while not all(end.done() for end in ends):
        assert (await folder_bench.lever.fence(folder_bench.stamp, look)).kind is OutcomeKind.APPLIED
        await asyncio.sleep(0.005)
    said = [line for end in ends for line in end.result()[0].splitlines()]
    assert set(said) == {"the state file has changed since it was looked at"}
    assert len(said) == 200
    assert await folder_bench.content() == CONTENT


@pytest.mark.slow
async def test_p5_one_process_of_many_deletes(folder_bench: FolderBench) -> None:
    """Of all the deletes of three processes exactly one is the deed."""
    await folder_bench.put(CONTENT)
    look = await folder_bench.lever.look(folder_bench.stamp)
    workers = [a_worker(folder_bench, "hammer", look.tag) for _ in range(3)]
    ends = await asyncio.gather(*(asyncio.to_thread(worker.communicate, "go\n") for worker in workers))
    said = [line for out, _ in ends for line in out.splitlines()]
    assert said.count("the state file was deleted") == 1
    assert said.count("the state file is gone already") == 299


# --- Blob Storage, at its worst -------------------------------------------------------------------


def a_refusal(status: int, code: str = "", **headers: str) -> Answer:
    """An error as Blob Storage gives it."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>no</Message></Error>'
    named = {"x-ms-error-code": code} if code else {}
    return says(status, body if code else "", {"Content-Type": "application/xml", **named, **headers})


async def try_everything(answer: Answer, timeout_seconds: float = 3.0) -> dict[str, Any]:
    """What each verb comes to against such a storage, and how many requests each sent."""
    results: dict[str, Any] = {}
    verbs: dict[str, Callable[[BlobLever, Stamp], Any]] = {
        "look": lambda lever, stamp: lever.look(stamp),
        "take_out": lambda lever, stamp: lever.take_out(stamp, '"0x1"'),
        "bring_back": lambda lever, stamp: lever.bring_back(stamp, CONTENT),
        "fence": lambda lever, stamp: lever.fence(stamp, LeverLook("weu", LeverState.IN, '"0x1"')),
    }
    for verb, do in verbs.items():
        async with FarSide(answer) as far:
            connection = connection_string(far.port)
            lever = BlobLever(secrets(STATE_STORAGE=connection), timeout_seconds=timeout_seconds)
            results[verb] = await do(lever, a_blob_stamp("states"))
            await lever.close()
            assert len(far.received) == 1, verb
    return results


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (a_refusal(403, "AuthorizationPermissionMismatch"), OutcomeKind.REFUSED),
        (a_refusal(403, "AuthenticationFailed"), OutcomeKind.REFUSED),
        (a_refusal(401, "NoAuthenticationInformation"), OutcomeKind.REFUSED),
        (a_refusal(404, "ContainerNotFound"), OutcomeKind.REFUSED),
        (a_refusal(404), OutcomeKind.REFUSED),
        (a_refusal(409, "ContainerBeingDeleted"), OutcomeKind.REFUSED),
        (a_refusal(429, "ServerBusy"), OutcomeKind.TRANSIENT),
        (a_refusal(503, "ServerBusy"), OutcomeKind.TRANSIENT),
        (a_refusal(500, "OperationTimedOut"), OutcomeKind.UNKNOWN),
        (a_refusal(504), OutcomeKind.UNKNOWN),
        (hangs_up(), OutcomeKind.UNKNOWN),
    ],
)
async def test_each_answer_of_a_storage_has_one_meaning(answer: Answer, kind: OutcomeKind) -> None:
    """Every verb sends one request, a look never takes trouble for `out`, and no lost answer is a failure."""
    results = await try_everything(answer)
    assert results["look"].state is LeverState.UNREACHABLE
    assert results["look"].reason
    for verb in ("take_out", "bring_back", "fence"):
        assert results[verb].kind is kind, verb
        assert results[verb].reason


@pytest.mark.slow
async def test_a_storage_that_does_not_answer_is_unknown() -> None:
    """The delete may have been carried out: nobody says that it was not."""
    results = await try_everything(hangs(), timeout_seconds=0.3)
    assert results["look"].reason == "timed out"
    assert {results[verb].kind for verb in ("take_out", "bring_back", "fence")} == {OutcomeKind.UNKNOWN}


@pytest.mark.parametrize("answer", [says(200), says(206, "x"), says(302)])
async def test_what_is_no_storage_is_unreachable(answer: Answer) -> None:
    """A captive portal or a wrong port is neither in nor out."""
    async with FarSide(answer) as far:
        lever = BlobLever(secrets(STATE_STORAGE=connection_string(far.port)))
        look = await lever.look(a_blob_stamp("states"))
        outcomes = await changes(lever, a_blob_stamp("states"))
        await lever.close()
    assert look.state is LeverState.UNREACHABLE
    assert look.reason
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.UNKNOWN}


async def test_a_busy_storage_says_how_long() -> None:
    """Its `Retry-After` reaches the engine."""
    results = await try_everything(a_refusal(503, "ServerBusy", **{"Retry-After": "7"}))
    assert results["take_out"] == Outcome(OutcomeKind.TRANSIENT, "503 ServerBusy", 7.0)


async def test_a_lease_on_the_file_refuses_the_delete_and_shows_that_it_is_there() -> None:
    """Somebody holds on to the file: it is not ours to delete, and it need not be brought back."""
    results = await try_everything(a_refusal(412, "LeaseIdMissing"))
    kinds = [results[verb].kind for verb in ("take_out", "bring_back", "fence")]
    assert kinds == [OutcomeKind.REFUSED, OutcomeKind.APPLIED, OutcomeKind.REFUSED]


async def changes(lever: BlobLever, stamp: Stamp) -> list[Outcome]:
    """What every change comes to."""
    look = LeverLook(stamp.name, LeverState.IN, '"0x1"')
    return [
        await lever.take_out(stamp, '"0x1"'),
        await lever.bring_back(stamp, CONTENT),
        await lever.fence(stamp, look),
    ]


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nobody.invalid"])
async def test_a_storage_that_is_not_there_is_transient(host: str) -> None:
    """Where no connection was made, nothing was done."""
    connection = connection_string(1).replace("127.0.0.1:1", host)
    lever = BlobLever(secrets(STATE_STORAGE=connection))
    look = await lever.look(a_blob_stamp("states"))
    assert look.reason in {"connection refused", "host name not resolved"}
    assert {outcome.kind for outcome in await changes(lever, a_blob_stamp("states"))} == {
        OutcomeKind.TRANSIENT
    }
    await lever.close()


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "environment variable STATE_STORAGE is not set"),
        ({"STATE_STORAGE": "S3cret"}, "environment variable STATE_STORAGE holds no connection string"),
    ],
)
async def test_a_connection_that_is_not_set_is_named(environment: dict[str, str], reason: str) -> None:
    """A wrong configuration is refused by the variable's name, without its value."""
    lever = BlobLever(secrets(**environment))
    look = await lever.look(a_blob_stamp("states"))
    assert (look.state, look.reason) == (LeverState.UNREACHABLE, reason)
    expected = Outcome(OutcomeKind.REFUSED, reason)
    assert await changes(lever, a_blob_stamp("states")) == [expected] * 3


class NoToken:
    """A credential while Entra is down."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Never."""
        raise ClientAuthenticationError("no answer from https://login.example/t?code=S3cret")

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        """As the SDK asks."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """As the SDK asks."""


async def test_p9_a_broken_entra_stops_every_change() -> None:
    """Without a token nothing is sent: the look is unreachable and a drain transient."""
    address = BlobStateFile("states", BLOB, account_url="https://account.blob.example")
    lever = BlobLever(secrets(), credential=NoToken)
    stamp = a_stamp(state_file=address)
    look = await lever.look(stamp)
    assert look.state is LeverState.UNREACHABLE
    assert look.reason == "no token: no answer from https://***"
    assert {outcome.kind for outcome in await changes(lever, stamp)} == {OutcomeKind.TRANSIENT}
    await lever.close()


async def test_what_was_not_seen_is_not_fenced() -> None:
    """An unreachable look has no tag to fence against."""
    lever = BlobLever(secrets())
    unseen = LeverLook("weu", LeverState.UNREACHABLE, reason="timed out")
    assert (await lever.fence(a_blob_stamp("states"), unseen)).kind is OutcomeKind.TRANSIENT


# --- Blob Storage, as Azurite has it ---------------------------------------------------------------


def does_it_and_hangs_up(azurite: str) -> Answer:
    """A storage that carries out the request, but whose answer is lost."""

    async def answer(request: web.Request) -> web.StreamResponse:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port_of(azurite)}{request.path_qs}"
            async with session.request(
                request.method,
                url,
                headers=request.headers,
                data=await request.read() or None,
                skip_auto_headers=["Content-Type"],  # the SDK has signed those that it sent
            ) as done:
                assert done.status < 300
        return await hangs_up()(request)

    return answer


@pytest.mark.slow
async def test_p5_a_lost_success_is_unknown(azurite: str, blob_bench: BlobBench) -> None:
    """Nothing sends a delete twice, which would make our own deed look like another's."""
    await blob_bench.put(CONTENT)
    look = await blob_bench.lever.look(blob_bench.stamp)
    async with FarSide(does_it_and_hangs_up(azurite)) as far:
        lever = BlobLever(secrets(STATE_STORAGE=connection_string(far.port)))
        deleted = await lever.take_out(blob_bench.stamp, look.tag)
        assert await blob_bench.content() is None
        created = await lever.bring_back(blob_bench.stamp, CONTENT)
        assert await blob_bench.content() == CONTENT
        await lever.close()
    assert [outcome.kind for outcome in (deleted, created)] == [OutcomeKind.UNKNOWN] * 2
    assert [request.method for request in far.received] == ["DELETE", "PUT"]


@pytest.mark.slow
async def test_a_leased_blob_is_left_alone(blob_bench: BlobBench) -> None:
    """A lease of somebody else's refuses delete and fence; bringing back finds the file there."""
    await blob_bench.put(CONTENT)
    look = await blob_bench.lever.look(blob_bench.stamp)
    lease = await blob_bench.blob.acquire_lease(15)
    outcomes = [
        await blob_bench.lever.take_out(blob_bench.stamp, look.tag),
        await blob_bench.lever.bring_back(blob_bench.stamp, CONTENT),
        await blob_bench.lever.fence(blob_bench.stamp, look),
    ]
    await lease.release()
    assert [outcome.kind for outcome in outcomes] == [
        OutcomeKind.REFUSED,
        OutcomeKind.APPLIED,
        OutcomeKind.REFUSED,
    ]
    assert await blob_bench.content() == CONTENT


@pytest.mark.slow
async def test_a_fence_changes_nothing_but_the_etag(blob_bench: BlobBench) -> None:
    """Content, its type and the metadata stay as their owner made them."""
    await blob_bench.blob.upload_blob(
        b"\xff" * 5000, metadata={"owner": "terraform"}, content_settings=ContentSettings("text/plain")
    )
    look = await blob_bench.lever.look(blob_bench.stamp)
    assert (await blob_bench.lever.fence(blob_bench.stamp, look)).kind is OutcomeKind.APPLIED
    properties = await blob_bench.blob.get_blob_properties()
    assert properties.etag != look.tag
    assert properties.metadata == {"owner": "terraform"}
    assert properties.content_settings.content_type == "text/plain"
    assert await (await blob_bench.blob.download_blob()).readall() == b"\xff" * 5000


@pytest.mark.slow
async def test_a_closed_lever_opens_again(blob_bench: BlobBench) -> None:
    """A look after `close` makes a new connection."""
    await blob_bench.put(CONTENT)
    await blob_bench.lever.close()
    assert (await blob_bench.lever.look(blob_bench.stamp)).state is LeverState.IN
