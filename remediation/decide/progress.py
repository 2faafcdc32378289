"""How does an intent get from planned to verified, and what does each outcome do to the record?

Each function takes a draft forward by one step of an intent's life. The engine
calls them between its effects; none of them looks or acts by itself.
"""

from dataclasses import replace
from datetime import timedelta

from remediation.decide.draft import Draft
from remediation.decide.looks import LiveLook, StampLook
from remediation.ledger.intent import Intent, IntentState, Lease, Outcome, OutcomeKind, Verb
from remediation.ledger.stamp import Drain, LeverState, Moved, Refusal, StampRecord
from rules.scope import Situation
from rules.topology import Workload

MAX_ATTEMPTS = 5
RETRY_FIRST = timedelta(seconds=2)
RETRY_LONGEST = timedelta(minutes=1)
ASKED_LONGEST = timedelta(minutes=5)


def begin(draft: Draft, intent: Intent, lease: Lease, content: str) -> Intent:
    """Take the lease. From here on the effect may have happened."""
    if intent.verb is Verb.DRAIN and intent.attempts == 0:
        draft.spend(intent.stamp)
    acting = replace(
        intent.to(IntentState.ACTING),
        lease=lease,
        attempts=intent.attempts + 1,
        content=content,
        not_before=None,
        # As many attempts as this without an answer, and nobody knows whether it was done: people must look.
        stuck=intent.stuck or intent.attempts >= MAX_ATTEMPTS,
    )
    draft.put_intent(acting)
    draft.happened(f"{intent.verb} of {intent.stamp}: {lease.owner} acts, attempt {acting.attempts}")
    return acting


def record_outcome(draft: Draft, intent: Intent, outcome: Outcome) -> None:
    """Write down what came of an attempt. An unknown outcome leaves the intent as it is: look first."""
    draft.happened(f"{intent.verb} of {intent.stamp}: {outcome.kind}: {outcome.reason}")
    match outcome.kind:
        case OutcomeKind.APPLIED if outcome.found and intent.verb is Verb.DRAIN and intent.attempts == 1:
            # Not our doing: the next look adopts it, and only those who did it bring it back.
            supersede(draft, intent, "other hands were faster")
        case OutcomeKind.APPLIED:
            _applied(draft, intent, outcome)
        case OutcomeKind.TRANSIENT if intent.attempts < MAX_ATTEMPTS:
            retry = replace(
                intent.to(IntentState.PLANNED, outcome.reason), not_before=draft.now + _wait(intent, outcome)
            )
            draft.put_intent(retry)
        case OutcomeKind.UNKNOWN:
            draft.put_intent(replace(intent, outcome=outcome.reason))
        case _:
            draft.put_intent(intent.to(IntentState.REFUSED, outcome.reason))
            known = draft.stamp(intent.stamp)
            refusals = {**known.refusals, intent.lever: Refusal(draft.now, outcome.reason)}
            draft.stamps[intent.stamp] = replace(known, refusals=refusals)


def _wait(intent: Intent, outcome: Outcome) -> timedelta:
    if outcome.retry_after_seconds is not None:
        # Bounded, for a step that waits holds up every other.
        return timedelta(seconds=min(ASKED_LONGEST.total_seconds(), max(0, outcome.retry_after_seconds)))
    return min(RETRY_LONGEST, RETRY_FIRST * (1 << (intent.attempts - 1)))


def _applied(draft: Draft, intent: Intent, outcome: Outcome) -> None:
    draft.put_intent(replace(intent.to(IntentState.APPLIED, outcome.reason), applied_at=draft.now))
    drain = None
    if intent.verb is Verb.DRAIN:
        drain = Drain(
            intent.id,
            intent.rule,
            intent.family,
            draft.now,
            intent.evidence,
            (Moved(intent.lever, intent.content),),
        )
    known = draft.stamp(intent.stamp)
    draft.stamps[intent.stamp] = StampRecord(drain=drain, seen=known.seen)


def put_back(draft: Draft, intent: Intent, reason: str) -> None:
    """Plan it again as if this attempt had not been: nothing was tried, and nothing was spent."""
    if intent.verb is Verb.DRAIN and intent.attempts == 1:
        spent = max((made for made in draft.drains if made.stamp == intent.stamp), key=lambda made: made.at)
        draft.drains = tuple(made for made in draft.drains if made is not spent)
    planned = replace(intent.to(IntentState.PLANNED, reason), attempts=intent.attempts - 1)
    draft.put_intent(replace(planned, not_before=draft.now + RETRY_FIRST))
    draft.happened(f"{intent.verb} of {intent.stamp} put back: {reason}")


