"""Are sources asked seldom enough, and is nothing green that did not answer?"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from remediation.observe import Tally
from remediation.probes import fired_alerts, health_model, health_score
from remediation.probes.rounds import BACK_OFF_MOST, Asked, NotAnsweredError, Rounds, Source, back_off
from rules.health import fold, last_word
from rules.signals import Health, Signal
from rules.topology import HealthModel, HealthQuery, Workload
from tests.builders import NOW, a_signal, a_stamp, seconds
from tests.probes.azure_rest import MODEL, SUBSCRIPTION, an_alert_in_the_list, fails, opened, zulu

TICK = seconds(30)


class MovingClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """The moment."""
        return self.at


def healthy(now: datetime) -> Signal:
    """A green root."""
    return a_signal(node="Stamp", source="test", id=now.isoformat(), observed_at=now)


async def well(now: datetime) -> Asked:
    """An answer: all is well."""
    return Asked((healthy(now),))


@dataclass
class OneSource:
    """A source that answers as it was told, and counts."""

    answer: Callable[[datetime], Awaitable[Asked]] = well
    name: str = "test"
    about: str = "shop/weu"
    every: timedelta = timedelta(seconds=60)
    times: list[datetime] = field(default_factory=list)

    async def ask(self, now: datetime) -> Asked:
        """As it was told."""
        self.times.append(now)
        return await self.answer(now)

    def blind(self, reason: str, now: datetime) -> tuple[Signal, ...]:
        """The root is unknown, for that reason."""
        signal = replace(healthy(now), id=f"blind {now}", health=Health.UNKNOWN, reasons=(reason,))
        return (signal,)


def rounds(
    *sources: Source, clock: MovingClock | None = None, tally: Tally | None = None, **limits: Any
) -> Rounds:
    """The rounds of workload `shop`."""
    return Rounds({"shop": sources}, clock or MovingClock(), tally or Tally(), **limits)


def refuses(
    reason: str = "HTTP 503", retry_after: float | None = None
) -> Callable[[datetime], Awaitable[Asked]]:
    """No answer, for that reason."""

    async def answer(_now: datetime) -> Asked:
        raise NotAnsweredError(reason, retry_after)

    return answer


def healths(asked: Asked) -> set[Health | None]:
    """What is said."""
    return {signal.health for signal in asked.signals}


async def test_a_source_is_asked_no_more_often_than_it_wants() -> None:
    """Between two asks the last answer is given again, and the fold learns nothing from it."""
    clock, source = MovingClock(), OneSource()
    watch = rounds(source, clock=clock)
    first = await watch.due("shop")
    clock.at += seconds(59)
    again = await watch.due("shop")
    clock.at += seconds(1)
    newer = await watch.due("shop")
    assert source.times == [NOW, NOW + seconds(60)]
    assert first == again == Asked((healthy(NOW),))
    known = fold({}, first.signals)
    assert fold(known, again.signals) == known != fold(known, newer.signals)


async def test_a_workload_without_sources_is_not_asked() -> None:
    """Off where nothing is configured, and for a workload that nobody knows."""
    tally = Tally()
    assert await Rounds({"shop": ()}, MovingClock(), tally).due("shop") == Asked()
    assert await Rounds({}, MovingClock(), tally).due("other") == Asked()
    assert tally.counts() == {}


async def test_an_outage_of_fifty_minutes_costs_few_requests() -> None:
    """100 ticks over the real interfaces while Azure fails: the worker is no part of the outage (I1)."""
    shop = Workload(
        "shop",
        (a_stamp("weu", health_query=HealthQuery("workspace-weu", "Score")),),
        health_model=HealthModel(MODEL, {"weu-root": ("weu", "Stamp")}),
        fired_alerts=(SUBSCRIPTION,),
    )
    clock, tally = MovingClock(), Tally()
    async with opened() as (azure, rest):
        azure.fault = fails(500)
        watch = Rounds(
            {
                "shop": [
                    *health_score.sources(rest, shop),
                    *health_model.sources(rest, shop),
                    *fired_alerts.sources(rest, tally, shop),
                ]
            },
            clock,
            tally,
        )
        for _ in range(100):
            answer = await watch.due("shop")
            assert healths(answer) == {Health.UNKNOWN}
            assert answer.failed.count("HTTP 500") == 3
            clock.at += TICK
        assert len(azure.asked) <= 3 * 14
        assert tally.counts()["probe.health-score.asked"] == tally.counts()["probe.health-score.failed"]
        asked = sum(count for name, count in tally.counts().items() if name.endswith(".asked"))
        assert asked == len(azure.asked)
        assert tally.counts()["probe.fired-alerts.backed_off"] > 80

        azure.fault = None
        azure.rows["workspace-weu"] = [[zulu(NOW + 110 * TICK), True]]
        azure.states, azure.alerts = {"weu-root": "Healthy"}, [an_alert_in_the_list(fired_at=NOW + 90 * TICK)]
        clock.at += BACK_OFF_MOST
        answer = await watch.due("shop")
    assert (healths(answer), len(answer.bodies), answer.failed) == ({Health.GREEN}, 1, "")


async def test_back_off_doubles_to_five_minutes_and_ends_with_an_answer() -> None:
    """1, 2, 4, 5, 5 minutes; after an answer it is asked at its own pace, and a new failure begins anew."""
    clock, source = MovingClock(), OneSource(refuses())
    watch = rounds(source, clock=clock)
    for _ in range(40):
        await watch.due("shop")
        clock.at += TICK
    minutes = [(at - NOW) / seconds(60) for at in source.times]
    assert minutes == [0, 1, 3, 7, 12, 17]
    source.answer = well
    clock.at = NOW + seconds(22 * 60)
    assert healths(await watch.due("shop")) == {Health.GREEN}
    source.answer = refuses()
    for _ in range(5):
        clock.at += TICK
        await watch.due("shop")
    assert [(at - NOW) / seconds(60) for at in source.times][6:] == [22, 23, 24]


@pytest.mark.parametrize(
    ("every", "failures", "retry_after", "pause"),
    [
        (30, 1, None, 30),
        (30, 2, 10.0, 60),
        (30, 2, 61.0, 61),
        (30, 4, None, 240),
        (30, 5, None, 300),
        (30, 10_000, None, 300),
        (30, 10_000, 1800.0, 1800),
        (600, 3, None, 600),
    ],
)
def test_back_off_honours_what_it_was_asked_for(
    every: float, failures: int, retry_after: float | None, pause: float
) -> None:
    """Never more often than `every`, never sooner than Retry-After asks, else at most five minutes."""
    assert back_off(seconds(every), failures, retry_after) == seconds(pause)


async def test_retry_after_is_honoured_over_http() -> None:
    """429 with 200 seconds: nothing is sent before they are over."""
    weu = a_stamp("weu", health_query=HealthQuery("workspace-weu", "Score"))
    clock, tally = MovingClock(), Tally()
    async with opened() as (azure, rest):
        watch = Rounds({"shop": health_score.sources(rest, Workload("shop", (weu,)))}, clock, tally)
        azure.fault = fails(429, "TooManyRequests", 200)
        for passed in (0, 30, 199):
            clock.at = NOW + seconds(passed)
            answer = await watch.due("shop")
            assert answer.failed == "health-score shop/weu: HTTP 429 TooManyRequests"
        assert len(azure.asked) == 1
        clock.at = NOW + seconds(200)
        await watch.due("shop")
        assert len(azure.asked) == 2


async def test_a_blind_source_says_unknown_at_every_tick() -> None:
    """While it is left alone its last green is not repeated; what is said is the same words, once written."""
    clock, source = MovingClock(), OneSource()
    watch = rounds(source, clock=clock)
    known = fold({}, (await watch.due("shop")).signals)
    source.answer = refuses()
    clock.at += seconds(60)
    told = [await watch.due("shop")]
    for _ in range(3):
        clock.at += seconds(15)
        told.append(await watch.due("shop"))
    assert [healths(each) for each in told] == [{Health.UNKNOWN}] * 4
    assert len(source.times) == 2
    known = fold(known, told[0].signals)
    assert fold(known, told[-1].signals) == known
    assert {last.health for key in known if (last := last_word(known, key))} == {Health.UNKNOWN}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (NotAnsweredError("HTTP 500"), "HTTP 500"),
        (ConnectionResetError("https://secret.example"), "no usable answer (ConnectionResetError)"),
        (ValueError("https://secret.example"), "no usable answer (ValueError)"),
        (TimeoutError(), "no answer within 4 s"),
        (KeyError("https://secret.example"), "a fault of the worker (KeyError)"),
    ],
)
async def test_whatever_goes_wrong_in_a_source_it_is_blind_and_the_others_are_not(
    fault: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its subjects are unknown, with a reason without secrets; the other sources are heard."""

    async def broken(_now: datetime) -> Asked:
        raise fault

    tally = Tally()
    sick, sound = OneSource(broken, name="sick"), OneSource(name="sound", about="shop/neu")
    with caplog.at_level(logging.CRITICAL):
        answer = await rounds(sick, sound, tally=tally).due("shop")
    assert [signal.health for signal in answer.signals] == [Health.UNKNOWN, Health.GREEN]
    assert answer.failed == f"sick shop/weu: {reason}"
    assert tally.counts() == {"probe.sick.asked": 1, "probe.sick.failed": 1, "probe.sound.asked": 1}


