"""What is on the scene? The workload, its users, what watches it, who is told, and the worker."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from azure.eventhub.aio import EventHubProducerClient

from local.demo.feed import Feed, Who
from local.demo.worker_process import WorkerProcess, worker_process
from local.workload.control_plane import TOKEN, ControlPlane, origin_id
from local.workload.database import Database
from local.workload.faults import Faults
from local.workload.front_door import FrontDoor, Origin
from local.workload.health_model import HealthModel
from local.workload.health_service import PATH
from local.workload.monitor import Monitor, origin_health, outgoing_messages
from local.workload.pace import COMPRESSED, Pace
from local.workload.receivers import WORKFLOW, Card, Page, card_line, channel, page_line, pager
from local.workload.serving import in_background, served
from local.workload.shop import ROUTING_KEY, put_into_rotation
from local.workload.stamp import Place, RunningStamp, running_stamps
from local.workload.telemetry import Telemetry
from local.workload.traffic import Traffic
from remediation.wiring import HUB

WORKLOAD = "shop"
REGIONS = {"weu": "westeurope", "neu": "northeurope", "sdc": "swedencentral"}
FILE = Path(__file__).with_name("workload.yaml")


@dataclass(slots=True)
class Told:
    """What people have been told, oldest first."""

    pages: list[Page] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)

    def keys(self, action: str) -> set[str]:
        """The dedup keys of the pages that did this, `trigger` or `resolve`."""
        return {str(page["dedup_key"]) for page in self.pages if page["event_action"] == action}

    def open_pages(self) -> dict[str, Page]:
        """The last trigger of every page that is not resolved, by dedup key."""
        found: dict[str, Page] = {}
        for page in self.pages:
            if page["event_action"] == "trigger":
                found[page["dedup_key"]] = page
            else:
                found.pop(page["dedup_key"], None)
        return found


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that runs, in one place, to be looked at and to be broken."""

    feed: Feed
    told: Told
    stamps: Sequence[RunningStamp]
    database: Database
    front_door: FrontDoor
    front_door_url: str
    traffic: Traffic
    model: HealthModel
    monitor: Monitor
    faults: Faults
    worker: WorkerProcess
    pace: Pace

    def stamp(self, name: str) -> RunningStamp:
        """The stamp of that name."""
        return next(stamp for stamp in self.stamps if stamp.name == name)

    def out(self) -> set[str]:
        """The stamps whose state file is gone."""
        return {stamp.name for stamp in self.stamps if not stamp.in_rotation}

    def disabled(self) -> set[str]:
        """The stamps whose origin in the front door is disabled."""
        return {origin.name for origin in self.front_door.origins if not origin.enabled}


@asynccontextmanager
async def a_scene(
    folder: Path, feed: Feed, pace: Pace = COMPRESSED, *, alerts: bool = True
) -> AsyncIterator[Scene]:
    """Run everything while the context lasts.

    Args:
        folder: empty; for all that is kept.
        feed: where lines go.
        pace: of the workload.
        alerts: whether Azure Monitor watches the event hubs, with a metric alert for each.

    Raises:
        WorkerError: the worker does not come up.
        OSError: a port or the folder cannot be used.
    """
    async with AsyncExitStack() as running:
        told, database = Told(), Database()
        places = [_place(name, folder) for name in REGIONS]
        stamps = await running.enter_async_context(
            running_stamps(places, database, folder / "data" / WORKLOAD, pace)
        )
        front_door = FrontDoor([Origin(stamp.name, stamp.url) for stamp in stamps], pace)
        url = await running.enter_async_context(served(front_door.application()))
        traffic = Traffic(url)
        await running.enter_async_context(in_background(traffic.run()))
        arm_url = await running.enter_async_context(served(ControlPlane(front_door, pace).application()))
        azure = {"front_door": url + PATH, "arm": arm_url}
        worker = await _worker(folder, stamps, azure, told, feed, running)
        telemetry = Telemetry()
        model = HealthModel(WORKLOAD, stamps, database, pace, telemetry)
        monitor = Monitor(
            [
                *(outgoing_messages(stamp, pace) for stamp in stamps if alerts),
                *(origin_health(front_door, stamp.name) for stamp in stamps),
            ],
            pace,
            telemetry,
        )
        await _watching(model, monitor, worker, running)
        faults = Faults(stamps, database, front_door, telemetry, pace)
        running.push_async_callback(faults.mend)
        yield Scene(
            feed, told, stamps, database, front_door, url, traffic, model, monitor, faults, worker, pace
        )


def _place(name: str, folder: Path) -> Place:
    state_file = folder / "data" / "stamps" / name / "stamp.health"
    put_into_rotation(state_file)
    return Place(name, REGIONS[name], state_file)


async def _worker(  # noqa: PLR0913, PLR0917 - all that the worker has to do with
    folder: Path,
    stamps: Sequence[RunningStamp],
    azure: Mapping[str, str],
    told: Told,
    feed: Feed,
    running: AsyncExitStack,
) -> WorkerProcess:
    def page(event: Page) -> None:
        told.pages.append(event)
        feed.say(Who.PAGE, page_line(event))

    def card(message: Card) -> None:
        told.cards.append(message)
        feed.say(Who.CARD, card_line(message))

    pager_url = await running.enter_async_context(served(pager(page)))
    teams_url = await running.enter_async_context(served(channel(card)))
    workloads = folder / "workload.yaml"
    addresses = {"pager": pager_url, "front_door": azure["front_door"]}
    addresses |= {stamp.name: stamp.health_url for stamp in stamps}
    addresses |= {f"origin_{stamp.name}": origin_id(stamp.name) for stamp in stamps}
    workloads.write_text(Template(FILE.read_text("utf-8")).substitute(addresses), "utf-8")
    secrets = {f"SHOP_{stamp.name.upper()}_HUB": stamp.hub.connection for stamp in stamps}
    environment = secrets | {
        "SHOP_PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
        "SHOP_TEAMS_URL": teams_url + WORKFLOW,
        "REMEDIATION_ARM_URL": azure["arm"],
        "REMEDIATION_STATIC_TOKEN": TOKEN,
    }
    return await running.enter_async_context(worker_process(folder, workloads, environment))


async def _watching(
    model: HealthModel, monitor: Monitor, worker: WorkerProcess, running: AsyncExitStack
) -> None:
    hub = EventHubProducerClient.from_connection_string(worker.hub, eventhub_name=HUB, retry_total=1)
    running.push_async_callback(hub.close)
    await running.enter_async_context(in_background(model.run(hub)))
    await running.enter_async_context(in_background(monitor.run(f"{worker.url}/api/alerts")))
