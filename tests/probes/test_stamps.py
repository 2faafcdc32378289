"""Are the groups that are stamps found, and does what is known stay when nothing can be found out?"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.ledger.remembered import RememberedInFolder
from remediation.observe import Tally
from remediation.probes.rest import Rest
from remediation.probes.stamps import EVERY, GONE_AFTER, Listed, Memory, StampGroups
from rules.topology import Discovery, Group
from tests.builders import at
from tests.probes.azure_rest import SUBSCRIPTION, Fault, answers, fails
from tests.probes.lag_stage import SetClock
from tests.probes.subscription import Subscription, a_subscription

WEU, NEU = "shop1-stamp-westeurope-rg", "shop1-stamp-northeurope-rg"
BY_NAME = Discovery(SUBSCRIPTION, {}, resource_group="shop*-stamp-{region}-rg")
BY_TAG = Discovery(SUBSCRIPTION, {}, tag=("who's", "a stamp & more"))


@dataclass
class Stage:
    """A subscription, and a worker that lists its groups.

    Attributes:
        azure: the subscription.
        rest: the way to ask it.
        clock: goes when the test says so.
        memory: outlives the worker.
        tally: of the worker.
    """

    azure: Subscription
    rest: Rest
    memory: Memory
    clock: SetClock = field(default_factory=SetClock)
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """A worker that knows nothing but what is in the memory."""
        self._stamps = StampGroups(self.rest, self.clock, self.tally, self.memory, within_seconds=1.0)

    async def listed(self, discovery: Discovery = BY_NAME, later: float = 60) -> Listed:
        """What is known, after that many seconds."""
        self.clock.forward(later)
        return (await self._stamps.listed({"shop": discovery}))["shop"]

    async def names(self, discovery: Discovery = BY_NAME, later: float = 60) -> list[str] | None:
        """The names of the groups that are known."""
        groups = (await self.listed(discovery, later)).groups
        return None if groups is None else [group.name for group in groups]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A subscription with two stamps and something else."""
    async with a_subscription() as (azure, rest):
        azure.has(WEU)
        azure.has(NEU, "northeurope")
        azure.has("shop-global-rg")
        yield Stage(azure, rest, RememberedInFolder(tmp_path / "kept"))


async def test_groups_are_found_by_the_pattern_of_their_names(stage: Stage) -> None:
    """In the order of their names, each with its location; other groups are none of ours."""
    assert await stage.listed(later=60) == Listed(
        (Group(NEU, "northeurope"), Group(WEU, "westeurope")), at(60)
    )
    [question] = stage.azure.asked
    assert question.query == {"api-version": "2021-04-01"}


async def test_groups_are_found_by_their_tag(stage: Stage) -> None:
    """Azure is asked for that tag alone; what is special in its name or value does no harm."""
    stage.azure.has("anything", **{"who''s": "a stamp & more"})
    assert await stage.names(BY_TAG) == ["anything"]
    [question] = stage.azure.asked
    assert question.query["$filter"] == "tagName eq 'who''s' and tagValue eq 'a stamp & more'"


async def test_a_list_may_have_several_pages(stage: Stage) -> None:
    """All of them count."""
    stage.azure.groups_per_page = 1
    assert await stage.names() == [NEU, WEU]
    assert len(stage.azure.asked) == 3


async def test_azure_is_not_asked_at_every_look(stage: Stage) -> None:
    """Once a minute is enough: stamps live for weeks."""
    await stage.names()
    assert await stage.names(later=30) == [NEU, WEU]
    assert len(stage.azure.asked) == 1
    await stage.names(later=30)
    assert len(stage.azure.asked) == 2


async def test_a_new_group_is_known_at_once(stage: Stage) -> None:
    """At the next answer."""
    await stage.names()
    stage.azure.has("shop2-stamp-westeurope-rg")
    assert await stage.names() == [NEU, WEU, "shop2-stamp-westeurope-rg"]


async def test_a_group_is_gone_when_answer_after_answer_lacks_it(stage: Stage) -> None:
    """Missing once is no proof; back in between, it counts anew."""
    await stage.names()
    stage.azure.loses(WEU)
    for _ in range(GONE_AFTER - 1):
        assert await stage.names() == [NEU, WEU]
    stage.azure.has(WEU)
    assert await stage.names() == [NEU, WEU]
    stage.azure.loses(WEU)
    for _ in range(GONE_AFTER - 1):
        assert await stage.names() == [NEU, WEU]
    assert await stage.names() == [NEU]


async def test_a_group_that_is_being_deleted_is_no_stamp(stage: Stage) -> None:
    """Its end has been decided; one that is new is never taken up."""
    stage.azure.has("shop0-stamp-westeurope-rg", state="Deleting")
    assert await stage.names() == [NEU, WEU]