def supersede(draft: Draft, intent: Intent, reason: str) -> None:
    """Give an intent up. Whoever does so has first made its effect impossible."""
    draft.put_intent(intent.to(IntentState.SUPERSEDED, reason))
    draft.happened(f"{intent.verb} of {intent.stamp} withdrawn: {reason}")


def let_go(draft: Draft, workload: Workload) -> None:
    """Forget the stamps that are no longer part of the workload, and give up what was under way there.

    Stamps are short-lived. Where there is no address any more nothing can be
    done or seen, and an intent that never ends would hold up every other step.
    """
    for intent in draft.view().in_flight():
        if intent.stamp not in workload.stamp_names:
            supersede(draft, intent, "the stamp is no longer part of the workload")
    for name in [name for name in draft.stamps if name not in workload.stamp_names]:
        was = " It was out of rotation." if draft.stamps.pop(name).out else ""
        draft.happened(f"{name} is no longer part of the workload.{was}")


def take_note(draft: Draft, live: LiveLook, workload: Workload) -> None:
    """Keep what was seen, verify what was applied, and notice what other hands did."""
    for name, look in live.stamps.items():
        seen = look.seen(workload.state_file_check)
        known = draft.stamp(name)
        if known.seen != seen:
            draft.stamps[name] = replace(known, seen=seen)
        going = draft.going_at(name)
        undone = [intent for intent in going if _was_undone(intent, seen.lever)]
        for intent in going:
            if intent in undone:
                supersede(draft, intent, "other hands undid it before it was verified")
            else:
                _verify(draft, intent, look, workload)
        if going == undone:
            _notice_others_hands(draft, name, seen.lever, begun_since=known.seen is not None)


def _was_undone(intent: Intent, lever: LeverState) -> bool:
    """Whether the lever shows the opposite of what was applied; nothing of ours would ever verify it."""
    opposite = LeverState.IN if intent.verb is Verb.DRAIN else LeverState.OUT
    return intent.state is IntentState.APPLIED and lever is opposite


def _verify(draft: Draft, intent: Intent, look: StampLook, workload: Workload) -> None:
    if intent.state is not IntentState.APPLIED or intent.applied_at is None:
        return
    seen = look.seen(workload.state_file_check)
    drained = seen.lever is LeverState.OUT and seen.drained
    serves = seen.lever is LeverState.IN and seen.serves
    if drained if intent.verb is Verb.DRAIN else serves:
        took = (draft.now - intent.applied_at).total_seconds()
        draft.put_intent(intent.to(IntentState.VERIFIED, seen.words))
        draft.happened(f"{intent.verb} of {intent.stamp} verified after {took:.0f}s: {seen.words}")
    elif not intent.stuck and draft.now - intent.applied_at > workload.policy.verify_within:
        draft.put_intent(replace(intent, stuck=True))
        draft.happened(f"{intent.verb} of {intent.stamp} is stuck: {seen.words}")


def _notice_others_hands(draft: Draft, name: str, lever: LeverState, *, begun_since: bool) -> None:
    known = draft.stamp(name)
    if lever is LeverState.OUT and not known.out:
        draft.stamps[name] = replace(known, adopted_at=draft.now)
        if begun_since:
            # Budgets are over people too. One found at the first look may be any age, and is not counted.
            draft.spend(name)
        draft.happened(f"{name} was drained by other hands: adopted")
    elif lever is LeverState.IN and known.adopted_at is not None:
        draft.stamps[name] = replace(known, adopted_at=None)
        draft.happened(f"{name} was brought back by other hands")
    elif lever is LeverState.IN and known.drain is not None:
        draft.stamps[name] = replace(known, drain=None, undone_at=draft.now)
        draft.happened(f"the drain of {name} was undone by other hands")


def remind(draft: Draft, situation: Situation) -> list[str]:
    """The stamps that are still out, by whomever, and for which people must be asked again."""
    every = situation.workload.policy.remind_after
    due = []
    for name, stamp in draft.stamps.items():
        out_since = stamp.drain.at if stamp.drain else stamp.adopted_at
        if out_since is None or draft.now - max(out_since, stamp.reminded_at or out_since) < every:
            continue
        draft.stamps[name] = replace(stamp, reminded_at=draft.now)
        draft.happened(f"{name} is still drained, since {out_since:%Y-%m-%d %H:%M}: asked again")
        due.append(name)
    return due
