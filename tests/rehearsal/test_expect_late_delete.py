"""Does a delete that lands late turn its scenarios red where nothing holds it off, whatever the chance?"""

import pytest

from rehearsal.expect.judge import Judged
from rehearsal.history import Kind
from rehearsal.run import rehearse
from rehearsal.scenario.load import load_scenario
from rehearsal.world.adapters import WorldStateFiles
from remediation.decide.looks import LeverLook
from remediation.ledger.intent import Outcome, OutcomeKind
from rules.topology import Stamp
from tests.rehearsal.stories import SCENARIOS, a_run

pytestmark = pytest.mark.slow

NOBODY_WANTS_IT = "late-delete-is-fenced-off.yaml"
MADE_ANEW = "late-delete-of-a-paused-worker.yaml"
DELETE = WorldStateFiles.take_out


async def no_fence(_: WorldStateFiles, stamp: Stamp, look: LeverLook) -> Outcome:
    """A fence that fences nothing."""
    return Outcome(OutcomeKind.APPLIED, "fenced, or so it says")


async def any_file(self: WorldStateFiles, stamp: Stamp, tag: str) -> Outcome:
    """A delete without If-Match."""
    now = self._world.stamps[stamp.name].file.tag
    return await DELETE(self, stamp, now if tag else tag)


def failing(file: str, seed: int) -> dict[str, Judged]:
    """What does not hold, by its sentence."""
    run = rehearse(load_scenario(SCENARIOS / file), seed=seed)
    return {each.text: each for each in run.judged if not each.holds}


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("file", [NOBODY_WANTS_IT, MADE_ANEW])
def test_a_late_delete_is_held_off_by_no_luck_of_one_seed(file: str, seed: int) -> None:
    """Whichever worker sends it, and whenever."""
    assert failing(file, seed) == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_without_a_fence_the_late_delete_drains_what_nobody_wants_drained(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The file is still the one that the delete was sent for."""
    monkeypatch.setattr(WorldStateFiles, "fence", no_fence)
    found = failing(NOBODY_WANTS_IT, seed)
    assert (
        "it still found the file that it was sent for, and deleted it"
        in found["fenced off: weu between 10m and 11m"].instead
    )
    assert {"never: drained", "journal complete", "at the end: weu is in"} < set(found)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("file", [NOBODY_WANTS_IT, MADE_ANEW])
def test_without_if_match_the_late_delete_takes_another_file(
    monkeypatch: pytest.MonkeyPatch, file: str, seed: int
) -> None:
    """Rewritten by the fence, or made anew by people."""
    monkeypatch.setattr(WorldStateFiles, "take_out", any_file)
    found = failing(file, seed)
    (fenced,) = [each for text, each in found.items() if text.startswith("fenced off")]
    assert "the file is another one by its ETag, and was deleted all the same" in fenced.instead
    assert {"journal complete", "at the end: weu is in"} < set(found)


def test_a_worker_that_is_told_of_a_time_out_fences_before_it_tries_again() -> None:
    """It goes on; what lands later finds a file that is gone, which no fence has to its credit."""
    run = a_run(
        "timeline:\n"
        "  - {at: 1m, fault: {late_delete: {stamp: weu, by: 5m}}}\n"
        "  - {at: 2m, break: {what: processor, stamp: weu}}\n"
        "expect: ['drained: weu by 9m', 'fenced off: weu']\n",
        run="20m",
    )
    drained, fenced = run.judged
    assert drained.holds, drained
    assert "there was nothing that it could delete at" in fenced.instead
    done = [each.words for each in run.history.of(Kind.EFFECT)]
    assert done == ["rewrote the state file to fence it", "deleted the state file"]
