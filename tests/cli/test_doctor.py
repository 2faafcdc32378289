"""Does the doctor find each thing that the worker lacks, and say how to mend it?

Every part is a real one: a storage account, a broker, HTTP servers.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from azure.eventhub.aio import EventHubConsumerClient
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from azure.storage.blob.aio import ContainerClient
from typer.testing import CliRunner, Result

from cli.checks import features, found, stamp, worker
from cli.checks.frame import Check, Finding, NotWellError, examine
from cli.main import app
from local.eventhubs import Broker
from remediation.act.state_file import StateFileLever
from remediation.ledger.memory import MemoryLedger
from remediation.observe import Tally
from remediation.probes.stamps import StampGroups
from remediation.settings import LedgerKind, Settings
from remediation.tokens import Credential, StaticTokens, Tokens
from rules.topology import BlobStateFile, Endpoint, SecretRef
from tests.act.far_side import FarSide, StillClock, says, says_json, secrets
from tests.act.kubernetes_server import NAME, KubernetesServer
from tests.act.kubernetes_server import TOKEN as KUBERNETES_TOKEN
from tests.act.own_authority import OwnAuthority
from tests.arm_server import TOKEN, ArmServer, origin_id
from tests.azurite import ACCOUNT, KEY, connection_string, port_of
from tests.builders import a_stamp, a_workload
from tests.probes.azure_rest import MODEL, SUBSCRIPTION, fails, zulu
from tests.probes.lag_stage import NoToken
from tests.probes.subscription import Subscription, a_subscription
from tests.probes.test_health_score import WORKSPACE
from tests.rules.test_discovery_file import a_discovery, loaded

pytestmark = pytest.mark.slow

ROUTING_KEY = "0123456789abcdef0123456789ABCDEF"
WELL = {"checks": [{"component": name, "status": "Healthy"} for name in ("BlobStorage", "Database")]}
FOLDER = """\
  - name: neu
    region: northeurope
    health_service: HEALTH/neu
    state_file: {folder: neu}
"""
FULL = """\
  - name: weu
    region: westeurope
    health_service: HEALTH/weu
    state_file: {connection: env:SHOP_STORAGE, container: CONTAINER}
    front_door_origin: ORIGIN
    event_hub:
      connection: env:SHOP_HUB
      checkpoints: {connection: env:SHOP_STORAGE, container: CONTAINER}
"""
HEAD = """\
workload: shop
front_door_url: HEALTH/path
channels:
  pagerduty: {routing_key: env:SHOP_KEY, url: PAGER}
  teams: {url: env:SHOP_TEAMS}
