"""What becomes of a person's order: what would it do, and is it done?

The same for the command line and for HTTP. An order changes the record alone,
by compare-and-swap; the worker's next tick carries out what it plans.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from remediation.decide.by_hand import BY_HAND, Grounds, approve_step, drain, rejoin
from remediation.decide.draft import Draft
from remediation.decide.looks import LiveLook
from remediation.decide.orders import (
    Answer,
    ApproveOrder,
    DrainOrder,
    EndSilenceOrder,
    HoldOrder,
    Order,
    RejoinOrder,
    ReleaseOrder,
    SilenceOrder,
    WrongOrderError,
    end_silence,
    hold,
    release,
    silence,
)
from remediation.decide.plan import Charge, situation_of
from remediation.decide.wanted import CONFIGURATION, DRAIN_UNDONE, DRAINED_BY_OTHERS
from remediation.engine import Ports
from remediation.engine.book import Book
from remediation.engine.looking import Looking
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import Cause, WorkloadRecord

MOVES_A_STAMP = (DrainOrder, RejoinOrder, ApproveOrder)


@dataclass(frozen=True, slots=True)
class Given:
    """What came of an order.

    Attributes:
        answer: what it does, or why it is not followed.
        decision: id of its entry in the journal; empty where nothing was written.
    """

    answer: Answer
    decision: str = ""

    def content(self) -> dict[str, Any]:
        """For scripts: the command's `--json` and the HTTP answer say the same."""
        answer = self.answer
        return {
            "follows": answer.follows,
            "decision": self.decision or None,
            "does": list(answer.does),
            "warnings": list(answer.warnings),
            "refused": answer.refused or None,
            "holds": [{"guardrail": held.guardrail, "reason": held.reason} for held in answer.holds],
            "passes": [asked.name for asked in answer.asked if not asked.hold],
            "approval": answer.approval or None,
        }


class Absent(Protocol):
    """What is loaded, in force or not: `remediation.charges.Charges`."""

    @property
    def loaded(self) -> Mapping[str, Charge]:
        """All that the files name."""
        ...

    @property
    def waiting(self) -> Mapping[str, str]:
        """Those that are not in force, and why."""
        ...


class Desk:
    """Takes people's orders."""

    def __init__(self, charges: Mapping[str, Charge], ports: Ports, absent: Absent | None = None) -> None:
        """Nothing is read yet.

        Args:
            charges: what is in force, by workload.
            ports: the outside world.
            absent: what is loaded and not in force; orders that need no stamp are taken all the same.
        """
        self._charges = charges
        self._absent = absent
        self._clock = ports.clock
        self._book = Book(ports.ledger, ports.tally)
        self._looking = Looking(ports.clock, ports.health_services, ports.levers)

    async def preview(self, workload: str, order: Order) -> Answer:
        """What the order would do now; nothing is written.

        Raises:
            WrongOrderError: it makes no sense as it was given.
            LedgerUnavailableError, UnreadableRecordError: nothing can be known.
        """
        charge = self._charge(workload, order)
        marker, live = await self._look_outside(charge, order)
        record = await self._book.read(workload)
        return follow(Draft(record, self._clock.now(), marker), order, charge, live)

    async def give(self, workload: str, order: Order) -> Given:
        """Follow the order, if nothing speaks against it now.

        Raises:
            WrongOrderError: it makes no sense as it was given.
            LedgerUnavailableError, UnreadableRecordError, UnstorableRecordError, HotRecordError: it is
                not known to be written.
        """
        charge = self._charge(workload, order)
        marker, live = await self._look_outside(charge, order)
        answer = Answer()

        def followed(record: WorkloadRecord) -> WorkloadRecord | None:
            nonlocal answer
            draft = Draft(record, self._clock.now(), marker)
            answer = follow(draft, order, charge, live)
            return draft.finish(Cause.PERSON) if answer.follows else None

        written = await self._book.write(workload, followed)
        return Given(answer, f"{workload}/{written.record.revision:010d}" if written.changed else "")

    def _charge(self, workload: str, order: Order) -> Charge:
        if workload in self._charges:
            return self._charges[workload]
        loaded = self._absent.loaded if self._absent else {}
        if workload not in loaded:
            known = ", ".join(sorted({*self._charges, *loaded})) or "none"
            raise WrongOrderError(f"workload: there is no {workload!r}; there are: {known}")
        if isinstance(order, MOVES_A_STAMP):
            why = self._absent.waiting.get(workload, "") if self._absent else ""
            raise WrongOrderError(f"{workload} is not in force, and none of its stamps can be moved: {why}")
        return loaded[workload]

    async def _look_outside(self, charge: Charge, order: Order) -> tuple[HoldSwitch | None, LiveLook | None]:
        """What lies outside of the record: the marker, and the stamps where one is to be moved."""
        marker = await self._book.marker(charge.workload.name)
        live = await self._looking.look(charge.workload) if isinstance(order, MOVES_A_STAMP) else None
        return marker, live


def follow(draft: Draft, order: Order, charge: Charge, live: LiveLook | None) -> Answer:
    """Change the draft as the order says, or say why not. Pure."""
    match order:
        case HoldOrder():
            return hold(draft, order)
        case ReleaseOrder():
            return release(draft, order)
        case SilenceOrder():
            _is_a_stamp(order.stamp, charge, draft)
            return silence(draft, order, families_of(charge))
        case EndSilenceOrder():
            return end_silence(draft, order)
        case DrainOrder() | RejoinOrder() | ApproveOrder():
            grounds = Grounds(situation_of(draft.view(), charge, draft.now), live)
            return _move(draft, order, grounds)


def _move(draft: Draft, order: DrainOrder | RejoinOrder | ApproveOrder, grounds: Grounds) -> Answer:
    match order:
        case DrainOrder():
            return drain(draft, order, grounds)
        case RejoinOrder():
            return rejoin(draft, order, grounds)
        case ApproveOrder():
            return approve_step(draft, order, grounds)


def families_of(charge: Charge) -> set[str]:
    """The families of incidents that there can be: those of the rules, and the worker's own."""
    own = {BY_HAND.family, CONFIGURATION, DRAINED_BY_OTHERS, DRAIN_UNDONE}
    return own | {rule.family for rule in charge.rules.rules}


def _is_a_stamp(stamp: str | None, charge: Charge, draft: Draft) -> None:
    # Those of the record too: while a workload waits, its file does not name them.
    names = dict.fromkeys((*charge.workload.stamp_names, *draft.stamps))
    if stamp is not None and stamp not in names:
        raise WrongOrderError(f"{charge.workload.name} has no stamp {stamp!r}; it has {', '.join(names)}")
