"""How many events a second come from bytes to decision, and how does the cost grow?

Rates are per CPU-second of one process, so that a busy machine does not blur them; the bare
decoding of the same bytes by pydantic, in the same run, is the yardstick.
"""

import asyncio
import gc
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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


def batches() -> list[tuple[datetime, list[bytes]]]:
    """Batches of the hub, one a second; every node speaks every third batch."""
    return [
        (moment, [event(second * BATCH + i, moment) for i in range(BATCH)]) for second, moment in _seconds()
    ]


def _seconds() -> Iterator[tuple[int, datetime]]:
    return ((second, START + timedelta(seconds=second)) for second in range(BATCHES))


def rate(count: int, run: Callable[[], object]) -> float:
    """Things per CPU-second: the median of some rounds."""
    took = []
    for _ in range(ROUNDS):
        gc.collect()
        begun = time.process_time()
        run()
        took.append(time.process_time() - begun)
    return count / statistics.median(took)


def bare_decoding(given: Iterable[tuple[datetime, list[bytes]]]) -> float:
    """Events a second that pydantic decodes, and nothing else."""
    decode = TypeAdapter(HealthEvent).validate_json
    bodies = [body for _, batch in given for body in batch]
    return rate(len(bodies), lambda: [decode(body) for body in bodies])


def to_decision(given: list[tuple[datetime, list[bytes]]], count: int) -> float:
    """Events a second from bytes to decision: read, fold, evaluate, plan; in memory."""
    charge = Charge(a_workload(mode=Mode.AUTO), rules(count))
    known = Known({"shop": charge.workload})

    def run() -> None:
        record = WorkloadRecord("shop")
        for moment, batch in given:
            arrivals = [Arrival(signal, moment) for body in batch for signal in read(body, known).signals]
            after = plan(record, charge, Occasion(Cause.SIGNALS, arrivals), moment)
            record = replace(after, journal=()) if after else record

    return rate(len(given) * BATCH, run)


async def writes_per_event(given: list[tuple[datetime, list[bytes]]]) -> tuple[int, int]:
    """Writes of the record, and the events they were for, through the engine."""
    world = World(rules=rules(50).rules)
    known = Known({"shop": world.workload})
    for moment, batch in given:
        world.clock.turn(moment - world.clock.now())
        await world.engine.accept(
            Arrival(signal, moment) for body in batch for signal in read(body, known).signals
        )
    return world.tally.counts()["ledger.writes"], len(given) * BATCH


def by_nodes(count: int) -> float:
    """Events a second through the pure core alone (fold, facts, evaluate), with so many nodes known."""
    policy, judged = Policy(), rules(50)
    known = fold({}, _signals(count, START))
    wave = list(_signals(BATCH, START + timedelta(seconds=1)))

    def run() -> None:
        standing = facts(fold(known, wave), START, policy)
        evaluate(judged, standing, STAMPS, {}, START)

    return rate(BATCH, run)


def _signals(count: int, moment: datetime) -> Iterator[Signal]:
    for i in range(count):
        subject = Subject("shop", STAMPS[i % 3], f"Node{i // 3}")
        yield Signal(f"{i}-{moment}", subject, "/health-models/shop", moment, health=Health.GREEN)


def main() -> None:
    """Print the figures."""
    calm_the_collector()
    given = batches()
    size = len(given[0][1][0])
    bare = bare_decoding(given)
    print(f"health events of {size} bytes, batches of {BATCH}, {NODES} nodes, per CPU-second")
    print(f"  bare pydantic decoding          {bare:>10,.0f}")
    base = to_decision(given, 50)
    print(f"  bytes to decision, 50 rules     {base:>10,.0f}   {base / bare:.2f} of bare decoding")
    few, many = to_decision(given, 10), to_decision(given, 1000)
    print(f"  bytes to decision, 10 rules     {few:>10,.0f}")
    print(f"  bytes to decision, 1,000 rules  {many:>10,.0f}   {1 - many / few:+.0%} slower than with 10")
    writes, count = asyncio.run(writes_per_event(given))
    print(f"compare-and-swaps                {writes / count:>9.4f}   per event, in batches of {BATCH}")
    print(f"the pure core alone, batches of {BATCH}, 50 rules, by nodes known")
    for count in (100, 1_000, 10_000, 100_000):
        print(f"  {count:>7,} nodes                   {by_nodes(count):>10,.0f}")


if __name__ == "__main__":
    main()