stamps:
"""


@dataclass
class Surgery:
    """A machine on which the doctor is asked.

    Attributes:
        folder: of this test.
        environment: of the command.
        texts: what stands in a workload file for the words in capitals.
    """

    folder: Path
    environment: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)

    def write(self, text: str) -> None:
        """Write the workload file."""
        for word, meant in self.texts.items():
            text = text.replace(word, meant)
        (self.folder / "workload.yaml").write_text(text)

    async def asked(self, *options: str) -> Result:
        """Ask the doctor."""
        return await asyncio.to_thread(
            CliRunner().invoke, app, ["doctor", *options], env=dict.fromkeys(UNSET) | self.environment
        )

    async def failed(self, *options: str) -> dict[str, str]:
        """What the doctor finds wrong: why, and how it is mended."""
        answer = await self.asked("--json", *options)
        shown = json.loads(answer.output)
        assert shown["ok"] is (answer.exit_code == 0) is all(each["ok"] for each in shown["checks"])
        return {
            each["check"]: f"{each['said']}; {each['mend']}" for each in shown["checks"] if not each["ok"]
        }


UNSET = [name for name in os.environ if name.startswith("REMEDIATION_")]


@pytest.fixture
def surgery(tmp_path: Path) -> Surgery:
    """A workload of two stamps in folders, whose HealthServices nobody runs."""
    data = tmp_path / "data"
    for name in ("weu", "neu"):
        (data / name).mkdir(parents=True)
        (data / name / "stamp.health").write_text("")
    environment = {
        "REMEDIATION_DATA_DIR": str(data),
        "REMEDIATION_WORKLOADS": str(tmp_path / "workload.yaml"),
        "COLUMNS": "300",
    }
    surgery = Surgery(tmp_path, environment, {"HEALTH": "http://127.0.0.1:1"})
    surgery.write(f"workload: shop\nstamps:\n{FOLDER}{FOLDER.replace('neu', 'weu')}")
    return surgery


async def found_by(*checks: Check) -> list[Finding]:
    """What comes of these checks."""
    return [finding async for finding in examine(checks)]


async def told(check: Check) -> str:
    """What comes of one check."""
    [finding] = await found_by(check)
    return str(finding)


# --- the frame ---


async def test_all_checks_run_even_if_one_fails_hangs_or_breaks() -> None:
    """What comes of each is told in their order; the text of a fault is not, for it may hold a secret."""

    async def well() -> str:
        return "all is there"

    async def ill() -> str:
        raise NotWellError("it is broken", "mend it")

    async def hangs() -> str:
        await asyncio.sleep(30)
        return ""

    async def breaks() -> str:
        raise KeyError("https://a.example?sig=secret")

    checks = [
        Check("slow", hangs, slow="wait no longer", within_seconds=0.05),
        Check("broken", breaks),
        Check("ill", ill),
        Check("well", well),
    ]
    assert [str(finding) async for finding in examine(checks, at_once=1)] == [
        "FAILED: slow: no answer within 0.05 s; wait no longer",
        "FAILED: broken: a fault of the doctor's (KeyError); report it",
        "FAILED: ill: it is broken; mend it",
        "ok: well: all is there",
    ]


# --- all together ---


async def test_a_worker_that_has_all_it_needs_is_well(
    surgery: Surgery, tmp_path: Path, azurite: str, container_name: str
) -> None:
    """Everything is there: exit status 0, nothing is changed, and with --tell people get a test."""
    async with (
        Broker(tmp_path / "broker", {"signals": 2, "backendqueue-eh": 2}) as broker,
        ContainerClient.from_connection_string(azurite, container_name) as container,
        FarSide(says_json(200, WELL)) as health,
        FarSide(says_json(202, {"status": "success"})) as pager,
        FarSide(says(202)) as teams,
        ArmServer() as arm,
    ):
        arm.has("weu")
        await container.create_container()
        before = await container.upload_blob("stamp.health", b"as it was", metadata={"kept": "so"})
        etag = (await before.get_blob_properties()).etag
        surgery.texts = {
            "HEALTH": health.url,
            "CONTAINER": container_name,
            "ORIGIN": origin_id("weu"),
            "PAGER": pager.url,
        }
        surgery.environment |= {
            "SHOP_STORAGE": azurite,
            "SHOP_HUB": broker.connection_string(),
            "SHOP_KEY": ROUTING_KEY,
            "SHOP_TEAMS": f"{teams.url}/a/flow?sig=secret",
            "REMEDIATION_HUB": broker.connection_string(),
            "REMEDIATION_LEDGER": "blob",
            "REMEDIATION_LEDGER_CONNECTION": azurite,
            "REMEDIATION_LEDGER_CONTAINER": container_name,
            "REMEDIATION_ARM_URL": arm.url,
            "REMEDIATION_STATIC_TOKEN": TOKEN,
        }
        surgery.write(HEAD + FULL + FOLDER)
        answer = await surgery.asked("--tell")
        assert answer.output.splitlines() == [
            "ok: configuration: workloads: shop (observe)",
            "ok: identity: control plane: a token was given",
            "ok: ledger: blob, written and read; it knows 0 of 1 workloads",
            "ok: inbox: hub signals: takes events, 2 partitions",
            "ok: inbox: consumer group remediation: can be read",
            "ok: shop: secrets: 4 set",
            "ok: shop/weu: HealthService: HealthService 200, 2 checks",
            "ok: shop/weu: state file: in rotation, and may be deleted and written",
            f"ok: shop/weu: Front Door origin: in rotation; {UNTRIED}",
            "ok: shop/weu: event hub and checkpoints: 2 partitions, 0 with a checkpoint",
            "ok: shop/neu: HealthService: HealthService 200, 2 checks",
            "ok: shop/neu: state file: in rotation, and may be deleted and written",
            "ok: shop: Front Door: HealthService 200",
            "ok: shop: PagerDuty: a routing key is set; `--tell` shows whether it is taken",
            "ok: shop: Teams: a URL is set; `--tell` shows whether it is taken",
            "ok: shop: test page: taken; see that it arrives",
            "ok: shop: test notify: taken; see that it arrives",
        ]
        assert answer.exit_code == 0
        after = await before.get_blob_properties()
        assert (after.etag, after.metadata) == (etag, {"kept": "so"})
        told = [(each.json["event_action"], each.json["dedup_key"]) for each in pager.received]
        assert told == [("trigger", "shop/global/doctor"), ("resolve", "shop/global/doctor")]
        assert pager.received[0].json["payload"]["severity"] == "info"
        assert len(teams.received) == 1
        assert arm.changes() == []
        assert broker.filled("signals") == 0
        assert await surgery.failed() == {}
        assert len(teams.received) == 1


async def test_what_cannot_be_read_keeps_the_rest_from_nothing(surgery: Surgery) -> None:
    """A file with faults: each is told with its place; ledger and hub are checked all the same."""
    surgery.write("workload: shop\nstampes: []\n")
    answer = await surgery.asked("--json")
    assert answer.exit_code == 1
    shown = {each["check"]: each for each in json.loads(answer.output)["checks"]}
    assert (
        "workload.yaml:2:1: unknown key `stampes`; did you mean 'stamps'?" in shown["configuration"]["said"]
    )
    assert shown["configuration"]["mend"] == "`remediation check` lists every problem with its place"
    assert [name for name, each in shown.items() if each["ok"]] == ["identity", "ledger", "inbox"]
    surgery.environment["REMEDIATION_WORKLOADS"] = str(surgery.folder / "none.yaml")
    assert "none.yaml: No such file or directory" in (await surgery.failed())["configuration"]


async def test_settings_that_do_not_fit_are_told(surgery: Surgery) -> None:
    """Nothing else can be checked then."""
    surgery.environment["REMEDIATION_PORT"] = "many"
    answer = await surgery.asked()
    assert answer.exit_code == 1
    assert answer.output.startswith("FAILED: settings: REMEDIATION_PORT: Input should be a valid integer")
    assert "1 of 1 checks failed" in answer.output


async def test_the_example_is_what_is_checked_where_no_workload_is_set(surgery: Surgery) -> None:
    """As `serve` would run it."""
    del surgery.environment["REMEDIATION_WORKLOADS"]
    assert "ok: configuration: workloads: shop (auto)" in (await surgery.asked()).output


async def test_a_stamp_that_is_found_is_checked_as_one_of_the_file(surgery: Surgery) -> None:
    """With the others; and where none can be found, the file's own are checked all the same."""
    template = (
        '  stamp:\n    health_service: "https://{name}.invalid"\n    state_file: {folder: "{region}"}\n'
    )
    stamps = FOLDER + FOLDER.replace("neu", "weu")
    surgery.write(a_discovery(stamp=template, stamps=stamps).replace("50000000ABCD", "500000000001"))
    async with a_subscription() as (azure, _):
        azure.has("shop1-stamp-westeurope-rg")
        surgery.environment |= {
            "REMEDIATION_ARM_URL": azure.url,
            "REMEDIATION_STATIC_TOKEN": "token-of-the-worker",
        }
        shown = (await surgery.asked()).output
        assert "ok: shop: stamps: 1 found: shop1-stamp-westeurope-rg" in shown
        assert "FAILED: shop/shop1-stamp-westeurope-rg: HealthService: host name not resolved" in shown
        azure.fault = fails(403, "AuthorizationFailed")
        failed = await surgery.failed()
    assert failed["shop: stamps"].startswith("HTTP 403 AuthorizationFailed; check `stamps_from`; give the")
    assert "shop/neu: HealthService" in failed


