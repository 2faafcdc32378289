"""What has a look shown: was it verified, did other hands do something, did a stamp go or come by itself?"""

from dataclasses import replace
from datetime import datetime, timedelta

from remediation.decide.draft import Draft
from remediation.decide.looks import HealthLook, LiveLook, StampLook
from remediation.decide.progress import supersede
from remediation.ledger.intent import Intent, IntentState, LeverKind, OutcomeKind, Verb
from remediation.ledger.stamp import LeverState, Seen, StampRecord
from rules.policy import Policy
from rules.topology import Workload

LEARNED_FROM = 20
LEARNED_LEAST = 5
"""So many drains are remembered, and so many are needed before they tell what is usual."""

DRAINS_KEPT = 200
"""Hands that take a stamp out every minute must not fill the record: so many count, or the budget."""

SEEN_EVERY = timedelta(seconds=30)
"""An effect is seen at a tick of the timer: that much later than it came, at the most."""


def take_note(draft: Draft, live: LiveLook, workload: Workload) -> None:
    """Keep what was seen, verify what was applied, and notice what nobody told us."""
    for name, look in live.stamps.items():
        known = draft.stamp(name)
        seen = look.seen(workload.state_file_check, known.seen)
        if known.seen != seen:
            draft.stamps[name] = replace(known, seen=seen)
        going = [intent for intent in draft.going_at(name) if intent.verb.moves_a_lever]
        undone = [intent for intent in going if _was_undone(intent, look, known.seen, draft.now)]
        for intent in going:
            if intent in undone:
                supersede(draft, intent, "other hands undid it before it was verified")
            elif intent.state is IntentState.APPLIED and not _shows(look, intent.lever, _opposite(intent)):
                # By the opposite nobody is to think it stuck: another lever must not be moved against people.
                _verify(draft, intent, look, live.path, workload)
        if going == undone:
            _notice_others_hands(draft, name, look, known.seen, workload.policy)
            _notice_by_itself(draft, name, seen)
    _verify_steps(draft, live, workload)


