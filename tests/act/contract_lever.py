"""What must every lever do, be it real or a fake?

Subclass `LeverContract` under a name that pytest collects, and give it a
fixture `bench`.
"""

import asyncio
from typing import Protocol

from remediation.decide.looks import LeverLook
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.stamp import LeverState
from remediation.ports import Lever
from rules.topology import Stamp

CONTENT = "HEALTHY"


class LeverBench(Protocol):
    """A lever, and the hands of others on the same state file."""

    @property
    def lever(self) -> Lever:
        """Under test."""
        ...

    @property
    def stamp(self) -> Stamp:
        """Its state file is absent at first; the place for it is there."""
        ...

    @property
    def misplaced(self) -> Stamp:
        """Even the place for its state file is absent: no such container or folder."""
        ...

    async def put(self, content: str) -> None:
        """Somebody else writes the state file, over whatever is there."""
        ...

    async def remove(self) -> None:
        """Somebody else deletes the state file."""
        ...

    async def content(self) -> str | None:
        """What is there; None if the state file is absent."""
        ...


class LeverContract:
    """The promises of `ports.Lever`."""

    async def test_an_absent_file_is_out(self, bench: LeverBench) -> None:
        """The storage says that the file is not there: the stamp is out."""
        assert await bench.lever.look(bench.stamp) == LeverLook(bench.stamp.name, LeverState.OUT)

    async def test_a_present_file_is_in(self, bench: LeverBench) -> None:
        """A look gives the content, and a tag that stays while the file stays."""
        await bench.put("MAINTENANCE ü")
        first = await bench.lever.look(bench.stamp)
        second = await bench.lever.look(bench.stamp)
        assert (first.state, first.content) == (LeverState.IN, "MAINTENANCE ü")
        assert first.tag
        assert first == second

    async def test_an_empty_file_is_in(self, bench: LeverBench) -> None:
        """Only its presence counts; the reference architecture's state file is empty."""
        await bench.put("")
        look = await bench.lever.look(bench.stamp)
        assert (look.state, look.content) == (LeverState.IN, "")

    async def test_no_more_than_4_kib_are_read(self, bench: LeverBench) -> None:
        """A huge state file cannot fill the record."""
        await bench.put("x" * 10_000)
        look = await bench.lever.look(bench.stamp)
        assert (look.state, look.content) == (LeverState.IN, "x" * 4096)

    async def test_a_misplaced_file_is_unreachable_and_never_out(self, bench: LeverBench) -> None:
        """Looking in the wrong place says nothing about the stamp."""
        look = await bench.lever.look(bench.misplaced)
        assert look.state is LeverState.UNREACHABLE
        assert look.reason

    async def test_nothing_is_applied_in_the_wrong_place(self, bench: LeverBench) -> None:
        """No change succeeds where there is no place for the file."""
        outcomes = [
            await bench.lever.take_out(bench.misplaced, "tag"),
            await bench.lever.bring_back(bench.misplaced, CONTENT),
        ]
        assert all(outcome.kind is not OutcomeKind.APPLIED for outcome in outcomes)

    async def test_taking_out_deletes_what_was_seen(self, bench: LeverBench) -> None:
        """The file is gone, and a look says so."""
        await bench.put(CONTENT)
        look = await bench.lever.look(bench.stamp)
        outcome = await bench.lever.take_out(bench.stamp, look.tag)
        assert outcome.kind is OutcomeKind.APPLIED
        assert await bench.content() is None
        assert (await bench.lever.look(bench.stamp)).state is LeverState.OUT

    async def test_taking_out_leaves_a_changed_file(self, bench: LeverBench) -> None:
        """Somebody wrote `MAINTENANCE` after the look: the file is theirs, and the engine must look again."""
        await bench.put(CONTENT)
        look = await bench.lever.look(bench.stamp)
        await bench.put("MAINTENANCE")
        outcome = await bench.lever.take_out(bench.stamp, look.tag)
        assert outcome.kind is OutcomeKind.TRANSIENT
        assert await bench.content() == "MAINTENANCE"

    async def test_taking_out_needs_a_look(self, bench: LeverBench) -> None:
        """Without a tag nothing is deleted."""
        await bench.put(CONTENT)
        outcome = await bench.lever.take_out(bench.stamp, "")
        assert outcome.kind is OutcomeKind.REFUSED
        assert await bench.content() == CONTENT

    async def test_p5_taking_out_twice_is_applied_once(self, bench: LeverBench) -> None:
        """The desired state is there already: that is success."""
        await bench.put(CONTENT)
        look = await bench.lever.look(bench.stamp)
        await bench.remove()
        assert (await bench.lever.take_out(bench.stamp, look.tag)).kind is OutcomeKind.APPLIED
        assert await bench.content() is None

    async def test_bringing_back_restores_the_content(self, bench: LeverBench) -> None:
        """The file comes back as it was."""
        outcome = await bench.lever.bring_back(bench.stamp, "ü")
        assert outcome.kind is OutcomeKind.APPLIED
        assert await bench.content() == "ü"

    async def test_bringing_back_leaves_what_is_there(self, bench: LeverBench) -> None:
        """A file that somebody has made meanwhile is theirs."""
        await bench.put("MAINTENANCE")
        outcome = await bench.lever.bring_back(bench.stamp, CONTENT)
        assert outcome.kind is OutcomeKind.APPLIED
        assert await bench.content() == "MAINTENANCE"

    async def test_p10_a_tag_does_not_outlive_its_file(self, bench: LeverBench) -> None:
        """Deleted and brought back with the same content: an older tag deletes it no more."""
        await bench.lever.bring_back(bench.stamp, CONTENT)
        look = await bench.lever.look(bench.stamp)
        await bench.lever.take_out(bench.stamp, look.tag)
        await bench.lever.bring_back(bench.stamp, CONTENT)
        outcome = await bench.lever.take_out(bench.stamp, look.tag)
        assert outcome.kind is OutcomeKind.TRANSIENT
        assert await bench.content() == CONTENT

    async def test_p10_a_fence_stops_a_late_delete(self, bench: LeverBench) -> None:
        """A paused worker's tag is worthless after the fence, and nothing else has changed."""
        await bench.put(CONTENT)
        late = await bench.lever.look(bench.stamp)
        assert (await bench.lever.fence(bench.stamp, late)).kind is OutcomeKind.APPLIED
        assert (await bench.lever.take_out(bench.stamp, late.tag)).kind is OutcomeKind.TRANSIENT
        assert await bench.content() == CONTENT
        fresh = await bench.lever.look(bench.stamp)
        assert (await bench.lever.take_out(bench.stamp, fresh.tag)).kind is OutcomeKind.APPLIED

    async def test_p10_every_fence_gives_a_new_tag(self, bench: LeverBench) -> None:
        """However quickly they follow one another."""
        await bench.put(CONTENT)
        tags = set()
        for _ in range(5):
            look = await bench.lever.look(bench.stamp)
            tags.add(look.tag)
            assert (await bench.lever.fence(bench.stamp, look)).kind is OutcomeKind.APPLIED
        assert len(tags) == 5

    async def test_a_fence_makes_no_file(self, bench: LeverBench) -> None:
        """Where there is nothing to fence, nothing appears."""
        await bench.put(CONTENT)
        gone = await bench.lever.look(bench.stamp)
        await bench.remove()
        absent = await bench.lever.look(bench.stamp)
        for look in (gone, absent):
            assert (await bench.lever.fence(bench.stamp, look)).kind is OutcomeKind.APPLIED
        assert await bench.content() is None

    async def test_p10_a_fence_after_a_change_is_a_fence(self, bench: LeverBench) -> None:
        """The file has changed since the look: the tag is worthless either way."""
        await bench.put(CONTENT)
        look = await bench.lever.look(bench.stamp)
        await bench.put("changed")
        assert (await bench.lever.fence(bench.stamp, look)).kind is OutcomeKind.APPLIED
        assert (await bench.lever.take_out(bench.stamp, look.tag)).kind is OutcomeKind.TRANSIENT
        assert await bench.content() == "changed"

    async def test_p10_fence_and_delete_at_once_agree(self, bench: LeverBench) -> None:
        """Whoever comes first: a delete that says applied has deleted, one that says refused has not."""
        for _ in range(10):
            await bench.put(CONTENT)
            look = await bench.lever.look(bench.stamp)
            taken, fenced = await asyncio.gather(
                bench.lever.take_out(bench.stamp, look.tag), bench.lever.fence(bench.stamp, look)
            )
            gone = await bench.content() is None
            assert taken.kind is (OutcomeKind.APPLIED if gone else OutcomeKind.TRANSIENT)
            assert fenced.kind is OutcomeKind.APPLIED

    async def test_p5_many_deletes_at_once_are_one(self, bench: LeverBench) -> None:
        """Workers with the same look all reach the desired state."""
        await bench.put(CONTENT)
        look = await bench.lever.look(bench.stamp)
        outcomes = await asyncio.gather(*(bench.lever.take_out(bench.stamp, look.tag) for _ in range(8)))
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.APPLIED}
        assert await bench.content() is None

    async def test_p5_many_returns_at_once_are_one(self, bench: LeverBench) -> None:
        """The first content stays, and everyone is told that the file is there."""
        contents = [f"HEALTHY {number}" for number in range(8)]
        outcomes = await asyncio.gather(
            *(bench.lever.bring_back(bench.stamp, content) for content in contents)
        )
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.APPLIED}
        first = await bench.content()
        assert first in contents
        assert (await bench.lever.bring_back(bench.stamp, "late")).kind is OutcomeKind.APPLIED
        assert await bench.content() == first