async def test_a_group_that_makes_no_stamp_is_told() -> None:
    """With its fault."""
    async with a_subscription() as (azure, rest):
        azure.has("shop1-stamp-northeuro-rg", "northeurope")
        shop = loaded(a_discovery().replace("50000000ABCD", "500000000001"))
        _, checks = await found.seek(shop, StampGroups(rest, StillClock(), Tally()))
    assert await told(checks[0]) == (
        "FAILED: shop: stamps: resource group shop1-stamp-northeuro-rg makes no stamp: it lies in "
        "northeurope, and its name says otherwise; mend the template, or let the pattern not fit these groups"
    )


# --- the worker's own ---


async def test_secrets_that_are_not_set_are_named(surgery: Surgery) -> None:
    """The names are no secret; of the values nothing is told."""
    surgery.texts |= {"CONTAINER": "states", "ORIGIN": origin_id("weu"), "PAGER": "https://pager.invalid"}
    surgery.environment |= {"SHOP_HUB": " ", "SHOP_KEY": ROUTING_KEY, "SHOP_TEAMS": "https://teams.invalid"}
    surgery.write(HEAD + FULL + FOLDER)
    said = (await surgery.failed())["shop: secrets"]
    assert said == ("not set: SHOP_HUB, SHOP_STORAGE; set them as app settings, best as Key Vault references")


def test_every_reference_of_a_workload_is_found() -> None:
    """In dataclasses, lists and mappings."""
    refs = {"a": [SecretRef("A")], "b": (a_stamp(state_file=BlobStateFile("c", "b", None, SecretRef("B"))),)}
    assert {ref.name for ref in worker.refs_in(refs)} == {"A", "B"}


async def test_an_identity_is_asked_for_where_it_is_needed() -> None:
    """For each service that is reached by it; what cannot be had is told with its reason."""
    settings = Settings(REMEDIATION_HUB__fullyQualifiedNamespace="a.servicebus.invalid")
    blob = BlobStateFile("states", "stamp.health", "https://a.invalid")
    by_identity = replace(a_workload(), stamps=(a_stamp(state_file=blob),))
    tokens = Tokens(lambda: cast("Credential", NoToken()), StillClock())
    checks = worker.identity(settings, [by_identity, loaded(a_discovery())], tokens)
    assert [await told(check) for check in checks] == [
        f"FAILED: identity: {service}: no token: CredentialUnavailableError; assign a managed identity "
        "to the app (and set its client id), or sign in with `az login`"
        for service in ("storage", "Event Hubs", "control plane")
    ]
    await tokens.close()
    [none] = worker.identity(Settings(), [a_workload()], StaticTokens("t"))
    assert await told(none) == "ok: identity: not needed: nothing here is reached by it"


