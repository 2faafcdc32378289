"""Which numbers govern the worker when a workload does not say otherwise?

Every default stands here and nowhere else; `remediation schema settings` and
`remediation schema workload` show them.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Mode(StrEnum):
    """How far the worker may go. The lesser of the rule's and the workload's holds."""

    OBSERVE = "observe"  # decide and journal only
    APPROVE = "approve"  # tell people, ask before acting
    AUTO = "auto"

    def capped_by(self, other: "Mode") -> "Mode":
        """The lesser of the two modes."""
        order = list(Mode)
        return min(self, other, key=order.index)


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of one workload.

    Attributes:
        min_serving: a drain must leave at least this many other stamps serving; never below 1.
        settle: how long a finding must have stood before a drain; transients pass in this time.
        same_fault_within: the same finding on two stamps within this time is a global fault.
        fresh_for: how long a statement of health is good for.
        may_act_for: how old an alert may be and still cause an action.
        from_future_by: how far ahead of its enqueueing a signal's time may lie.
        forget_after: how long a silent source's last word is kept.
        forget_firing_after: the same for an alert that fires and never resolves, and for yellow and red.
        cannot_read_after: how long a consumer may stand still before it counts as unable to read.
        rejoin_after: how long the proof of recovery must have stood before a rejoin.
        probation: how long after a rejoin a relapse keeps the stamp out.
        cooldown: the least time between two drains of one workload.
        drains_per_hour: budget over all rules, workers and people.
        drains_per_day: the same, over 24 hours.
        lease: how long one worker alone may carry out an intent.
        verify_within: a drain or rejoin not seen to work by then is stuck, and paged.
        front_door_within: the same where it was made by the Front Door origin: Azure rolls such a change out.
        look_fresh_for: how old the live look may be at the moment of the act.
        probe_timeout: for one look at one HealthService or state file.
        remind_after: a stamp that we drained and that is still out is asked about again.
        load: how much all serving stamps together must be able to carry, in the unit of their `capacity`.
        spare: so many of the largest survivors may fail after a drain, and the others still carry `load`.
        flaps: a root that turns red so often within `flaps_within` is flapping, and is not moved about.
        flaps_within: see `flaps`.
        escalate_after: people are woken again when a page stands so long and nothing has helped.
        approve_within: how long an approval may be waited for, and be used.
    """

    min_serving: int = 1
    settle: timedelta = timedelta(seconds=60)
    same_fault_within: timedelta = timedelta(seconds=60)
    fresh_for: timedelta = timedelta(minutes=5)
    may_act_for: timedelta = timedelta(hours=1)
    from_future_by: timedelta = timedelta(minutes=5)
    forget_after: timedelta = timedelta(hours=24)
    forget_firing_after: timedelta = timedelta(days=7)
    cannot_read_after: timedelta = timedelta(minutes=3)
    rejoin_after: timedelta = timedelta(minutes=10)
    probation: timedelta = timedelta(minutes=30)
    cooldown: timedelta = timedelta(minutes=30)
    drains_per_hour: int = 2
    drains_per_day: int = 4
    lease: timedelta = timedelta(seconds=60)
    verify_within: timedelta = timedelta(minutes=3)
    front_door_within: timedelta = timedelta(minutes=45)
    look_fresh_for: timedelta = timedelta(seconds=5)
    probe_timeout: timedelta = timedelta(seconds=3)
    remind_after: timedelta = timedelta(hours=12)
    load: int | None = None
    spare: int = 0
    flaps: int = 4
    flaps_within: timedelta = timedelta(hours=1)
    escalate_after: timedelta = timedelta(minutes=30)
    approve_within: timedelta = timedelta(minutes=15)


DEFAULT_MODE = Mode.OBSERVE