async def test_a_part_of_an_answer_counts_and_is_backed_off() -> None:
    """Bodies beside a failure are handed on, and the source is left alone as after any failure."""

    async def half(_now: datetime) -> Asked:
        return Asked((), (b"{}",), "HTTP 429", 100.0)

    clock, source = MovingClock(), OneSource(half)
    watch = rounds(source, clock=clock)
    assert await watch.due("shop") == Asked((), (b"{}",), "test shop/weu: HTTP 429")
    clock.at += seconds(99)
    await watch.due("shop")
    clock.at += seconds(1)
    await watch.due("shop")
    assert source.times == [NOW, NOW + seconds(100)]


async def test_a_slow_source_is_cut_off_and_holds_up_nobody() -> None:
    """Sources are asked side by side, each within its own time."""

    async def hangs(_now: datetime) -> Asked:
        await asyncio.sleep(30)
        raise AssertionError

    begun = asyncio.get_running_loop().time()
    slow = [OneSource(hangs, about=f"shop/{i}") for i in range(3)]
    answer = await rounds(*slow, OneSource(), ask_within_seconds=0.2).due("shop")
    assert asyncio.get_running_loop().time() - begun < 0.5
    assert [signal.health for signal in answer.signals] == [Health.UNKNOWN] * 3 + [Health.GREEN]
    assert answer.failed.count("no answer within 0.2 s") == 3


