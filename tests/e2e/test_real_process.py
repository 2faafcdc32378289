"""Does the real process save a real workload, over real HTTP and AMQP?"""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.e2e.stage import STAMPS, Stage, a_stage, until

pytestmark = pytest.mark.slow

KEY = "shop/{}/background-processor-cannot-read"


async def test_an_alert_over_http_drains_pages_rejoins_and_resolves(tmp_path: Path) -> None:
    """A real alert body: the right state file vanishes, on-call is paged, all is well again after proof."""
    async with a_stage(tmp_path) as stage:
        stage.start()
        await stage.ready()
        assert await stage.alert("weu", "Fired") == 202
        await until(lambda: stage.keys("trigger") == {KEY.format("weu")}, "the page")
        await until(lambda: stage.out() == {"weu"}, "the drain")
        assert await stage.alert("weu", "Resolved") == 202
        await until(lambda: stage.out() == set(), "the rejoin")
        await until(lambda: stage.keys("resolve") == {KEY.format("weu")}, "the resolve")
        assert stage.drains == ["drained weu", "rejoined weu"]
        assert stage.state_file("weu").read_text() == "in rotation"
        assert len(stage.triggers()) == 1


async def test_an_event_over_amqp_drains_pages_rejoins_and_resolves(tmp_path: Path) -> None:
    """The same by a health-state change event that the unmodified Event Hubs SDK sends to the hub."""
    async with a_stage(tmp_path) as stage:
        stage.start()
        await stage.ready()
        await stage.event("neu", "red")
        await until(lambda: stage.keys("trigger") == {KEY.format("neu")}, "the page")
        await until(lambda: stage.out() == {"neu"}, "the drain")
        await stage.event("neu", "green")
        await until(lambda: stage.keys("resolve") == {KEY.format("neu")}, "the resolve")
        assert stage.drains == ["drained neu", "rejoined neu"]


async def test_two_stamps_at_once_are_told_as_global_and_nothing_is_drained(tmp_path: Path) -> None:
    """P3: the same fault on two stamps within the settle time: no file is touched, one page says global."""
    async with a_stage(tmp_path, settle="3s") as stage:
        stage.start()
        await stage.ready()
        await asyncio.gather(stage.alert("weu", "Fired"), stage.event("neu", "red"))
        await until(lambda: KEY.format("global") in stage.keys("trigger"), "the page that says global")
        await asyncio.sleep(8)
        assert stage.drains == []
        told = [page for page in stage.triggers() if "[global]" in page["payload"]["summary"]]
        assert len(told) == 1
        assert stage.keys("trigger") - stage.keys("resolve") == {KEY.format("global")}


async def test_ctrl_c_ends_it_and_the_next_start_goes_on(tmp_path: Path) -> None:
    """SIGINT ends the process with status 0; what it knew and did is there at the next start."""
    async with a_stage(tmp_path) as stage:
        stage.start()
        await stage.ready()
        await stage.alert("weu", "Fired")
        await until(lambda: stage.out() == {"weu"}, "the drain")
        assert stage.process is not None
        stage.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(stage.process.wait, 20) == 0
        assert b"Traceback" not in (tmp_path / "worker.log").read_bytes()
        stage.start()
        await stage.ready()
        await stage.alert("weu", "Resolved")
        await until(lambda: stage.out() == set(), "the rejoin")


def _when_recorded(stage: Stage, *words: str) -> bool:
    record = stage.record()
    return all(word in record for word in words)


PLACES = {
    "after the alert was accepted": ("accepted", ()),
    "while the page is delivered": ("on_page", ()),
    "at the look before the drain": ("on_health", ('"verb":"drain"',)),
    "when the state file has vanished": ("on_file", ()),
    "at the look that verifies the drain": ("on_health", ('"state":"applied"', '"verb":"drain"')),
    "when the drain is verified": ("on_health", ('"state":"verified"', '"verb":"drain"')),
    "while recovery is proven": ("on_health", ('"recovering_since"',)),
    "at the look before the rejoin": ("on_health", ('"verb":"rejoin"',)),
    "when the state file is back": ("on_file", ("verified",)),
    "when the rejoin is applied": ("on_health", ('"verb":"rejoin"', '"state":"applied"')),
    "while the resolve is delivered": ("on_page", ('"kind":"resolve"',)),
}


@pytest.mark.parametrize("place", PLACES)
async def test_kill_minus_nine_anywhere_changes_nothing_in_the_end(tmp_path: Path, place: str) -> None:
    """P4, P5, P8, P10: killed at this place, the next start finishes: drained once, paged, back, resolved."""
    hook, words = PLACES[place]
    killed = asyncio.Event()
    async with a_stage(tmp_path) as stage:

        async def kill_here() -> None:
            if not killed.is_set() and _when_recorded(stage, *words):
                killed.set()
                stage.kill()
                stage.start()

        stage.start()
        await stage.ready()
        await stage.alert("weu", "Fired")
        if hook == "accepted":
            await kill_here()
        else:
            setattr(stage, hook, kill_here)
        await until(lambda: "weu" in stage.out() or "drained weu" in stage.drains, "the drain")
        await until(lambda: '"state":"verified"' in stage.record(), "the drain to be verified")
        await _post_until_accepted(stage)
        await until(lambda: KEY.format("weu") in stage.keys("resolve"), "the resolve")
        assert killed.is_set(), "the worker was never killed"
        assert stage.drains == ["drained weu", "rejoined weu"]
        assert stage.keys("trigger") == {KEY.format("weu")}
        assert stage.out() == set()
        assert all(stage.state_file(stamp).read_text() == "in rotation" for stamp in STAMPS)


async def _post_until_accepted(stage: Stage) -> None:
    """The sender tries again while the worker is down, as Azure Monitor does."""
    for _ in range(100):
        try:
            if await stage.alert("weu", "Resolved") == 202:
                return
        except OSError:
            pass
        await asyncio.sleep(0.2)
    raise AssertionError("the Resolved alert was never accepted")
