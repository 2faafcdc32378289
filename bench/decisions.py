"""How many events a second come from bytes to decision, and how does the cost grow?

Rates are per CPU-second of one process, so that a busy machine does not blur them; the bare
decoding of the same bytes by pydantic, in the same run, is the yardstick.
"""

import asyncio
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import TypeAdapter

from remediation.decide.plan import Arrival, Charge, Occasion, plan
from remediation.intake.health_events import HealthEvent
from remediation.intake.read import read
from remediation.intake.subject import Known
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.wiring import calm_the_collector
from rules.conditions import NodeIs
from rules.evaluate import RuleSet, evaluate
from rules.health import facts, fold
from rules.policy import Mode, Policy
from rules.rule import Playbook, Rule
from rules.signals import Health, Severity, Signal, Subject
from tests.builders import a_workload
from tests.world import World

START = datetime(2026, 11, 21, 3, tzinfo=UTC)
STAMPS = ("weu", "neu", "eus")
NODES = 300
BATCH = 100
ROUNDS = 7
BATCHES = 60
CORE_NODES = (100, 1_000, 10_000, 100_000)

Batches = list[tuple[datetime, list[bytes]]]


def event(place: int, moment: datetime) -> bytes:
    """A health event of about 600 bytes that repeats a green state."""
    stamp, node = STAMPS[place % 3], f"Node{place // 3 % (NODES // 3)}"
    at = moment.isoformat()
    body = {
        "specversion": "1.0",
        "id": f"{place}-{moment.timestamp():.0f}",
        "source": "/health-models/shop",
        "type": "health.state.changed.v1",
        "subject": f"stamps/{stamp}/nodes/{node}",
        "time": at,
        "data": {
            "workload": "shop",
            "stamp": stamp,
            "region": "westeurope",
            "node": node,
            "root": False,
            "previous": "green",
            "state": "green",
            "observed_at": at,
            "score": 1.0,
            "sequence": place,
            "reasons": ["all signals of this node are within their bounds " + "." * 120],
        },
    }
    return json.dumps(body).encode()


def rules(count: int) -> RuleSet:
    """That many rules, each about a node of its own going red."""
    red = frozenset({Health.RED})
    return RuleSet(
        Rule(f"rule-{i}", "A node is red.", NodeIs(f"Node{i}", red), Severity.ERROR, Playbook.PAGE)
        for i in range(count)
    )


def batches() -> Batches:
    """Batches of the hub, one a second; every node speaks every third batch."""
    return [
        (moment, [event(second * BATCH + i, moment) for i in range(BATCH)]) for second, moment in _seconds()
    ]


def _seconds() -> Iterator[tuple[int, datetime]]:
    return ((second, START + timedelta(seconds=second)) for second in range(BATCHES))


def rates(count: int, runs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Things per CPU-second for each run: the median of some rounds.

    The rounds of all runs take turns, so that a machine that slows down slows all of them.
    """
    took: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            gc.collect()
            begun = time.process_time()
            run()
            took[name].append(time.process_time() - begun)
    return {name: count / statistics.median(times) for name, times in took.items()}


def bare_decoding(given: Batches) -> None:
    """Decode every event by pydantic, and nothing else."""
    decode = TypeAdapter(HealthEvent).validate_json
    for _, batch in given:
        for body in batch:
            decode(body)


def to_decision(given: Batches, charge: Charge, known: Known) -> None:
    """From bytes to decision: read, fold, evaluate, plan; in memory."""
    record = WorkloadRecord("shop")
    for moment, batch in given:
        arrivals = [Arrival(signal, moment) for body in batch for signal in read(body, known).signals]
        after = plan(record, charge, Occasion(Cause.SIGNALS, arrivals), moment)
        record = replace(after, journal=()) if after else record


async def writes_per_event(given: Batches) -> tuple[int, int]:
    """Writes of the record, and the events they were for, through the engine."""
    world = World(rules=rules(50).rules)
    known = Known({"shop": world.workload})
    for moment, batch in given:
        world.clock.turn(moment - world.clock.now())
        await world.engine.accept(
            Arrival(signal, moment) for body in batch for signal in read(body, known).signals
        )
    return world.tally.counts()["ledger.writes"], len(given) * BATCH


def core_alone(count: int) -> Callable[[], object]:
    """One batch through the pure core alone (fold, facts, evaluate), with so many nodes known."""
    policy, judged = Policy(), rules(50)
    known = fold({}, _signals(count, START))
    wave = list(_signals(BATCH, START + timedelta(seconds=1)))
    return lambda: evaluate(judged, facts(fold(known, wave), START, policy), STAMPS, {}, START)


def _signals(count: int, moment: datetime) -> Iterator[Signal]:
    for i in range(count):
        subject = Subject("shop", STAMPS[i % 3], f"Node{i // 3}")
        yield Signal(f"{i}-{moment}", subject, "/health-models/shop", moment, health=Health.GREEN)


def main() -> None:
    """Print the figures."""
    calm_the_collector()
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    print(f"Python {platform.python_version()}, {system}")
    given = batches()
    known = Known({"shop": a_workload()})
    charges = {count: Charge(a_workload(mode=Mode.AUTO), rules(count)) for count in (10, 50, 1000)}
    runs: dict[str, Callable[[], object]] = {
        f"{count:,} rules": partial(to_decision, given, charge, known) for count, charge in charges.items()
    }
    found = rates(len(given) * BATCH, {"bare": partial(bare_decoding, given), **runs})
    bare, few = found.pop("bare"), found["10 rules"]
    size = len(given[0][1][0])
    print(f"health events of {size} bytes, batches of {BATCH}, {NODES} nodes, per CPU-second")
    print(f"  bare pydantic decoding          {bare:>10,.0f}")
    for name, each in found.items():
        ratios = f"{each / bare:.2f} of bare decoding, {1 - each / few:+.0%} slower than with 10 rules"
        print(f"  bytes to decision, {name:<12} {each:>10,.0f}   {ratios}")
    writes, count = asyncio.run(writes_per_event(given))
    print(f"compare-and-swaps                {writes / count:>9.4f}   per event, in batches of {BATCH}")
    print(f"the pure core alone, batches of {BATCH}, 50 rules, by nodes known")
    for name, each in rates(BATCH, {f"{count:>7,} nodes": core_alone(count) for count in CORE_NODES}).items():
        print(f"  {name}                   {each:>10,.0f}")


if __name__ == "__main__":
    main()
