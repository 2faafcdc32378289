"""What goes wrong in one run? A choice that can be written down, shrunk, and run again for ever."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rehearsal.faults.kinds import CallFault, Fault, Point
from rehearsal.faults.troubles import Befalls, Trouble
from rehearsal.scenario.load import Scenario

HEALING = timedelta(minutes=3)
"""So long a run with faults goes on after the scenario's own end, and after the last fault."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What goes wrong in one run of one scenario.

    Attributes:
        scenario: the name of its file, without folder.
        seed: of all chance.
        faults: of single calls.
        troubles: what lasts.
        workers: how many; 0: as many as the scenario says.
        why: for what it is kept, in a file.
    """

    scenario: str
    seed: str = "1"
    faults: tuple[Fault, ...] = ()
    troubles: tuple[Befalls, ...] = ()
    workers: int = 0
    why: str = field(default="", compare=False)

    def __str__(self) -> str:
        wrong = "; ".join(map(str, (*self.faults, *self.troubles))) or "no faults"
        many = f", {self.workers} workers" if self.workers else ""
        return f"{self.scenario}, seed {self.seed}{many}: {wrong}"

    @property
    def size(self) -> int:
        """How many things go wrong."""
        return len(self.faults) + len(self.troubles)

    def of(self, scenario: Scenario) -> Scenario:
        """The scenario with what goes wrong in it."""
        entries = [entry for each in self.troubles for entry in each.entries()]
        longer = HEALING if self.size else timedelta()
        return replace(
            scenario,
            entries=(*scenario.entries, *entries),
            run=scenario.run + longer,
            workers=self.workers or scenario.workers,
        )

    def smaller(self) -> list["Schedule"]:
        """This one, each time without one of the things that go wrong."""
        faults, troubles = self.faults, self.troubles
        without = [replace(self, faults=faults[:i] + faults[i + 1 :]) for i in range(len(faults))]
        without += [replace(self, troubles=troubles[:i] + troubles[i + 1 :]) for i in range(len(troubles))]
        return without

    def to_json(self) -> str:
        """The text that is kept."""
        said: dict[str, Any] = {"scenario": self.scenario, "seed": self.seed}
        if self.workers:
            said["workers"] = self.workers
        if self.why:
            said["why"] = self.why
        said["faults"] = [
            {"kind": str(each.kind), "call": each.point.name, "nth": each.point.nth} for each in self.faults
        ]
        said["troubles"] = [
            {"kind": str(each.kind), "at": each.at, "lasts": each.lasts, "where": each.where}
            for each in self.troubles
        ]
        return json.dumps(said, indent=2) + "\n"


def read_schedule(path: Path) -> Schedule:
    """The schedule of a file.

    Raises:
        KeyError, ValueError: it is none.
    """
    said = json.loads(path.read_text("utf-8"))
    return Schedule(
        scenario=said["scenario"],
        seed=said["seed"],
        faults=tuple(
            Fault(CallFault(each["kind"]), Point(each["call"], each["nth"])) for each in said["faults"]
        ),
        troubles=tuple(
            Befalls(Trouble(each["kind"]), each["at"], each["lasts"], each["where"])
            for each in said["troubles"]
        ),
        workers=said.get("workers", 0),
        why=said.get("why", ""),
    )