async def test_a_ledger_that_is_away_is_told(surgery: Surgery) -> None:
    """The storage does not answer, its address is no address, the folder is no folder."""
    surgery.environment |= {
        "REMEDIATION_LEDGER": "blob",
        "REMEDIATION_LEDGER_CONNECTION": connection_string(1),
    }
    said = (await surgery.failed())["ledger"]
    assert said.startswith("blob container remediation of devstoreaccount1: ")
    assert said.endswith("give the worker's identity Storage Blob Data Contributor there")
    surgery.environment["REMEDIATION_LEDGER_CONNECTION"] = "no connection string"
    failed = await surgery.failed()
    assert failed["ledger"].startswith("it cannot be opened (ValueError); check its address")
    assert "shop/weu: HealthService" in failed
    surgery.environment |= {"REMEDIATION_LEDGER": "sqlite", "REMEDIATION_DATA_DIR": "/dev/null/data"}
    said = (await surgery.failed())["ledger"]
    assert said == (
        "it cannot be opened (NotADirectoryError); check REMEDIATION_DATA_DIR, and the right to write there"
    )


async def test_a_damaged_record_is_told(surgery: Surgery) -> None:
    """It is reached and written, and cannot be read back."""
    surgery.environment["REMEDIATION_LEDGER"] = "sqlite"
    assert "ledger" not in await surgery.failed()
    import sqlite3  # noqa: PLC0415 - for this test alone

    with sqlite3.connect(surgery.folder / "data/ledger.db") as connection:
        connection.execute("INSERT INTO records VALUES ('shop', 'v', x'7b')")
    said = (await surgery.failed())["ledger"]
    assert "run the version of the worker that wrote it" in said


async def test_a_ledger_in_memory_is_well() -> None:
    """For trying things out."""
    check = worker.ledger(MemoryLedger(), Settings(ledger=LedgerKind.MEMORY), ["shop"])
    assert await told(check) == "ok: ledger: memory, written and read; it knows 0 of 1 workloads"


async def test_a_hub_that_does_not_take_us_is_told(tmp_path: Path) -> None:
    """A wrong key, another namespace without the hub, nobody there, and no connection string at all."""
    async with Broker(tmp_path / "broker", {"other": 1}, key="the right key") as broker:
        right = broker.connection_string()
        for connection in (
            right,
            right.replace("the right key", "a wrong key"),
            "Endpoint=sb://127.0.0.1:1;x",
        ):
            checks = worker.inbox(Settings(hub=connection))
            for said in [await told(check) for check in checks]:
                assert said.startswith("FAILED: inbox: ")
                assert "Azure Event Hubs Data Sender and Data Receiver on the namespace" in said


async def test_a_hub_by_identity_needs_one(surgery: Surgery) -> None:
    """Where there is none, that is what is told, and not what the SDK says of it at length."""
    surgery.environment["REMEDIATION_HUB__fullyQualifiedNamespace"] = "a.servicebus.invalid"
    failed = await surgery.failed()
    for check in ("identity: Event Hubs", "inbox: hub signals", "inbox: consumer group remediation"):
        assert len(failed[check]) < 400


async def test_a_group_that_the_worker_reads_now_is_well(tmp_path: Path) -> None:
    """Its reader has an epoch, and keeps the doctor out: that shows that the group is there."""
    async with Broker(tmp_path / "broker", {"signals": 1}) as broker:
        connection = broker.connection_string()
        reader = EventHubConsumerClient.from_connection_string(
            connection, "remediation", eventhub_name="signals"
        )
        began = asyncio.Event()

        async def on_event(*_: object) -> None:
            began.set()

        reading = asyncio.create_task(
            reader.receive(on_event, partition_id="0", owner_level=1, max_wait_time=0.2)
        )
        await began.wait()
        _, listens = worker.inbox(Settings(hub=connection))
        assert await told(listens) == "ok: inbox: consumer group remediation: is read by the worker now"
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await reader.close()


# --- stamps ---