def usual(draft: Draft, verb: Verb, lever: LeverKind, policy: Policy) -> timedelta:
    """How long that takes as a rule by that lever, from the act to the proof: three of four were not slower.

    Nothing is learned from a handful, and no slowness makes us more patient than the lever's own bound.
    """
    longest = policy.front_door_within if lever is LeverKind.FRONT_DOOR else policy.verify_within
    took = sorted(draft.took.get((verb, lever), ()))
    if len(took) < LEARNED_LEAST:
        return longest
    learned = timedelta(seconds=took[(3 * len(took)) // 4]) + SEEN_EVERY
    return min(learned, longest)


def _was_undone(intent: Intent, look: StampLook, before: Seen | None, now: datetime) -> bool:
    """Whether the lever shows the opposite of what was applied; nothing of ours would ever verify it.

    What the look before a moment ago showed is older than our own act, and says nothing of it.
    """
    if intent.state is not IntentState.APPLIED or now - (intent.applied_at or now) < SEEN_EVERY:
        return False
    return _shows_twice(look, before, intent.lever, _opposite(intent))


def _opposite(intent: Intent) -> LeverState:
    return LeverState.IN if intent.verb is Verb.DRAIN else LeverState.OUT


def _shows(look: StampLook, lever: LeverKind, state: LeverState) -> bool:
    shown = look.by(lever)
    return shown.settled and shown.state is state


def _shows_twice(look: StampLook, before: Seen | None, lever: LeverKind, state: LeverState) -> bool:
    """Whether two looks one after the other show what is against our own record.

    A read may be answered with what was true before our write. Were one enough, a lever that we moved would
    be taken for somebody else's, and nobody would ever move it back.
    """
    return _shows(look, lever, state) and before is not None and before.by(lever) is state


def _verify(
    draft: Draft, intent: Intent, look: StampLook, path: HealthLook | None, workload: Workload
) -> None:
    seen = look.seen(workload.state_file_check)
    if intent.verb is Verb.DRAIN:
        done = _is_seen_drained(intent, look, path, workload)
    else:
        done = _is_seen_back(intent, look, draft.stamp(intent.stamp))
    passed = draft.now - (intent.applied_at or draft.now)
    if done:
        took = max(0, int(passed.total_seconds()))  # whoever applied it may have had a clock that was ahead
        of = (intent.verb, intent.lever)
        draft.took[of] = (*draft.took.get(of, ()), took)[-LEARNED_FROM:]
        draft.put_intent(intent.to(IntentState.VERIFIED, seen.words))
        draft.happened(f"{intent.verb} of {intent.stamp} verified after {took}s: {seen.words}")
    elif not intent.stuck and passed > usual(draft, intent.verb, intent.lever, workload.policy):
        draft.put_intent(replace(intent, stuck=True))
        draft.happened(f"{intent.verb} of {intent.stamp} is stuck: {seen.words}")


def _is_seen_drained(intent: Intent, look: StampLook, path: HealthLook | None, workload: Workload) -> bool:
    """The lever shows it, HealthService has noticed, and users who come through Front Door are served."""
    lever = look.by(intent.lever)
    # Front Door's own lever is nothing that HealthService could notice.
    noticed = intent.lever is LeverKind.FRONT_DOOR or look.seen(workload.state_file_check).drained
    moved = path is None or path.serves or not path.checks
    return lever.state is LeverState.OUT and lever.settled and noticed and moved


def _is_seen_back(intent: Intent, look: StampLook, known: StampRecord) -> bool:
    """The lever shows it; and it serves, unless another lever still keeps it out: ours, or other hands'."""
    lever = look.by(intent.lever)
    shown = (look.lever, *([look.origin] if look.origin else []))
    kept_out = known.drain is not None or any(each.state is LeverState.OUT for each in shown)
    return lever.state is LeverState.IN and lever.settled and (kept_out or look.health.serves)


def _verify_steps(draft: Draft, live: LiveLook, workload: Workload) -> None:
    for intent in list(draft.intents.values()):
        if intent.state is not IntentState.APPLIED or intent.verb.moves_a_lever:
            continue
        if intent.verb is Verb.WEBHOOK:
            # What the receiver does with it is the receiver's to tell, by a signal.
            draft.put_intent(intent.to(IntentState.VERIFIED, intent.outcome))
            continue
        outcome = live.steps.get(intent.id)
        passed = draft.now - (intent.applied_at or draft.now)
        if outcome is not None and outcome.kind is OutcomeKind.APPLIED:
            draft.put_intent(intent.to(IntentState.VERIFIED, outcome.reason))
            draft.happened(f"{intent.verb} of {intent.target} at {intent.stamp} verified: {outcome.reason}")
        elif outcome is not None and outcome.kind is OutcomeKind.REFUSED:
            supersede(draft, replace(intent, stuck=True), f"it failed: {outcome.reason}")
        elif not intent.stuck and passed > workload.policy.verify_within:
            draft.put_intent(replace(intent, stuck=True))
            draft.happened(f"{intent.verb} of {intent.target} at {intent.stamp} is stuck")
        elif passed > workload.policy.verify_within + workload.policy.cooldown:
            # People were told. It must not hold up the drains of every stamp for ever.
            supersede(draft, intent, "nothing was ever seen of it")


def _notice_others_hands(
    draft: Draft, name: str, look: StampLook, before: Seen | None, policy: Policy
) -> None:
    known = draft.stamp(name)
    shown = [look.lever.state, *([look.origin.state] if look.origin else [])]
    if LeverState.OUT in shown and not known.out:
        draft.stamps[name] = replace(known, adopted_at=draft.now)
        if before is not None:
            # Budgets are over people too. One found at the first look may be any age, and is not counted.
            draft.spend(name)
            draft.drains = draft.drains[-max(DRAINS_KEPT, policy.drains_per_day) :]
        draft.happened(f"{name} was drained by other hands: adopted")
    elif set(shown) == {LeverState.IN} and known.adopted_at is not None:
        draft.stamps[name] = replace(known, adopted_at=None)
        draft.happened(f"{name} was brought back by other hands")
    elif known.drain is not None:
        _notice_undoing(draft, name, look, before)


def _notice_undoing(draft: Draft, name: str, look: StampLook, before: Seen | None) -> None:
    """Levers of ours that show the stamp in rotation were moved back by somebody else."""
    known = draft.stamp(name)
    assert known.drain is not None  # noqa: S101 - the caller has looked
    back = [m for m in known.drain.levers if _shows_twice(look, before, m.lever, LeverState.IN)]
    left = tuple(moved for moved in known.drain.levers if moved not in back)
    if not back:
        return
    if left:
        draft.stamps[name] = replace(known, drain=replace(known.drain, levers=left))
        levers = ", ".join(moved.lever for moved in back)
        draft.happened(f"other hands moved back a lever of {name} ({levers}); it is still out by another")
        return
    draft.stamps[name] = replace(known, drain=None, undone_at=draft.now)
    draft.happened(f"the drain of {name} was undone by other hands")


def _notice_by_itself(draft: Draft, name: str, seen: Seen) -> None:
    """Remember when a stamp that nobody drained fell out of rotation by itself, and when it came back."""
    known = draft.stamp(name)
    if known.out or seen.out or not seen.answered:
        return
    out = _is_later(known.out_by_itself_at, known.back_by_itself_at)
    # Clocks differ: what is noticed later is later, whatever the clock of whoever noticed it says.
    if not seen.serves and not out:
        after = known.back_by_itself_at + timedelta(microseconds=1) if known.back_by_itself_at else draft.now
        draft.stamps[name] = replace(known, out_by_itself_at=max(draft.now, after))
        draft.happened(f"{name} is out by itself: {seen.words}")
    elif seen.serves and out:
        draft.stamps[name] = replace(
            known, back_by_itself_at=max(draft.now, known.out_by_itself_at or draft.now)
        )
        draft.happened(f"{name} came back by itself")


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)
