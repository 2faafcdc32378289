"""What does a look at a stamp show, and what does it say about the stamp's health?"""

from dataclasses import replace

import pytest

from remediation.decide.looks import HEALTHSERVICE, HealthLook, LeverLook, StampLook, signal_of
from remediation.ledger.stamp import LeverState, Seen
from rules.signals import Health, Subject
from tests.builders import NOW, a_live_look, a_look, a_workload, at, seconds

WORKLOAD = a_workload()


def a_health_look(status: int | None, **checks: bool) -> HealthLook:
    """One answer of the HealthService of weu."""
    return HealthLook("weu", NOW, status, checks, "" if status else "timed out")


def a_stamp_look(look: HealthLook, lever: LeverState = LeverState.IN) -> StampLook:
    """That answer, and what the lever shows."""
    return StampLook(look, LeverLook(look.stamp, lever))


@pytest.mark.parametrize("lever", LeverState)
@pytest.mark.parametrize(
    ("look", "health", "reasons"),
    [
        (a_health_look(200, Database=True, BlobStorage=True), Health.GREEN, ()),
        (a_health_look(200, Database=False), Health.GREEN, ()),
        (a_health_look(200), Health.GREEN, ()),
        (a_health_look(503, Database=False, BlobStorage=True), Health.RED, ("Database is not healthy",)),
        (a_health_look(503, Database=False, BlobStorage=False), Health.RED, ("Database is not healthy",)),
        (a_health_look(500, Database=False), Health.RED, ("Database is not healthy",)),
        (a_health_look(503, Database=True), Health.RED, ("HealthService 503; state file {}",)),
        (a_health_look(503), Health.RED, ("HealthService 503; state file {}",)),
        (a_health_look(404), Health.UNKNOWN, ("HealthService 404",)),
        (a_health_look(None), Health.UNKNOWN, ("HealthService unreachable: timed out",)),
    ],
)
def test_a_look_is_a_word_about_the_root(
    look: HealthLook, health: Health, reasons: tuple[str, ...], lever: LeverState
) -> None:
    """Whatever the lever: no answer, or another's, is unknown and never red; what else is not 200 is red."""
    signal = signal_of(a_stamp_look(look, lever), WORKLOAD)
    assert (signal.health, signal.reasons) == (health, tuple(said.format(lever) for said in reasons))
    assert signal.subject == Subject("shop", "weu", "Stamp")
    assert (signal.source, signal.observed_at) == (HEALTHSERVICE, NOW)


@pytest.mark.parametrize(
    ("lever", "health"),
    [(LeverState.OUT, Health.GREEN), (LeverState.IN, Health.RED), (LeverState.UNREACHABLE, Health.RED)],
)
def test_a_failing_check_on_the_state_file_is_the_drain_only_if_the_file_is_gone(
    lever: LeverState, health: Health
) -> None:
    """Where it is there, or cannot be reached, the storage fails and not the drain speaks: that is red."""
    look = a_stamp_look(a_health_look(503, Database=True, BlobStorage=False), lever)
    signal = signal_of(look, WORKLOAD)
    reason = f"HealthService 503, failing: BlobStorage; state file {lever}"
    assert (signal.health, signal.reasons) == (health, () if health is Health.GREEN else (reason,))


def test_the_drain_is_known_by_the_workloads_own_name_for_its_check() -> None:
    """A workload that names its state file's check differently is not taken for red when drained."""
    workload = a_workload(state_file_check="StateFile", root_node="Root")
    drained = signal_of(a_stamp_look(a_health_look(503, StateFile=False), LeverState.OUT), workload)
    broken = signal_of(a_stamp_look(a_health_look(503, BlobStorage=False), LeverState.OUT), workload)
    assert (drained.health, broken.health) == (Health.GREEN, Health.RED)
    assert drained.subject.node == "Root"


def test_the_reasons_of_a_look_are_bounded() -> None:
    """P19: a HealthService with a hundred failing checks makes no large signal."""
    look = a_stamp_look(a_health_look(503, **{f"c{n:03}": False for n in range(100)}))
    assert signal_of(look, WORKLOAD).reasons == tuple(f"c{n:03} is not healthy" for n in range(10))


def test_every_look_is_a_fact_of_its_own() -> None:
    """P15: its id is made of workload, stamp and moment alone, so that the same look twice is one."""
    look = a_health_look(200)
    first = signal_of(a_stamp_look(look), WORKLOAD)
    assert first == signal_of(a_stamp_look(look), WORKLOAD)
    assert first.id == "healthservice/shop/weu/2026-11-21T03:00:00+00:00"
    others = (replace(look, at=at(1)), replace(look, stamp="neu"))
    assert len({signal_of(a_stamp_look(one), WORKLOAD).id for one in (look, *others)}) == 3


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (a_health_look(200, Database=True), "HealthService 200"),
        (a_health_look(503, B=False, A=False, C=True), "HealthService 503, failing: A, B"),
        (a_health_look(None), "HealthService unreachable: timed out"),
        (HealthLook("weu", NOW, 503, reason="no JSON"), "HealthService 503, no JSON"),
    ],
)
def test_a_look_reads_as_people_say_it(look: HealthLook, words: str) -> None:
    """The status, and what fails, in an order that does not change."""
    assert look.words() == words


def test_only_200_serves() -> None:
    """Front Door takes nothing else for healthy."""
    serving = [status for status in (None, 200, 201, 204, 301, 503) if a_health_look(status).serves]
    assert serving == [200]


def test_what_is_kept_of_a_look_at_a_drained_stamp() -> None:
    """Out by its lever, noticed by its HealthService, and otherwise well."""
    assert a_look(lever=LeverState.OUT).seen("BlobStorage") == Seen(
        LeverState.OUT,
        serves=False,
        others_healthy=True,
        drained=True,
        words="HealthService 503, failing: BlobStorage; state file out",
    )


def test_no_answer_proves_nothing_healthy() -> None:
    """Nor does an answer whose body could not be read, nor one with another failing check."""
    silent = a_look(answers=False).seen("BlobStorage")
    assert (silent.answered, silent.serves, silent.others_healthy, silent.drained) == (False,) * 4
    unread = replace(a_look(), health=a_health_look(503)).seen("BlobStorage")
    assert (unread.answered, unread.others_healthy, unread.drained) == (True, False, False)
    assert not a_look(failing=["Database"]).seen("BlobStorage").others_healthy


def test_what_is_kept_does_not_change_while_the_stamp_does_not() -> None:
    """P20: the time of the look is not part of it."""
    assert a_look().seen("BlobStorage") == a_look(look_at=at(99)).seen("BlobStorage")


@pytest.mark.parametrize(
    ("content", "expected"),
    [("MAINTENANCE", True), ("in maintenance, anna", True), ("up", False), ("", False)],
)
def test_a_state_file_can_say_maintenance(content: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """In any case, anywhere in it."""
    assert LeverLook("weu", LeverState.IN, content=content).maintenance is expected


def test_who_serves_by_a_live_look() -> None:
    """Those that answered 200, at most so long ago."""
    live = a_live_look(a_look("neu", failing=["Database"]), a_look("eus", look_at=at(-6)))
    assert live.serving(NOW, seconds(5)) == {"weu"}
    assert live.serving(at(5), seconds(5)) == {"weu"}
    assert live.serving(at(5.1), seconds(5)) == set()