async def test_a_healthservice_that_cannot_be_used_is_told(surgery: Surgery) -> None:
    """Not there; not what answers at that address; and a drain that could never be verified by it."""
    assert (await surgery.failed())["shop/weu: HealthService"] == (
        "connection refused; check `health_service`: http://127.0.0.1:1/weu must be reached from the worker"
    )
    async with FarSide(says(403, "no")) as ingress:
        surgery.texts["HEALTH"] = ingress.url
        surgery.write(f"workload: shop\nstamps:\n{FOLDER}{FOLDER.replace('neu', 'weu')}")
        assert (await surgery.failed())["shop/weu: HealthService"] == (
            "HealthService 403, the body holds no list of checks; "
            "check the path of `health_service`, and `front_door_id`: the stamp may ask for it"
        )
    async with FarSide(says_json(503, WELL)) as health:
        surgery.texts["HEALTH"] = health.url
        stamps = f"stamps:\n{FOLDER}{FOLDER.replace('neu', 'weu')}"
        surgery.write(f"workload: shop\nstate_file_check: blobStorage\n{stamps}")
        assert (await surgery.failed())["shop/weu: HealthService"] == (
            "no check is named `blobStorage`, so a drain could never be verified; set `state_file_check` "
            "to the one that looks for the state file; there are: BlobStorage, Database"
        )
        surgery.write(f"workload: shop\n{stamps}")
        assert await surgery.failed() == {}


async def test_a_path_through_front_door_that_leads_elsewhere_is_told(surgery: Surgery) -> None:
    """Users may come that way; the worker would never see what they see."""
    async with FarSide(says(404, "nothing here")) as edge:
        head = f"workload: shop\nfront_door_url: {edge.url}\n"
        surgery.write(f"{head}stamps:\n{FOLDER}{FOLDER.replace('neu', 'weu')}")
        assert (await surgery.failed())["shop: Front Door"] == (
            "HealthService 404, the body holds no list of checks; "
            "check `front_door_url`: it must lead to the HealthService's /health/stamp"
        )


async def test_a_state_file_whose_folder_is_not_there_is_told(surgery: Surgery) -> None:
    """An absent file is a drained stamp; an absent folder is a wrong address."""
    (surgery.folder / "data/neu/stamp.health").unlink()
    (surgery.folder / "data/weu/stamp.health").unlink()
    (surgery.folder / "data/weu").rmdir()
    answer = await surgery.asked()
    assert "ok: shop/neu: state file: out of rotation, and may be deleted and written" in answer.output
    assert "FAILED: shop/weu: state file: there is no folder" in answer.output
    assert "a relative one lies in REMEDIATION_DATA_DIR" in answer.output


