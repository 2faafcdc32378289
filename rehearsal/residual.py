"""How often does a survivor fail between the look and the act, and what follows?

No look can exclude it: a stamp may fail right after it was seen to serve, and HealthService answers
from a report that may be ten seconds old. Here the truth changes at a random moment around each drain,
and what can be counted is counted: how wide the window is, and how it goes on for those who hit it.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rehearsal.check import Case, check
from rehearsal.check.case import Violation
from rehearsal.faults.schedule import Schedule
from rehearsal.faults.trial import Trial, try_out
from rehearsal.faults.troubles import Befalls, Trouble
from rehearsal.history import Kind, Served
from rehearsal.scenario.load import Scenario, load_scenario
from remediation.ledger.intent import Verb
from remediation.ledger.told import MessageKind

AROUND_SECONDS = 20
"""Longer before an act than anything goes unseen."""

FAILS_FOR_SECONDS = 400
"""Longer than it takes until people are woken for a stamp of which nothing is known."""

FAILURES = (Trouble.HEALTHSERVICE, Trouble.DATABASE, Trouble.REGION)
SEEDS = 8

MEASURED_IN = "two-must-serve.yaml"
"""The scenario in which no survivor can be spared, so that every failure of one counts."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A drain that took effect although a survivor had just failed.

    Attributes:
        kind: how the survivor failed.
        age: for how many seconds it had failed.
        served: the least share of users that was served afterwards, in percent.
        paged_after: seconds from the drain until people were woken about it; None where they were not.
        drained_more: whether another stamp was drained while both were out.
    """

    kind: Trouble
    age: float
    served: float
    paged_after: float | None
    drained_more: bool


@dataclass(slots=True)
class Residue:
    """What came of many failures around drains.

    Attributes:
        failures: how many survivors failed, by how, each at a random moment around a drain.
        before: how many of them were seen in time, so that nothing was drained.
        hits: those that were not.
        after: how many failed after the drain.
        broken: promises that were broken besides; there are none.
    """

    failures: Counter[Trouble] = field(default_factory=Counter)
    before: int = 0
    after: int = 0
    hits: list[Hit] = field(default_factory=list)
    broken: list[Violation] = field(default_factory=list)

    def add(self, other: "Residue") -> None:
        """What another process has measured."""
        self.failures += other.failures
        self.before += other.before
        self.after += other.after
        self.hits += other.hits
        self.broken += other.broken

    def window_seconds(self, kind: Trouble) -> float:
        """For how long before a drain such a failure goes unseen, on average."""
        hits = sum(1 for hit in self.hits if hit.kind is kind)
        return 2 * AROUND_SECONDS * hits / self.failures[kind] if hits else 0.0

    def lines(self) -> Iterator[str]:
        """For people."""
        yield (
            f"{self.failures.total()} times a survivor failed within {AROUND_SECONDS} s of a drain: "
            f"{self.before} were seen in time, {self.after} failed after it, {len(self.hits)} hit the window"
        )
        for kind in FAILURES:
            ages = [hit.age for hit in self.hits if hit.kind is kind]
            oldest = f"; the oldest had failed {max(ages):.2f} s before" if ages else ""
            yield (
                f"{kind}: {len(ages)} of {self.failures[kind]} hit a window of "
                f"{self.window_seconds(kind):.1f} s{oldest}"
            )
        if self.hits:
            paged = [hit.paged_after for hit in self.hits if hit.paged_after is not None]
            latest = f"{max(paged):.0f} s after the drain at the latest" if paged else "never"
            yield (
                f"then {min(hit.served for hit in self.hits):g} % of users were served at the least; people "
                f"were woken in {len(paged)} of {len(self.hits)}, {latest}; another stamp was drained in "
                f"{sum(hit.drained_more for hit in self.hits)}"
            )
        yield f"promises broken besides: {len(self.broken)}"


def measure(scenario: Scenario, name: str, count: int, seed: str = "1") -> Residue:
    """Let one of the survivors fail at a random moment around the drain, `count` times."""
    chance = Random(f"{seed}/residue")  # noqa: S311 - it guards nothing
    residue, drains = Residue(), {}
    for _ in range(count):
        own = f"{seed}/{chance.randrange(SEEDS)}"
        if own not in drains:
            drains[own] = _drain_of(try_out(scenario, Schedule(name, own)))
        at, target = drains[own]
        others = [stamp for stamp in scenario.charge.workload.stamp_names if stamp != target]
        moment = at + chance.uniform(-AROUND_SECONDS, AROUND_SECONDS)
        kind, where = chance.choice(FAILURES), chance.choice(others)
        failure = Befalls(kind, round(moment, 3), FAILS_FOR_SECONDS, where)
        _count(residue, try_out(scenario, Schedule(name, own, troubles=(failure,))), failure)
    return residue


def _drain_of(trial: Trial) -> tuple[float, str]:
    """When the first drain took effect, and of which stamp.

    Raises:
        ValueError: there is none.
    """
    for happening, effect in trial.history.effects():
        if effect.verb == Verb.DRAIN and effect.by_worker:
            return happening.at, effect.stamp
    raise ValueError("no stamp is drained in this scenario")


def _count(residue: Residue, trial: Trial, failure: Befalls) -> None:
    residue.failures[failure.kind] += 1
    residue.broken += check(trial)
    ends = failure.at + failure.lasts
    drains = [deed for deed in Case(trial).deeds if deed.effect.verb == Verb.DRAIN]
    within = [deed.at for deed in drains if failure.at <= deed.at < ends]
    if within:
        residue.hits.append(_hit(trial, failure, within))
    elif any(deed.at < failure.at for deed in drains):
        residue.after += 1
    else:
        residue.before += 1


def _hit(trial: Trial, failure: Befalls, drains: list[float]) -> Hit:
    at, history = drains[0], trial.history
    served = [
        each.what.percent
        for each in history.of(Kind.SERVED)
        if isinstance(each.what, Served) and each.at >= at
    ]
    pages = [
        happening.at - at
        for happening, message in history.told()
        if message.kind is MessageKind.TRIGGER and failure.where in message.incident and happening.at >= at
    ]
    return Hit(
        failure.kind, at - failure.at, min(served, default=100.0), min(pages, default=None), len(drains) > 1
    )


def main(arguments: list[str]) -> None:
    """Measure and print: the scenario's file, and how often."""
    path, count = Path(arguments[0]), int(arguments[1])
    for line in measure(load_scenario(path), path.name, count).lines():
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
