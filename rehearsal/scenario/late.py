"""How does a deletion land late? The request is on its way, and whoever sent it hears no more of it.

What counts is what it finds when it lands: the state file that it was sent for, another one, or none.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rehearsal.faults.inject import GIVES_UP_SECONDS
from rehearsal.gate import Call, Perform, land_later
from rehearsal.history import Kind
from rehearsal.scenario.happens import LateDeleteModel
from rehearsal.world.world import World

LANDED = "landed late"
"""The first word of what is written down for those who judge; the second is a `Landed`."""


class Landed(StrEnum):
    """What a late deletion came to."""

    IN_TIME = "it still found the file that it was sent for, and deleted it"
    FENCED_OFF = "the file is another one by its ETag, and stays"
    WRONG_FILE = "the file is another one by its ETag, and was deleted all the same"
    IN_VAIN = "there was nothing that it could delete"


@dataclass(frozen=True, slots=True)
class LateDelete:
    """What befalls one call that deletes a state file."""

    said: LateDeleteModel
    world: World

    async def around(self, call: Call, perform: Perform) -> Any:
        """See `Faults`: the worker stands still until it has landed, or is told of a time-out soon."""
        seconds, process, loop = self.said.by.total_seconds(), call.process, self.world.loop
        tag = self.world.stamps[self.said.stamp].file.tag
        land_later(loop, seconds, lambda: self._lands(tag, perform, process.name))
        self._note("a deletion of the state file is on its way, and will land late", process.name)
        if not self.said.still:
            await asyncio.sleep(GIVES_UP_SECONDS)
            return call.lost("rehearsed: timed out")
        self.world.note(Kind.PROCESS, f"{process.name} stands still", who=process.name)
        process.stop()

        def resume() -> None:
            if not process.dead:
                loop.resume(process)
                self.world.note(Kind.PROCESS, f"{process.name} goes on", who=process.name)

        loop.after(seconds + GIVES_UP_SECONDS, resume)
        await asyncio.sleep(0)
        return call.lost("rehearsed: timed out")

    async def _lands(self, tag: str, perform: Perform, who: str) -> None:
        file = self.world.stamps[self.said.stamp].file
        there, same = file.content is not None, file.tag == tag
        await perform()
        stays = file.content is not None
        if there and same and not stays:
            came = Landed.IN_TIME
        elif there and not same:
            came = Landed.FENCED_OFF if stays else Landed.WRONG_FILE
        else:
            came = Landed.IN_VAIN
        self._note(f"the late deletion of the state file lands: {came}", who, (LANDED, came.name))

    def _note(self, words: str, who: str, what: tuple[str, ...] | None = None) -> None:
        self.world.note(Kind.WORLD, words, self.said.stamp, who, what)