@dataclass
class Blobs:
    """A container with a state file, and ways into it with fewer rights."""

    azurite: str
    container: str

    def by(self, permission: str) -> str:
        """A connection string that may do only that."""
        signature = generate_container_sas(
            ACCOUNT,
            self.container,
            account_key=KEY,
            permission=ContainerSasPermissions.from_string(permission),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        endpoint = f"http://127.0.0.1:{port_of(self.azurite)}/{ACCOUNT}"
        return f"BlobEndpoint={endpoint};SharedAccessSignature={signature}"

    async def told(self, connection: str | None) -> str:
        """What comes of the check of the state file, with that connection string."""
        read = secrets(**({"STORE": connection} if connection is not None else {}))
        weu = a_stamp(state_file=BlobStateFile(self.container, "stamp.health", None, SecretRef("STORE")))
        lever, accounts = StateFileLever(read), stamp.Accounts(read)
        said = await told(stamp.state_file(a_workload(), weu, lever, accounts))
        await lever.close()
        await accounts.close()
        return said.removeprefix("FAILED: shop/weu: state file: ")


@pytest.fixture
async def blobs(azurite: str, container_name: str) -> AsyncIterator[Blobs]:
    """With the state file in it."""
    async with ContainerClient.from_connection_string(azurite, container_name) as container:
        await container.create_container()
        await container.upload_blob("stamp.health", b"as it was")
        yield Blobs(azurite, container_name)
        kept = await (await container.download_blob("stamp.health")).readall()
        assert kept == b"as it was"


UNTRIED = "the right to change it shows only when it is changed"
GIVE = "give the worker's identity Storage Blob Data Contributor on the container"


async def test_rights_are_told_apart_without_using_them(blobs: Blobs) -> None:
    """Whoever may not write cannot bring back, and whoever may not delete cannot drain."""
    assert await blobs.told(blobs.by("rwd")) == (
        "ok: shop/weu: state file: in rotation, and may be deleted and written"
    )
    refused = "403 AuthorizationPermissionMismatch"
    assert await blobs.told(blobs.by("rd")) == f"it cannot be written: {refused}; {GIVE}"
    assert await blobs.told(blobs.by("rw")) == f"it cannot be deleted: {refused}; {GIVE}"
    assert await blobs.told(blobs.by("wd")) == f"{refused}; check the address of `state_file`, and {GIVE}"


async def test_rights_are_told_apart_on_a_stamp_that_is_out(azurite: str, container_name: str) -> None:
    """Its state file is absent, and the rights are asked for all the same."""
    async with ContainerClient.from_connection_string(azurite, container_name) as container:
        await container.create_container()
    blobs = Blobs(azurite, container_name)
    assert await blobs.told(azurite) == (
        "ok: shop/weu: state file: out of rotation, and may be deleted and written"
    )
    assert "it cannot be deleted: 403" in await blobs.told(blobs.by("rw"))


async def test_a_state_file_that_is_not_where_it_should_be_is_told(azurite: str) -> None:
    """No container of that name, nobody there, no connection string, and no variable."""
    gone = Blobs(azurite, "not-there")
    assert "404 ContainerNotFound; check the address of `state_file`" in await gone.told(azurite)
    assert "connection refused; check the address" in await gone.told(connection_string(1))
    assert "STORE holds no connection string; check the address" in await gone.told("nonsense")
    assert "STORE is not set; check the address" in await gone.told(None)


async def test_a_storage_that_heeds_no_conditions_is_told() -> None:
    """A change on an impossible condition is accepted: it is found out before anything would be deleted."""
    headers = {"ETag": '"1"', "Last-Modified": "Sat, 21 Nov 2026 03:00:00 GMT", "Content-Length": "0"}
    async with FarSide(says(200, b"", headers)) as careless:
        connection = f"BlobEndpoint={careless.url};AccountName=a;AccountKey={KEY}"
        said = await Blobs("", "states").told(connection)
    assert said.startswith("the storage heeds no conditions, so a late drain could not be fenced off; ")
    assert "DELETE" not in [each.method for each in careless.received]


async def test_without_an_identity_the_state_file_says_no_more_than_that() -> None:
    """Ten lines about kinds of credentials help nobody; the identity has a check of its own."""
    weu = a_stamp(state_file=BlobStateFile("states", "stamp.health", "https://a.invalid"))
    lever, accounts = StateFileLever(secrets()), stamp.Accounts(secrets())
    said = await told(stamp.state_file(a_workload(), weu, lever, accounts))
    await lever.close()
    assert said == "FAILED: shop/weu: state file: no token; see what is said of the identity"


async def test_an_origin_that_cannot_be_read_is_told(surgery: Surgery) -> None:
    """Not there, or not to be read by us."""
    async with ArmServer() as arm:
        surgery.environment |= {"REMEDIATION_ARM_URL": arm.url, "REMEDIATION_STATIC_TOKEN": TOKEN}
        stamps = FOLDER + FOLDER.replace("neu", "weu") + f"    front_door_origin: {origin_id('weu')}\n"
        surgery.write(f"workload: shop\nstamps:\n{stamps}")
        said = (await surgery.failed())["shop/weu: Front Door origin"]
        assert said.startswith("HTTP 404: ResourceNotFound")
        assert said.endswith("give the worker's identity CDN Profile Contributor on the profile")
        arm.has("weu", "Disabled")
        surgery.environment["REMEDIATION_STATIC_TOKEN"] = "another"
        assert "HTTP 401: " in (await surgery.failed())["shop/weu: Front Door origin"]
        surgery.environment["REMEDIATION_STATIC_TOKEN"] = TOKEN
        assert "ok: shop/weu: Front Door origin: out of rotation; " in (await surgery.asked()).output


async def test_a_queue_whose_reader_is_not_to_be_seen_is_told(
    surgery: Surgery, tmp_path: Path, azurite: str, container_name: str
) -> None:
    """No container of checkpoints; and events without any checkpoint of that group."""
    from azure.eventhub import EventData  # noqa: PLC0415 - for this test alone
    from azure.eventhub.aio import EventHubProducerClient  # noqa: PLC0415 - for this test alone

    name = "shop/weu: event hub and checkpoints"
    async with Broker(tmp_path / "broker", {"backendqueue-eh": 1}) as broker:
        surgery.texts |= {
            "CONTAINER": container_name,
            "ORIGIN": origin_id("weu"),
            "PAGER": "https://p.invalid",
        }
        surgery.environment |= {"SHOP_STORAGE": azurite, "SHOP_HUB": broker.connection_string()}
        surgery.write(HEAD + FULL + FOLDER)
        said = (await surgery.failed())[name]
        assert "Storage Blob Data Reader on the container of the checkpoints" in said
        async with ContainerClient.from_connection_string(azurite, container_name) as container:
            await container.create_container()
        assert name not in await surgery.failed()
        async with EventHubProducerClient.from_connection_string(
            broker.connection_string(), eventhub_name="backendqueue-eh"
        ) as producer:
            await producer.send_batch([EventData("{}")])
        assert (await surgery.failed())[name] == (
            "the hub has events, and no partition has a checkpoint of that consumer group; "
            "check `consumer_group` and `checkpoints`: by other names nobody is seen to read"
        )


# --- sources, deployments, webhooks ---

RECEIVER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FEATURES = """\
workload: shop
health_model: {model: MODEL, entities: [{entity: root, stamp: weu, node: Stamp}]}
fired_alerts: {subscriptions: [SUBSCRIPTION]}
deployments:
  - {name: processor, stamp: weu, api_server: CLUSTER, namespace: shop, deployment: NAME, token: env:SHOP_K8S}
webhooks:
  - {name: scale-out, url: env:SHOP_HOOK, secret: env:SHOP_HOOK_SECRET}
stamps:
"""
QUERIED = FOLDER.replace("neu", "weu") + "    health_query: {workspace: WORKSPACE}\n"


@dataclass
class Features:
    """A workload that uses all that a file can name beyond its stamps' own."""

    surgery: Surgery
    azure: Subscription
    cluster: KubernetesServer
    receiver: FarSide

    async def failed(self) -> dict[str, str]:
        """What the doctor finds wrong with these."""
        names = ("health_query", "health_model", "fired_alerts", "deployment processor", "webhook scale-out")
        return {
            name: said
            for check, said in (await self.surgery.failed()).items()
            for name in names
            if check.endswith(name) or f": {name}" in check
        }


@pytest.fixture
async def features_of_all(surgery: Surgery) -> AsyncIterator[Features]:
    """All of it is well."""
    async with a_subscription() as (azure, _), KubernetesServer() as cluster, FarSide() as receiver:
        azure.states = {"root": "Healthy"}
        azure.rows[WORKSPACE] = [[zulu(datetime.now(UTC)), True]]
        surgery.texts |= {
            "MODEL": MODEL,
            "SUBSCRIPTION": SUBSCRIPTION,
            "CLUSTER": cluster.url,
            "NAME": NAME,
            "WORKSPACE": WORKSPACE,
        }
        surgery.environment |= {
            "REMEDIATION_ARM_URL": azure.url,
            "REMEDIATION_LOGS_URL": azure.url,
            "REMEDIATION_STATIC_TOKEN": "token-of-the-worker",
            "SHOP_K8S": KUBERNETES_TOKEN,
            "SHOP_HOOK": f"{receiver.url}/a/flow?sig=secret",
            "SHOP_HOOK_SECRET": RECEIVER,
        }
        surgery.write(FEATURES + QUERIED + FOLDER)
        yield Features(surgery, azure, cluster, receiver)


async def test_every_feature_that_a_file_names_has_its_line(features_of_all: Features) -> None:
    """Each is asked as the worker asks it; nothing is restarted, and no step is asked for."""
    shown = (await features_of_all.surgery.asked()).output
    for line in (
        "ok: shop/weu: health_query: 1 nodes",
        "ok: shop/shop-model: health_model: 1 entities, and their history",
        f"ok: shop/{SUBSCRIPTION}: fired_alerts: 0 alerts within the hour",
        "ok: shop/weu: deployment processor: 3 of 3 replicas are available, and it may be restarted",
        "ok: shop: webhook scale-out: it is there; a step cannot be tried without taking it",
    ):
        assert line in shown.splitlines(), shown
    assert features_of_all.cluster.restarts == 0
    assert features_of_all.receiver.received == []


async def test_sources_without_their_rights_are_told(features_of_all: Features) -> None:
    """Each with the role that the worker's identity needs."""
    features_of_all.azure.fault = fails(403, "AuthorizationFailed")
    failed = await features_of_all.failed()
    assert failed["health_query"] == (
        "HTTP 403 AuthorizationFailed; "
        "check `health_query`; give the worker's identity Log Analytics Reader on the workspace"
    )
    assert failed["health_model"].endswith("give the worker's identity Reader on the health model")
    assert failed["fired_alerts"].endswith("give the worker's identity Monitoring Reader on the subscription")


async def test_a_source_that_knows_nothing_of_what_it_is_asked_is_told(features_of_all: Features) -> None:
    """A query without rows, an entity by a wrong name."""
    features_of_all.azure.rows.clear()
    features_of_all.azure.states = {"other": "Healthy"}
    failed = await features_of_all.failed()
    assert failed["health_query"].startswith("Stamp: the query gave no row for the last 10 min; check")
    assert failed["health_model"].startswith("Stamp: the health model has no entity of this name; check")


async def test_a_history_that_may_not_be_asked_for_is_told(features_of_all: Features) -> None:
    """It is a right of its own, and the worker goes without it in silence."""
    refused = fails(403, "AuthorizationFailed")
    features_of_all.azure.fault = lambda asked: refused(asked) if "getHistory" in asked.path else None
    failed = await features_of_all.failed()
    assert list(failed) == ["health_model"]
    assert "healthmodels/entities/getHistory/action on the model" in failed["health_model"]


async def test_a_deployment_that_could_not_be_restarted_is_told(features_of_all: Features) -> None:
    """Not to be seen, not to be changed, and a cluster that does not say."""
    cluster, name = features_of_all.cluster, "deployment processor"
    cluster.rights[KUBERNETES_TOKEN] = {"get"}
    assert (await features_of_all.failed())[name].startswith(
        "it cannot be restarted: no right to patch it: the cluster says no; give the worker `get` and `patch`"
    )
    cluster.instead["POST"] = says(500)
    assert "whether that is allowed cannot be asked: HTTP 500" in (await features_of_all.failed())[name]
    cluster.instead["POST"] = says(201, "{}")
    assert "whether that is allowed was not answered" in (await features_of_all.failed())[name]
    cluster.rights[KUBERNETES_TOKEN] = {"patch"}
    assert (await features_of_all.failed())[name].startswith("cannot be looked at: no right to get and patch")
    del features_of_all.surgery.environment["SHOP_K8S"]
    assert "SHOP_K8S is not set" in (await features_of_all.failed())[name]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SHOP_HOOK": None}, "SHOP_HOOK is not set; set it as an app setting"),
        ({"SHOP_HOOK": "http://a.example/x"}, "SHOP_HOOK holds no https URL; give the receiver's address"),
        ({"SHOP_HOOK_SECRET": None}, "SHOP_HOOK_SECRET is not set; set it as an app setting"),
        ({"SHOP_HOOK_SECRET": "whsec_"}, "SHOP_HOOK_SECRET holds no signing secret; take the receiver's"),
        ({"SHOP_HOOK": "http://127.0.0.1:1/"}, "it cannot be reached (ConnectionRefusedError); check `url`"),
        ({"SHOP_HOOK": "https://a.invalid/"}, "its name is not resolved; check `url`, and the way to it"),
    ],
)
async def test_a_receiver_that_could_not_be_asked_is_told(
    features_of_all: Features, environment: dict[str, str | None], said: str
) -> None:
    """Without asking it for a step; neither its address nor its secret is told."""
    for name, value in environment.items():
        features_of_all.surgery.environment.pop(name)
        features_of_all.surgery.environment |= {} if value is None else {name: value}
    assert (await features_of_all.failed())["webhook scale-out"].startswith(said)