async def test_an_empty_answer_is_no_answer(stage: Stage) -> None:
    """Rights that were lost look like groups that are gone: what is known stays, and why is told."""
    await stage.names()
    stage.azure.groups = []
    for _ in range(2 * GONE_AFTER):
        listed = await stage.listed(later=600)
    assert [group.name for group in listed.groups or ()] == [NEU, WEU]
    assert listed.failed == "no resource group fits, or none may be read"
    assert listed.at == at(60)
    assert stage.tally.counts()["probe.stamps.empty"] == 2 * GONE_AFTER


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (fails(403, "AuthorizationFailed"), "HTTP 403 AuthorizationFailed"),
        (fails(503), "HTTP 503 Failed"),
        (answers({"value": "none"}), "the answer holds no list"),
        (answers(b"[]"), "the answer is no JSON object"),
        (
            answers({"value": [{"name": 7}, {"name": "x"}, None, {"name": WEU, "location": None}]}),
            "no resource group fits, or none may be read",
        ),
    ],
)
async def test_what_is_known_stays_when_azure_does_not_tell(stage: Stage, fault: Fault, reason: str) -> None:
    """However long that lasts; afterwards it is told anew."""
    await stage.names()
    stage.azure.fault = fault
    for _ in range(GONE_AFTER + 1):
        listed = await stage.listed(later=600)
    assert ([group.name for group in listed.groups or ()], listed.failed) == ([NEU, WEU], reason)
    stage.azure.fault = None
    assert (await stage.listed(later=600)).failed == ""


async def test_a_failure_in_the_middle_of_a_list_is_no_shorter_list(stage: Stage) -> None:
    """The first page alone would say that a stamp is gone."""
    await stage.names()
    stage.azure.groups_per_page = 1
    stage.azure.fault, stage.azure.fault_after = fails(500), len(stage.azure.asked) + 1
    for _ in range(GONE_AFTER + 1):
        assert await stage.names(later=600) == [NEU, WEU]
        stage.azure.fault_after = len(stage.azure.asked) + 1


async def test_a_list_that_does_not_end_is_given_up(stage: Stage) -> None:
    """Within its time."""
    stage.azure.slow_seconds = 2.0
    assert (await stage.listed()).failed == "the list did not end within 1 s"


async def test_who_does_not_answer_is_left_alone_for_longer_and_longer(stage: Stage) -> None:
    """And for as long as it asks for."""
    stage.azure.fault = fails(503)
    gaps = []
    for _ in range(5):
        before, waited = len(stage.azure.asked), 0
        while len(stage.azure.asked) == before:
            await stage.names(later=5)
            waited += 5
        gaps.append(waited)
    assert gaps == [5, 55, 110, 220, 300]
    stage.azure.fault = fails(429, retry_after=1800)
    await stage.names(later=600)
    asked = len(stage.azure.asked)
    await stage.names(later=1700)
    assert len(stage.azure.asked) == asked
    await stage.names(later=100)
    assert len(stage.azure.asked) == asked + 1


async def test_never_known_is_not_the_same_as_none(stage: Stage) -> None:
    """A worker that starts while Azure does not answer, and remembers nothing, knows nothing."""
    stage.azure.fault = fails(503)
    assert await stage.listed() == Listed(None, None, "HTTP 503 Failed")


async def test_what_was_known_outlives_the_worker(stage: Stage) -> None:
    """The next one begins with it, if Azure does not answer; and goes on from there when it does."""
    await stage.names()
    stage.start_anew()
    stage.azure.fault = fails(503)
    listed = await stage.listed()
    assert ([group.name for group in listed.groups or ()], listed.at) == ([NEU, WEU], None)
    stage.azure.fault = None
    stage.azure.loses(WEU)
    for _ in range(GONE_AFTER - 1):
        assert await stage.names() == [NEU, WEU]
    assert await stage.names() == [NEU]
    stage.start_anew()
    stage.azure.fault = fails(503)
    assert await stage.names() == [NEU]


async def test_another_worker_may_know_more(stage: Stage) -> None:
    """While Azure does not answer this one, it takes over what the other has kept, and gives up nothing."""
    await stage.names()
    other = replace(stage)
    stage.azure.has("shop2-stamp-westeurope-rg")
    stage.azure.loses(WEU)
    for _ in range(GONE_AFTER):
        await other.names()
    assert await other.names(later=0) == [NEU, "shop2-stamp-westeurope-rg"]
    stage.azure.fault = fails(503)
    assert await stage.names() == [NEU, WEU, "shop2-stamp-westeurope-rg"]


async def test_another_question_is_answered_anew(stage: Stage) -> None:
    """What was known and kept by another pattern says nothing about this one; it is asked at once."""
    await stage.names()
    stage.azure.fault = fails(503)
    other = replace(BY_NAME, resource_group="shop*-stamp-*")
    assert await stage.names(other, later=1) is None
    stage.azure.fault = None
    assert await stage.names(other) == [NEU, WEU]
    # The template is no part of the question.
    assert await stage.names(replace(other, template={"name": "x"}), later=1) == [NEU, WEU]


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"groups": []}', b'{"question": 1, "groups": 2}'])
async def test_a_memory_that_cannot_be_read_is_none(stage: Stage, tmp_path: Path, kept: bytes) -> None:
    """Half a file, another version's, or rubbish."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/stamps-shop.json").write_bytes(kept)
    stage.azure.fault = fails(503)
    assert await stage.names() is None


async def test_a_memory_that_cannot_be_written_stops_nothing(stage: Stage, tmp_path: Path) -> None:
    """What is known is known all the same."""
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert await stage.names() == [NEU, WEU]


async def test_without_a_memory_a_worker_begins_with_nothing(stage: Stage) -> None:
    """And lists all the same."""
    stamps = StampGroups(stage.rest, stage.clock, stage.tally)
    assert len((await stamps.listed({"shop": BY_NAME}))["shop"].groups or ()) == 2
    assert timedelta(minutes=1) > EVERY
