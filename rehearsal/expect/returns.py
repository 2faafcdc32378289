"""Why did a stamp that the worker had drained not come back, or not sooner? What it waited for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rehearsal.history import History
from rehearsal.scenario.moments import clock_words
from rehearsal.scenario.workload import START
from remediation.decide.plan import Charge, situation_of
from remediation.decide.proof import proof_of_recovery
from remediation.ledger.record import WorkloadRecord
from remediation.ledger.stamp import Drain
from rules.conditions import words

if TYPE_CHECKING:
    from rehearsal.scenario.load import Scenario


@dataclass(slots=True)
class _Out:
    """A drain of ours, as the records tell it.

    Attributes:
        drain: as it was last known.
        at: since when.
        proven_at: since when its proof of recovery stands; None where it does not.
        lacking: what the proof lacked last, and when.
    """

    drain: Drain
    at: float
    proven_at: float | None = None
    lacking: tuple[float, str] | None = None


def why_no_return(
    history: History, scenario: "Scenario", stamp: str | None, until: float | None
) -> Iterator[str]:
    """For the last drain of each stamp until then: what its return waited for."""
    out: dict[str, _Out] = {}
    for happening, record in history.records():
        if until is not None and happening.at > until:
            break
        for name, known in record.stamps.items():
            if known.drain is not None and stamp in (None, name):
                if name not in out or out[name].drain.intent != known.drain.intent:
                    out[name] = _Out(known.drain, happening.at)
                _follow(out[name], name, happening.at, record, scenario.charge)
    for name, found in out.items():
        yield from _words(name, found, scenario.charge.workload.policy.rejoin_after)
    if not out:
        yield f"{stamp or 'no stamp'} was {'never ' if stamp else ''}out by a drain of the worker's"


def _follow(out: _Out, name: str, at: float, record: WorkloadRecord, charge: Charge) -> None:
    drain = record.stamp(name).drain
    if drain is None:
        return
    out.drain = drain
    if drain.recovering_since is not None:
        out.proven_at = at if out.proven_at is None else out.proven_at
        return
    out.proven_at = None
    now = START + timedelta(seconds=at)
    proof = proof_of_recovery(name, drain, record, situation_of(record, charge, now), now)
    if not proof.proven:
        out.lacking = (at, proof.reason)


def _words(name: str, out: _Out, rejoin_after: timedelta) -> Iterator[str]:
    drain = out.drain
    if drain.author:
        yield f"{drain.author} asked for the drain of {name}: only a person brings it back"
    if drain.stays_out:
        yield f"{name} failed again soon after its return: it stays out until a person decides"
    if out.proven_at is not None:
        due = clock_words(out.proven_at + rejoin_after.total_seconds())
        yield (
            f"recovery of {name} has been proven since {clock_words(out.proven_at)}; a return waits until"
            f" that has stood for {words(rejoin_after)} (rejoin_after): not before {due}"
        )
    if out.lacking is not None:
        at, reason = out.lacking
        still = "before that, it" if out.proven_at is not None else f"recovery of {name}"
        yield f"{still} was not proven, last at {clock_words(at)}: {reason}"
