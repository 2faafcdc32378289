"""Which bugs must the simulation find? Each is planted in the code, by replacing one function of it.

Three are bugs of what stands behind a port, and are planted in the world that stands in for it.

A test of the tests: what passes with these in it proves nothing. This, and nothing else in this
repository, replaces code at run time; it is undone when the context ends.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from rehearsal import ports as gated
from rehearsal.world import adapters
from remediation import worker
from remediation.decide import approvals, notice, outbox, playbooks, progress
from remediation.decide.case import Case
from remediation.decide.draft import Draft
from remediation.decide.guardrails import fault, pace, permission, survivors
from remediation.decide.looks import HealthLook, LiveLook
from remediation.decide.proof import Proof
from remediation.engine import acting, telling
from remediation.engine.acting import Acting
from remediation.engine.book import Book, Written
from remediation.engine.looking import Looking
from remediation.engine.telling import Telling
from remediation.ledger.blob import BlobLedger
from remediation.ledger.intent import IntentState, LeverKind, Outcome, OutcomeKind, Verb
from remediation.ledger.record import Cause
from remediation.ledger.stamp import Drain, LeverState, Moved
from remediation.ledger.told import MessageKind
from remediation.ports import ConflictError, InboxUnavailableError, LedgerUnavailableError
from rules.scope import Situation, scope_of
from rules.signals import Health

APPLIED = Outcome(OutcomeKind.APPLIED, "so it is said")


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """One bug.

    Attributes:
        name: what is wrong, in words.
        plants: makes the contexts in which it is there; called anew for each.
        near: parts of names of the scenarios in which it can show; all where empty.
    """

    name: str
    plants: Callable[[], list[Any]]
    near: tuple[str, ...] = field(default=())

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The code with the bug in it."""
        with ExitStack() as stack:
            for each in self.plants():
                stack.enter_context(each)
            yield


def _instead(where: Any, name: str, what: Any) -> Any:
    return patch.object(where, name, what)


@contextmanager
def _code(function: Any, other: Any) -> Iterator[None]:
    """The function does something else, wherever it has been imported to."""
    before = function.__code__
    function.__code__ = other.__code__
    try:
        yield
    finally:
        function.__code__ = before


def _passes(guardrail: Any) -> Callable[[], list[Any]]:
    """A guardrail that lets everything pass."""

    def nothing(case: Any) -> None:
        return None

    return lambda: [_code(guardrail, nothing)]


async def _nothing(*_: Any, **__: Any) -> None:
    return None


# --- the ledger ------------------------------------------------------------------------------------


async def _every_refusal_is_a_conflict(
    self: Any, name: str, version: Any, write_id: str, refusal: str
) -> str:
    raise ConflictError(f"{name}: {refusal}")


async def _old_plan_again(self: Any, workload: str, change: Any, *, journal: bool) -> Written:
    after = None
    for _ in range(12):
        stored = await self._ledger.load(workload)
        after = (
            change(stored.record) if after is None else replace(after, revision=stored.record.revision + 1)
        )
        if after is None:
            return Written(stored.record, changed=False)
        try:
            await self._ledger.save(after, stored.version)
        except ConflictError:
            continue
        if journal:
            await self._append_journal(after)
        return Written(after, changed=True)
    return Written(stored.record, changed=False)


async def _forgets_entries(self: Any, record: Any) -> None:
    if record.journal:
        self._journalled[record.workload] = record.journal[-1].id


async def _no_marker(self: Any, workload: str) -> None:
    return None


# --- acting ----------------------------------------------------------------------------------------

_carry_out, _apply = Acting.carry_out, Acting._apply


async def _act_first(self: Any, charge: Any, intent: Any) -> None:
    if intent.state is IntentState.PLANNED and intent.verb is Verb.DRAIN:
        stamp = charge.workload.stamp(intent.stamp)
        seen = await self._looking.lever(stamp, charge.workload.policy, intent.lever)
        await self._levers[intent.lever].take_out(stamp, seen.tag)
    await _carry_out(self, charge, intent)


def _with_date(live: LiveLook, now: Any) -> LiveLook:
    stamps = {name: replace(one, health=replace(one.health, at=now)) for name, one in live.stamps.items()}
    return replace(live, stamps=stamps)


async def _apply_however_old(self: Any, charge: Any, begun: Any, live: LiveLook) -> None:
    await _apply(self, charge, begun, _with_date(live, self._clock.now()))