async def test_a_receiver_whose_certificate_is_not_trusted_is_told(tmp_path: Path) -> None:
    """Nobody would be asked for a step that way."""
    authority = OwnAuthority(tmp_path)
    async with KubernetesServer(tls=authority.server()) as receiver:
        check = features.webhook(a_workload(), Endpoint(receiver.url, name="scale-out"), secrets())
        assert (await told(check)).startswith("FAILED: shop: webhook scale-out: its certificate is not trust")


async def test_an_unsigned_request_is_called_so() -> None:
    """That may be meant, and should be known."""
    async with FarSide() as receiver:
        check = features.webhook(a_workload(), Endpoint(receiver.url, name="scale-out"), secrets())
        assert (await told(check)).endswith("cannot be tried without taking it, without a signature")


# --- channels ---


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "SHOP_KEY is not set; set it as an app setting"),
        ("0123", "SHOP_KEY holds no routing key; take the Integration Key of an Events API V2 integration"),
    ],
)
async def test_a_routing_key_that_is_none_is_told(surgery: Surgery, key: str | None, said: str) -> None:
    """Before the night in which it is needed; the key itself is not."""
    surgery.write(f"workload: shop\nchannels: {{pagerduty: {{routing_key: env:SHOP_KEY}}}}\nstamps:\n{TWO}")
    surgery.environment |= {} if key is None else {"SHOP_KEY": key}
    told = (await surgery.failed())["shop: PagerDuty"]
    assert told.startswith(said)
    assert key is None or key not in told


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "SHOP_TEAMS is not set; set it as an app setting"),
        ("http://teams.example/secret", "SHOP_TEAMS holds no https URL; take the URL of the Workflows"),
        ("https://[secret", "SHOP_TEAMS holds no https URL; take the URL of the Workflows"),
        ("https:secret", "SHOP_TEAMS holds no https URL; take the URL of the Workflows"),
    ],
)
async def test_a_url_of_teams_that_is_none_is_told(surgery: Surgery, url: str | None, said: str) -> None:
    """The URL itself is not: it is a secret."""
    surgery.write(f"workload: shop\nchannels: {{teams: {{url: env:SHOP_TEAMS}}}}\nstamps:\n{TWO}")
    surgery.environment |= {} if url is None else {"SHOP_TEAMS": url}
    told = (await surgery.failed())["shop: Teams"]
    assert told.startswith(said)
    assert "secret" not in told


async def test_a_test_that_is_not_taken_is_told(surgery: Surgery) -> None:
    """The key is well formed, and of no service."""
    async with FarSide(says_json(400, {"message": "Invalid routing key"})) as pager:
        channel = f"{{pagerduty: {{routing_key: env:SHOP_KEY, url: {pager.url}}}}}"
        surgery.write(f"workload: shop\nchannels: {channel}\nstamps:\n{TWO}")
        surgery.environment["SHOP_KEY"] = ROUTING_KEY
        said = (await surgery.failed("--tell"))["shop: test page"]
    assert said.startswith("trigger: refused: HTTP 400: Invalid routing key; check the key or the URL")


TWO = (FOLDER + FOLDER.replace("neu", "weu")).replace("HEALTH", "http://127.0.0.1:1")
