"""How does an intent get from planned to verified, and what does each outcome do to the record?

Each function takes a draft forward by one step of an intent's life. The engine
calls them between its effects; none of them looks or acts by itself.
"""

from dataclasses import replace
from datetime import timedelta

from remediation.decide.draft import Draft
from remediation.ledger.intent import Intent, IntentState, Lease, LeverKind, Outcome, OutcomeKind, Verb
from remediation.ledger.stamp import Drain, LeverState, Moved, Refusal
from rules.policy import Policy
from rules.queue import marks
from rules.scope import Situation
from rules.topology import Workload

MAX_ATTEMPTS = 5
RETRY_FIRST = timedelta(seconds=2)
RETRY_LONGEST = timedelta(minutes=1)
ASKED_LONGEST = timedelta(minutes=5)
TURNS_KEPT = 50


def begin(draft: Draft, intent: Intent, lease: Lease, content: str) -> Intent:
    """Take the lease. From here on the effect may have happened."""
    if intent.verb is Verb.DRAIN and intent.attempts == 0 and not intent.second:
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
        case OutcomeKind.UNKNOWN if intent.verb.moves_a_lever or intent.attempts < MAX_ATTEMPTS:
            draft.put_intent(replace(intent, outcome=outcome.reason))
        case _:
            _refused(draft, intent, outcome)


def _refused(draft: Draft, intent: Intent, outcome: Outcome) -> None:
    """It will not be done by trying again.

    So it is with a step that nobody answers for: it must not hold up the drains of every stamp for ever.
    """
    draft.put_intent(intent.to(IntentState.REFUSED, outcome.reason))
    if not intent.verb.moves_a_lever:
        return  # that says nothing about the stamp's levers
    if intent.verb is Verb.DRAIN and not intent.second:
        draft.unspend(intent.stamp)  # no stamp was drained: the other lever may be tried
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
    if intent.verb is Verb.DRAIN:
        _is_out(draft, intent)
    elif intent.verb is Verb.REJOIN:
        _is_back(draft, intent)


def _is_out(draft: Draft, intent: Intent) -> None:
    """It is out by our hand: by one lever, or by one more."""
    known = draft.stamp(intent.stamp)
    moved = Moved(intent.lever, intent.content)
    if known.drain is not None:
        drain = replace(known.drain, levers=(*known.drain.levers, moved))
    else:
        drain = Drain(
            intent=intent.id,
            rule=intent.rule,
            family=intent.family,
            at=draft.now,
            evidence=intent.evidence,
            levers=(moved,),
            marks=marks(known.queue) if intent.backlog and known.queue else {},
            author=intent.author,
            stays_out=intent.relapse,
        )
    # Other hands are over. Why another lever would not do is what people ask next.
    refusals = {lever: said for lever, said in known.refusals.items() if lever is not intent.lever}
    draft.stamps[intent.stamp] = replace(
        known, drain=drain, adopted_at=None, reminded_at=None, refusals=refusals, undone_at=None
    )


def _is_back(draft: Draft, intent: Intent) -> None:
    """One lever is moved back; the stamp is back when the last one is."""
    known = draft.stamp(intent.stamp)
    left = (
        tuple(moved for moved in known.drain.levers if moved.lever is not intent.lever) if known.drain else ()
    )
    if known.drain is not None and left:
        draft.stamps[intent.stamp] = replace(known, drain=replace(known.drain, levers=left))
        return
    found = any(finding.stamp == intent.stamp for finding in draft.findings.values())
    draft.stamps[intent.stamp] = replace(
        known,
        drain=None,
        adopted_at=None,
        reminded_at=None,
        refusals={},
        # A person who brings it back has decided against the drain: only a new finding drains it again.
        # Where nothing is found any more there is nothing to be decided against, and nothing to tell.
        undone_at=draft.now if intent.author and found else None,
        rejoined_at=draft.now,
        out_by_itself_at=None,
        back_by_itself_at=None,
    )


def put_back(draft: Draft, intent: Intent, reason: str) -> None:
    """Plan it again as if this attempt had not been: nothing was tried, and nothing was spent."""
    if intent.verb is Verb.DRAIN and intent.attempts == 1 and not intent.second:
        draft.unspend(intent.stamp)
    planned = replace(intent.to(IntentState.PLANNED, reason), attempts=intent.attempts - 1)
    draft.put_intent(replace(planned, not_before=draft.now + RETRY_FIRST))
    draft.happened(f"{intent.verb} of {intent.stamp} put back: {reason}")