async def _take_over_blindly(self: Any, charge: Any, intent: Any) -> None:
    begun = await self._lease_again(charge, intent)
    if begun is None or not intent.verb.moves_a_lever:
        return
    live, _ = await self._see(charge)
    await self._apply(charge, begun, live)


async def _take_over_without_guardrails(self: Any, *_: Any) -> bool:
    return True


def _by_its_own_word(self: Any, intent: Any, workload: Any, now: Any) -> bool:
    return intent.lease is None or now >= intent.lease.until


def _never_abandoned(self: Any, intent: Any, workload: Any, now: Any) -> bool:
    return False


async def _takes_it_for_done(self: Any, charge: Any, begun: Any, outcome: Any) -> Outcome:
    return APPLIED


def _anybodys(record: Any, begun: Any) -> Any:
    # Without the token alone nothing breaks that anybody could see: as long as the intent is being acted
    # upon, whoever looked says what is so. Without the state as well, a word comes when it has gone on.
    return record.intents.get(begun.intent.id)


async def _fences_nothing(self: Any, stamp: Any, look: Any) -> Outcome:
    return APPLIED


_look = Looking.look


async def _looks_once(self: Any, workload: Any) -> LiveLook:
    known = self.__dict__.setdefault("_first", {})
    if workload.name not in known:
        known[workload.name] = await _look(self, workload)
    seen = known[workload.name]
    now = self._clock.now()
    fresh = {}
    for stamp in workload.stamps:
        lever = await self.lever(stamp, workload.policy, LeverKind.STATE_FILE)
        before = seen.stamps[stamp.name]
        fresh[stamp.name] = replace(before, lever=lever, health=replace(before.health, at=now))
    looked: LiveLook = replace(seen, stamps=fresh)
    return looked


async def _take_out_whatever_it_is(self: Any, stamp: Any, tag: str) -> Outcome:
    return await _take_out(self, stamp, self._world.stamps[stamp.name].file.tag)


_take_out = adapters.WorldStateFiles.take_out
_health = Looking._health


async def _silence_is_good(self: Any, stamp: Any, policy: Any) -> HealthLook:
    look = await _health(self, stamp, policy)
    return look if look.status is not None else HealthLook(stamp.name, look.at, 200, {"Database": True})


# --- deciding --------------------------------------------------------------------------------------

_root, _record_outcome, _is_back, _notice = (
    Situation.root,
    progress.record_outcome,
    progress._is_back,
    notice._notice_others_hands,
)
_tell, _settle = Draft.tell, outbox.settle


def _unknown_is_green(self: Any, stamp: str) -> Health:
    health = _root(self, stamp)
    return Health.GREEN if health is Health.UNKNOWN else health


def _finds_it_ours(draft: Any, intent: Any, outcome: Any) -> None:
    _record_outcome(draft, intent, replace(outcome, found=False))


def _one_lever_is_enough(draft: Any, intent: Any) -> None:
    known = draft.stamp(intent.stamp)
    if known.drain is not None:
        levers = tuple(moved for moved in known.drain.levers if moved.lever is intent.lever)
        draft.stamps[intent.stamp] = replace(known, drain=replace(known.drain, levers=levers))
    _is_back(draft, intent)


def _takes_it_for_ours(draft: Any, name: str, look: Any, *rest: Any, **more: Any) -> None:
    known = draft.stamp(name)
    if look.lever.state is LeverState.OUT and not known.out:
        rule = "background-processor-cannot-read"
        drain = Drain("none", rule, rule, draft.now, (), (Moved(LeverKind.STATE_FILE),))
        draft.stamps[name] = replace(known, drain=drain)
        return
    _notice(draft, name, look, *rest, **more)


def _undone_at_first_sight(intent: Any, look: Any, *_: Any) -> bool:
    applied = intent.state is IntentState.APPLIED
    return applied and notice._shows(look, intent.lever, notice._opposite(intent))


def _shows_once(look: Any, _: Any, lever: Any, state: Any) -> bool:
    return notice._shows(look, lever, state)


def _always_proven(*_: Any) -> Proof:
    return Proof(proven=True, reason="so it is said")


def _never_proven(*_: Any) -> Proof:
    return Proof(proven=False, reason="so it is said")


def _no_time_for_approvals(draft: Any) -> None:
    return None


