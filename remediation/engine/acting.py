"""How is an intent carried out: look, guardrails again, lease, apply, look again?

Each effect comes after a durable lease, and its outcome is written only by
whoever still holds that lease. A worker that dies in between is taken over:
the lever is fenced first, so that nothing the dead one left behind can land.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from remediation.decide.by_hand import rule_of
from remediation.decide.case import Guardrail, Hold
from remediation.decide.draft import Draft
from remediation.decide.looks import LeverLook, LiveLook
from remediation.decide.notice import take_note
from remediation.decide.plan import Charge, situation_of
from remediation.decide.playbooks import case_for, hold_step, judge_step, step_of
from remediation.decide.progress import begin, put_back, record_outcome, supersede
from remediation.engine.book import Book
from remediation.engine.looking import Looking
from remediation.ledger.intent import Intent, IntentState, Lease, LeverKind, Outcome, OutcomeKind, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import Cause, WorkloadRecord
from remediation.ledger.stamp import LeverState
from remediation.ports import Clock, Lever, Steps
from rules.topology import Workload


@dataclass(frozen=True, slots=True)
class _Begun:
    """An intent whose lease is ours."""

    intent: Intent
    token: str


@dataclass(frozen=True, slots=True)
class Hands:
    """What a worker acts with.

    Attributes:
        worker: its name in leases.
        levers: by their kind.
        steps: for whatever moves no lever.
        token: makes the tokens of leases, each of them once.
    """

    worker: str
    levers: Mapping[LeverKind, Lever]
    steps: Steps | None = None
    token: Callable[[], str] = lambda: uuid.uuid4().hex


class Acting:
    """Carries out intents."""

    def __init__(self, book: Book, clock: Clock, looking: Looking, hands: Hands) -> None:
        self._book = book
        self._clock = clock
        self._looking = looking
        self._levers = hands.levers
        self._steps = hands.steps
        self._worker = hands.worker
        self._token = hands.token
        self._leases_seen: dict[str, datetime] = {}

    def due(self, record: WorkloadRecord, workload: Workload) -> list[Intent]:
        """The intents to be carried out now: planned ones, and those whose worker is gone."""
        now = self._clock.now()
        return [intent for intent in record.in_flight() if self._is_due(intent, workload, now)]

    def _is_due(self, intent: Intent, workload: Workload, now: datetime) -> bool:
        if intent.state is IntentState.PLANNED:
            return intent.not_before is None or intent.not_before <= now
        # Without that lever it can be neither fenced nor seen: it waits for a worker who has it.
        mine = intent.lever in self._levers or not intent.verb.moves_a_lever
        return intent.state is IntentState.ACTING and mine and self._abandoned(intent, workload, now)

    def _abandoned(self, intent: Intent, workload: Workload, now: datetime) -> bool:
        """Whether a lease has run out: by its own word, or by how long we have watched it.

        Clocks may lie minutes apart. The owner's `until` may then be far away;
        a lease that we have seen unchanged for its whole length is over as well.
        """
        if intent.lease is None:
            return True
        seen = self._leases_seen.setdefault(intent.lease.token, now)
        return now >= intent.lease.until or now - seen >= workload.policy.lease

    async def carry_out(self, charge: Charge, intent: Intent) -> None:
        """Take one due intent as far as it goes now."""
        if intent.state is IntentState.ACTING:
            await self._take_over(charge, intent)
            return
        live, marker = await self._see(charge)
        begun = await self._begin(charge, intent, live, marker)
        if begun is not None:
            await self._apply(charge, begun, live)

    async def _take_over(self, charge: Charge, intent: Intent) -> None:
        """Carry on where a dead worker stopped: lease, fence, look, and only then act or give up."""
        begun = await self._lease_again(charge, intent)
        if begun is None:
            return
        if not intent.verb.moves_a_lever:
            await self._take_over_step(charge, begun)
            return
        stamp = charge.workload.stamp(intent.stamp)
        before = await self._looking.lever(stamp, charge.workload.policy, intent.lever)
        # A file that cannot be reached from here may still be there for a late delete.
        if intent.verb is Verb.DRAIN and before.state is not LeverState.OUT:
            fenced = await self._levers[intent.lever].fence(stamp, before)
            if fenced.kind is not OutcomeKind.APPLIED:
                await self._record(
                    charge, begun, Outcome(OutcomeKind.UNKNOWN, f"not fenced: {fenced.reason}")
                )
                return
        live, marker = await self._see(charge)
        after = live.stamps[intent.stamp].by(intent.lever)
        if after.state is _wanted(intent.verb):
            await self._record(charge, begun, Outcome(OutcomeKind.APPLIED, "found done on taking over"))
        elif await self._still_allowed(charge, begun, live, marker):
            await self._apply(charge, begun, live)

    async def _see(self, charge: Charge) -> tuple[LiveLook, HoldSwitch | None]:
        """What there is to be seen right before an act; a store out of reach ends it here."""
        name = charge.workload.name
        return await asyncio.gather(self._looking.look(charge.workload), self._book.marker(name))

    async def _take_over_step(self, charge: Charge, begun: _Begun) -> None:
        """A step is known to the other side by its intent: asked twice, it is done once."""
        live, marker = await self._see(charge)
        if await self._still_allowed(charge, begun, live, marker):
            await self._apply(charge, begun, live)

    async def _lease_again(self, charge: Charge, intent: Intent) -> _Begun | None:
        lease = self._new_lease(charge.workload)

        def taken(record: WorkloadRecord) -> WorkloadRecord | None:
            known = record.intents.get(intent.id)
            if known is None or known.lease != intent.lease or known.state is not IntentState.ACTING:
                return None
            draft = Draft(record, self._clock.now())
            begin(draft, known, lease, known.content)
            draft.happened(
                f"{known.verb} of {known.stamp}: taken over from {intent.lease and intent.lease.owner}"
            )
            return draft.finish(Cause.ACT)

        written = await self._book.write(charge.workload.name, taken, journal=False)
        return _Begun(written.record.intents[intent.id], lease.token) if written.changed else None

    async def _still_allowed(
        self, charge: Charge, begun: _Begun, live: LiveLook, marker: HoldSwitch | None
    ) -> bool:
        """Ask the guardrails before a taken-over intent acts; give it up if one of them holds."""
        allowed = False

        def asked(record: WorkloadRecord) -> WorkloadRecord | None:
            nonlocal allowed
            draft = Draft(record, self._clock.now(), marker)
            known = self._ours(record, begun)
            if known is None:
                return None
            against = self._against(charge, known, draft, live)
            allowed = not against
            if allowed:
                return None
            supersede(draft, known, "; ".join(hold.reason for hold in against))
            return draft.finish(Cause.ACT)

        await self._book.write(charge.workload.name, asked)
        return allowed

    async def _begin(
        self, charge: Charge, intent: Intent, live: LiveLook, marker: HoldSwitch | None
    ) -> _Begun | None:
        """Ask every guardrail again, by the live look, and take the lease if none holds."""
        lease = self._new_lease(charge.workload)
        begun: Intent | None = None

        def decided(record: WorkloadRecord) -> WorkloadRecord | None:
            nonlocal begun
            begun = None
            known = record.intents.get(intent.id)
            if known != intent:
                return None
            draft = Draft(record, self._clock.now(), marker)
            against = self._against(charge, known, draft, live)
            if against:
                # What was seen goes into the record, so that the next plan holds by it too.
                supersede(draft, known, "; ".join(hold.reason for hold in against))
                take_note(draft, live, charge.workload)
                self._keep_holds(charge, draft, known, against)
            else:
                begun = begin(draft, known, lease, _content(known, live))
                draft.happened(f"looked right before: {_words(live, charge.workload)}")
            return draft.finish(Cause.ACT)

        await self._book.write(charge.workload.name, decided, journal=False)
        return _Begun(begun, lease.token) if begun is not None else None

    def _against(self, charge: Charge, intent: Intent, draft: Draft, live: LiveLook) -> list[Hold]:
        rule = rule_of(intent, charge.rules)
        if rule is None:  # the one who planned it had other rules: they change with every deployment
            return [Hold(Guardrail.STILL_WANTED, f"rule {intent.rule} is gone")]
        situation = situation_of(draft.view(), charge, draft.now)
        case = case_for(step_of(intent, rule), draft, situation)
        return judge_step(draft, replace(case, live=live))

    def _keep_holds(self, charge: Charge, draft: Draft, intent: Intent, against: list[Hold]) -> None:
        rule = rule_of(intent, charge.rules)
        if rule is not None:
            hold_step(draft, step_of(intent, rule), against)

    async def _apply(self, charge: Charge, begun: _Begun, live: LiveLook) -> None:
        """Make the effect, if the look is still fresh, and write down what came of it."""
        oldest = min(other.health.at for other in live.stamps.values())
        if self._clock.now() - oldest > charge.workload.policy.look_fresh_for:
            await self._put_back(charge, begun)
            return
        if not begun.intent.verb.moves_a_lever:
            await self._record(charge, begun, await self._take(charge, begun.intent))
            return
        lever = self._levers.get(begun.intent.lever)
        if lever is None:
            await self._record(charge, begun, Outcome(OutcomeKind.REFUSED, "the worker has no such lever"))
            return
        stamp = charge.workload.stamp(begun.intent.stamp)
        if begun.intent.verb is Verb.DRAIN:
            outcome = await lever.take_out(stamp, live.stamps[stamp.name].by(begun.intent.lever).tag)
        else:
            outcome = await lever.bring_back(stamp, begun.intent.content)
        if outcome.kind is OutcomeKind.UNKNOWN:
            outcome = await self._look_after(charge, begun, outcome)
        await self._record(charge, begun, outcome)

    async def _take(self, charge: Charge, intent: Intent) -> Outcome:
        if self._steps is None:
            return Outcome(OutcomeKind.REFUSED, f"the worker has no way to {intent.verb} anything")
        return await self._steps.take(charge.workload, intent)

    async def _put_back(self, charge: Charge, begun: _Begun) -> None:
        """The ledger took too long and the look is old: nothing was tried, so begin again soon."""

        def returned(record: WorkloadRecord) -> WorkloadRecord | None:
            known = self._ours(record, begun)
            if known is None:
                return None
            draft = Draft(record, self._clock.now())
            put_back(draft, known, "the look at the stamps grew old before the act")
            return draft.finish(Cause.ACT)

        await self._book.write(charge.workload.name, returned)

    async def _look_after(self, charge: Charge, begun: _Begun, outcome: Outcome) -> Outcome:
        """A time-out is neither success nor failure: look, and make a late effect impossible."""
        stamp = charge.workload.stamp(begun.intent.stamp)
        seen = await self._looking.lever(stamp, charge.workload.policy, begun.intent.lever)
        if seen.state is _wanted(begun.intent.verb):
            return Outcome(OutcomeKind.APPLIED, f"seen after {outcome.reason}")
        if seen.state is LeverState.UNREACHABLE:
            return outcome
        fenced = await self._fence(charge, begun, seen)
        return Outcome(OutcomeKind.TRANSIENT, f"not there after {outcome.reason}") if fenced else outcome

    async def _fence(self, charge: Charge, begun: _Begun, seen: LeverLook) -> bool:
        if begun.intent.verb is Verb.REJOIN:
            return True  # creating the file again changes nothing, whenever it lands
        lever = self._levers[begun.intent.lever]
        fenced = await lever.fence(charge.workload.stamp(begun.intent.stamp), seen)
        return fenced.kind is OutcomeKind.APPLIED

    async def _record(self, charge: Charge, begun: _Begun, outcome: Outcome) -> None:
        def recorded(record: WorkloadRecord) -> WorkloadRecord | None:
            known = self._ours(record, begun)
            if known is None:
                return None  # taken over in the meantime: the other one's word counts
            draft = Draft(record, self._clock.now())
            record_outcome(draft, known, outcome)
            return draft.finish(Cause.ACT)

        await self._book.write(charge.workload.name, recorded)

    @staticmethod
    def _ours(record: WorkloadRecord, begun: _Begun) -> Intent | None:
        known = record.intents.get(begun.intent.id)
        if known is None or known.lease is None or known.lease.token != begun.token:
            return None
        return known

    def _new_lease(self, workload: Workload) -> Lease:
        return Lease(self._worker, self._token(), self._clock.now() + workload.policy.lease)


def _wanted(verb: Verb) -> LeverState:
    return LeverState.OUT if verb is Verb.DRAIN else LeverState.IN


def _words(live: LiveLook, workload: Workload) -> str:
    """What was seen of every stamp, for the journal."""
    check = workload.state_file_check
    return "; ".join(f"{name}: {look.seen(check).words}" for name, look in live.stamps.items())


def _content(intent: Intent, live: LiveLook) -> str:
    """What the lever shows before a drain, to be restored; a rejoin knows it already."""
    if intent.verb is not Verb.DRAIN:
        return intent.content
    return live.stamps[intent.stamp].by(intent.lever).content