async def test_only_so_many_are_asked_at_once_over_all_workloads() -> None:
    """Twenty workloads of three sources, and never more than eight requests under way."""
    under_way, most = 0, 0

    async def watched(now: datetime) -> Asked:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return await well(now)

    names = [f"w{i}" for i in range(20)]
    sources = {name: [OneSource(watched) for _ in range(3)] for name in names}
    watch = Rounds(sources, MovingClock(), Tally())
    answers = await asyncio.gather(*(watch.due(name) for name in names))
    assert most == 8
    assert [healths(answer) for answer in answers] == [{Health.GREEN}] * 20


async def test_a_source_whose_turn_did_not_come_has_not_failed() -> None:
    """Where others take all the time, it keeps its last answer, and is due again at once."""

    async def slow(now: datetime) -> Asked:
        await asyncio.sleep(0.3)
        return await well(now)

    clock, tally = MovingClock(), Tally()
    first, second = OneSource(slow, name="first"), OneSource(name="second")
    watch = rounds(first, second, clock=clock, tally=tally, asked_at_once=1, round_within_seconds=0.1)
    answer = await watch.due("shop")
    assert (len(answer.signals), answer.failed, second.times) == (1, "", [])
    await watch.due("shop")
    assert second.times == [NOW]
    assert tally.counts() == {"probe.first.asked": 1, "probe.second.asked": 1}


async def test_two_rounds_at_once_ask_once() -> None:
    """A tick that overtakes the one before it asks nothing again, not even after waiting for its turn."""

    async def slow(now: datetime) -> Asked:
        await asyncio.sleep(0.05)
        return await well(now)

    source = OneSource(slow)
    watch = rounds(source)
    await asyncio.gather(watch.due("shop"), watch.due("shop"))
    assert len(source.times) == 1
    other, crowded = OneSource(slow), OneSource(slow)
    watch = rounds(crowded, other, asked_at_once=1)
    await asyncio.gather(watch.due("shop"), watch.due("shop"))
    assert (len(crowded.times), len(other.times)) == (1, 1)


async def test_who_is_cancelled_while_asking_is_cancelled() -> None:
    """The end of the process is no answer of a source, and the turn is given back."""
    started = asyncio.Event()

    async def hangs(_now: datetime) -> Asked:
        started.set()
        await asyncio.sleep(30)
        return Asked()

    source = OneSource(hangs, every=seconds(0))
    watch = rounds(source, asked_at_once=1)
    task = asyncio.create_task(watch.due("shop"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    source.answer = well
    assert healths(await watch.due("shop")) == {Health.GREEN}