def _no_window(self: Any, stamp: str) -> None:
    return None


def _never_resolves(self: Any, incident: Any, channel: Any, kind: Any, *rest: Any) -> None:
    if kind is not MessageKind.RESOLVE:
        _tell(self, incident, channel, kind, *rest)


def _settles_whatever_came(draft: Any, outcomes: Mapping[str, Outcome]) -> None:
    _settle(draft, dict.fromkeys(outcomes, APPLIED))


def _spends_nothing(self: Any, stamp: str) -> None:
    return None


def _a_stamps_own(finding: Any, situation: Any) -> Any:
    return ScopeVerdict(Scope.STAMP, "so it is said")  # type: ignore[name-defined] # noqa: F821 - of `rules.scope`


def _nothing_against(draft: Any, order: Any) -> str:
    return ""


# --- telling and taking in -------------------------------------------------------------------------


async def _recorded_before_sent(self: Any, workload: Any, messages: Any, _: Any) -> None:
    def settled(record: Any) -> Any:
        draft = Draft(record, self._clock.now())
        _settle(draft, {message.id: APPLIED for message in messages})
        return draft.finish(Cause.DELIVERY)

    await self._book.write(workload.name, settled)
    for message in messages:
        await self._tell(workload, message)


_consume = worker.Worker.consume


async def _put_or_not(self: Any, body: bytes, key: Any, properties: Any) -> None:
    try:
        await _put(self, body, key, properties)
    except InboxUnavailableError:
        return


_put = gated.GatedInbox.put


async def _checkpoints_whatever_comes(self: Any, events: Any) -> None:
    try:
        await _consume(self, events)
    except LedgerUnavailableError:
        return