def supersede(draft: Draft, intent: Intent, reason: str) -> None:
    """Give an intent up. Whoever does so has first made its effect impossible.

    A drain that came to nothing takes no budget; where it lands late all the same, its adoption does.
    """
    begun = intent.attempts > 0 and intent.applied_at is None
    if begun and intent.verb is Verb.DRAIN and not intent.second:
        draft.unspend(intent.stamp)
    _give_up(draft, intent, reason)


def _give_up(draft: Draft, intent: Intent, reason: str) -> None:
    draft.put_intent(intent.to(IntentState.SUPERSEDED, reason))
    draft.happened(f"{intent.verb} of {intent.stamp or intent.target} withdrawn: {reason}")


def let_go(draft: Draft, workload: Workload) -> None:
    """Forget the stamps that are no longer part of the workload, and give up what was under way there.

    Stamps are short-lived. Where there is no address any more nothing can be
    done or seen, and an intent that never ends would hold up every other step.
    What was said of it goes with it: a later stamp of that name is another one,
    and an alert that fired while the old one was deleted is no reason to drain it.
    """
    for intent in draft.view().in_flight():
        if intent.stamp and intent.stamp not in workload.stamp_names:
            _give_up(draft, intent, "the stamp is no longer part of the workload")
    there = {None, *workload.stamp_names}
    named = dict.fromkeys((*draft.stamps, *(key.stamp for key in draft.registers)))
    gone = [name for name in named if name is not None and name not in there]
    for name in gone:
        known = draft.stamps.pop(name, None)
        was = " It was out of rotation." if known is not None and known.out else ""
        draft.happened(f"{name} is no longer part of the workload.{was}")
    if gone:
        draft.registers = {key: said for key, said in draft.registers.items() if key.stamp in there}
    draft.findings = {asked: found for asked, found in draft.findings.items() if asked.stamp in there}
    draft.since = {waiting: at for waiting, at in draft.since.items() if waiting.stamp in there}


def turned(draft: Draft, stamp: str, policy: Policy) -> None:
    """Count that a stamp has turned bad: what does so again and again is not moved about."""
    known = draft.stamp(stamp)
    lately = tuple(at for at in known.turns if draft.now - at < policy.flaps_within)
    if draft.now not in lately:
        draft.stamps[stamp] = replace(known, turns=(*lately, draft.now)[-TURNS_KEPT:])


def remind(draft: Draft, situation: Situation) -> list[str]:
    """The stamps that are still out, by whomever, and for which people must be asked again."""
    every = situation.workload.policy.remind_after
    due = []
    for name, stamp in draft.stamps.items():
        out_since = stamp.drain.at if stamp.drain else stamp.adopted_at
        if out_since is None:
            continue
        if _may_be_ours(draft, name, every):
            draft.happened(f"{name} may be out by a change of ours that was given up: asked at once")
        elif draft.now - max(out_since, stamp.reminded_at or out_since) >= every:
            draft.happened(f"{name} is still drained, since {out_since:%Y-%m-%d %H:%M}: asked again")
        else:
            continue
        draft.stamps[name] = replace(stamp, reminded_at=draft.now)
        due.append(name)
    return due


def _may_be_ours(draft: Draft, name: str, lately: timedelta) -> bool:
    """Whether an origin that was just found disabled may be so by a paused worker, whose drain was given up.

    Front Door has no ETag, so a change that is late cannot be fenced off. It may as well be somebody
    else's: it is not ours to undo, and people must know at once.
    """
    known = draft.stamp(name)
    if known.adopted_at is None or known.seen is None or known.seen.origin is not LeverState.OUT:
        return False
    if known.reminded_at is not None and known.reminded_at >= known.adopted_at:
        return False
    begun = [each for each in draft.intents.values() if each.stamp == name and each.verb is Verb.DRAIN]
    return any(
        intent.lever is LeverKind.FRONT_DOOR
        and intent.state is IntentState.SUPERSEDED
        and intent.attempts > 0
        and intent.applied_at is None
        and draft.now - intent.planned_at < lately
        for intent in begun
    )