BUGS: tuple[PlantedBug, ...] = (
    # The ledger.
    PlantedBug(
        "write_id is not looked at",
        lambda: [_instead(BlobLedger, "_own_success", _every_refusal_is_a_conflict)],
        near=("drain-and-rejoin",),
    ),
    PlantedBug(
        "an old plan is applied again after a conflict", lambda: [_instead(Book, "_write", _old_plan_again)]
    ),
    PlantedBug(
        "journal entries are dropped",
        lambda: [_instead(Book, "_append_journal", _forgets_entries)],
        near=("drain-and-rejoin",),
    ),
    PlantedBug(
        "the marker beside the ledger is not read",
        lambda: [_instead(Book, "marker", _no_marker)],
        near=("marker",),
    ),
    # Acting.
    PlantedBug("it acts before the intent is leased", lambda: [_instead(Acting, "carry_out", _act_first)]),
    PlantedBug("a lease never ends", lambda: [_instead(Acting, "_abandoned", _never_abandoned)]),
    PlantedBug(
        "a lease ends by its owner's clock alone",
        lambda: [_instead(Acting, "_abandoned", _by_its_own_word)],
        near=("wrong-clock",),
    ),
    PlantedBug(
        "an old look is good enough",
        lambda: [_instead(Acting, "_apply", _apply_however_old)],
        near=("survivor-fails-after",),
    ),
    PlantedBug("the stamps are looked at once", lambda: [_instead(Looking, "look", _looks_once)]),
    PlantedBug(
        "a survivor that does not answer serves", lambda: [_instead(Looking, "_health", _silence_is_good)]
    ),
    PlantedBug(
        "it takes over without looking",
        lambda: [_instead(Acting, "_take_over", _take_over_blindly)],
        near=("mended-at-once",),
    ),
    PlantedBug(
        "it takes over without asking the guardrails",
        lambda: [_instead(Acting, "_still_allowed", _take_over_without_guardrails)],
        near=("mended-at-once",),
    ),
    PlantedBug("a time-out counts as done", lambda: [_instead(Acting, "_look_after", _takes_it_for_done)]),
    PlantedBug(
        "whoever lost the lease records all the same",
        lambda: [_instead(Acting, "_ours", staticmethod(_anybodys))],
        near=("wrong-clock-by-hand",),
    ),
    PlantedBug(
        "the fence does nothing",
        lambda: [_instead(gated.GatedLever, "fence", _fences_nothing)],
        near=("mended-at-once",),
    ),
    PlantedBug(
        "a state file is deleted without If-Match",
        lambda: [_instead(adapters.WorldStateFiles, "take_out", _take_out_whatever_it_is)],
        near=("mended-at-once",),
    ),
    # Deciding.
    PlantedBug(
        "unknown counts as green",
        lambda: [_instead(Situation, "root", _unknown_is_green)],
        near=("unseen-survivor",),
    ),
    PlantedBug(
        "what others did is taken for ours",
        lambda: [_instead(acting, "record_outcome", _finds_it_ours)],
        near=("person-is-faster",),
    ),
    PlantedBug(
        "an adopted drain is rejoined", lambda: [_instead(notice, "_notice_others_hands", _takes_it_for_ours)]
    ),
    PlantedBug(
        "the second lever is not moved back",
        lambda: [_instead(progress, "_is_back", _one_lever_is_enough)],
        near=("stuck",),
    ),
    PlantedBug(
        "one look takes a lever from us",
        lambda: [
            _instead(notice, "_was_undone", _undone_at_first_sight),
            _instead(notice, "_shows_twice", _shows_once),
        ],
        near=("stuck",),
    ),
    PlantedBug("the marks of the backlog are dropped", lambda: [_instead(progress, "marks", lambda _: {})]),
    PlantedBug(
        "it rejoins without proof",
        lambda: [_instead(playbooks, "proof_of_recovery", _always_proven), *_passes(fault.proven_healthy)()],
    ),
    PlantedBug("recovery is never proven", lambda: [_instead(playbooks, "proof_of_recovery", _never_proven)]),
    PlantedBug(
        "a drain counts as verified at once", lambda: [_instead(notice, "_is_seen_drained", lambda *_: True)]
    ),
    PlantedBug(
        "a rejoin counts as verified at once", lambda: [_instead(notice, "_is_seen_back", lambda *_: True)]
    ),
    PlantedBug(
        "approvals never expire",
        lambda: [_code(approvals.expire, _no_time_for_approvals)],
        near=("approved-in-vain",),
    ),
    PlantedBug(
        "windows of maintenance are not looked at",
        lambda: [_instead(Case, "window", _no_window)],
        near=("window",),
    ),
    PlantedBug("drains are not counted", lambda: [_instead(Draft, "spend", _spends_nothing)]),
    PlantedBug(
        "an approval can be used again",
        lambda: [_instead(playbooks, "use", lambda *_: None)],
        near=("approved-once",),
    ),
    PlantedBug(
        "whoever asks may approve", lambda: [_code(approvals.why_not, _nothing_against)], near=("own-word",)
    ),
    # Guardrails that let everything pass.
    PlantedBug("the cooldown is not kept", _passes(pace.cooled_down)),
    PlantedBug("the budget is not kept", _passes(pace.within_budget), near=("budget",)),
    PlantedBug("the hold switch is not heeded", _passes(permission.hold_switch_is_off)),
    PlantedBug("observe is not heeded", _passes(permission.mode_allows)),
    PlantedBug("maintenance is not heeded", _passes(permission.not_in_maintenance), near=("maintenance",)),
    PlantedBug("probation is not kept", _passes(permission.not_on_probation)),
    PlantedBug(
        "every fault counts as a stamp's own", lambda: [_code(scope_of, _a_stamps_own)], near=("two-stamps",)
    ),
    PlantedBug("the last stamps are drained", _passes(survivors.keeps_enough_serving)),
    # Telling, and taking in.
    PlantedBug(
        "a page is recorded before it is sent",
        lambda: [_instead(Telling, "_deliver", _recorded_before_sent)],
        near=("drain-and-rejoin",),
    ),
    PlantedBug("no page is ever resolved", lambda: [_instead(Draft, "tell", _never_resolves)]),
    PlantedBug(
        "the outbox is emptied on failure", lambda: [_instead(telling, "settle", _settles_whatever_came)]
    ),
    PlantedBug(
        "without a ledger nobody is woken",
        lambda: [
            _instead(Telling, "page_without_ledger", _nothing),
            _instead(Telling, "page_unusable", _nothing),
        ],
    ),
    PlantedBug("dead letters are dropped", lambda: [_instead(worker.Worker, "_bury", _nothing)]),
    PlantedBug(
        "202 before it is durable",
        lambda: [_instead(gated.GatedInbox, "put", _put_or_not)],
        near=("webhook",),
    ),
    PlantedBug(
        "a batch is done although nothing was kept",
        lambda: [_instead(worker.Worker, "consume", _checkpoints_whatever_comes)],
    ),
)
