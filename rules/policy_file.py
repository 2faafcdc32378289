"""Which numbers may a workload set for itself, and which of them contradict each other?

The defaults are those of `rules.policy`. What is refused here would switch off a
rule of safety, or leave no time for the thing that a number waits for.
"""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from rules.conditions import words
from rules.fields import AtLeast, Duration, Strict
from rules.policy import Policy
from rules.problems import Complaint, refuse

LOOK_FRESH_FOR = timedelta(seconds=5)
"""Promise P2: a drain rests on a look at the survivors that is at most this old."""

_DEFAULTS = Policy()
_BUDGET = "for no drains at all set `mode: observe`"


def _number(name: str, description: str) -> Any:
    """A field of the policy with its default, which stands in `rules.policy` and nowhere else."""
    return Field(getattr(_DEFAULTS, name), description=description)


class PolicyModel(Strict):
    """The numbers that govern the worker for this workload. Every one has a default."""

    model_config = ConfigDict(title="policy")

    min_serving: Annotated[int, AtLeast(1, "the last-stamp rule cannot be switched off")] = _number(
        "min_serving", "A drain must leave at least this many other stamps serving. Never below 1."
    )
    settle: Duration = _number("settle", "How long a finding must have stood before a drain.")
    same_fault_within: Duration = _number(
        "same_fault_within", "The same finding on two stamps within this time is a global fault."
    )
    fresh_for: Duration = _number("fresh_for", "How long a statement of health is good for.")
    may_act_for: Duration = _number("may_act_for", "How old an alert may be and still cause an action.")
    from_future_by: Duration = _number(
        "from_future_by", "How far ahead of its enqueueing a signal's time may lie."
    )
    forget_after: Duration = _number("forget_after", "How long a silent source's last word is kept.")
    forget_firing_after: Duration = _number(
        "forget_firing_after", "The same for an alert that fires and never resolves, and for yellow and red."
    )
    cannot_read_after: Duration = _number(
        "cannot_read_after", "How long a consumer may stand still before it counts as unable to read."
    )
    rejoin_after: Duration = _number(
        "rejoin_after", "How long the proof of recovery must have stood before a rejoin."
    )
    probation: Duration = _number(
        "probation", "How long after a rejoin a relapse drains again and keeps the stamp out."
    )
    cooldown: Duration = _number("cooldown", "The least time between two drains of this workload.")
    drains_per_hour: Annotated[int, AtLeast(1, _BUDGET)] = _number(
        "drains_per_hour", "Budget of drains over all rules, workers and people, per hour."
    )
    drains_per_day: Annotated[int, AtLeast(1, _BUDGET)] = _number("drains_per_day", "The same, per 24 hours.")
    lease: Duration = _number("lease", "How long one worker alone may carry out an intent.")
    verify_within: Duration = _number(
        "verify_within", "A drain or rejoin not seen to work by then is stuck, and paged."
    )
    front_door_within: Duration = _number(
        "front_door_within", "The same where it was made by the Front Door origin, which takes minutes."
    )
    look_fresh_for: Duration = _number(
        "look_fresh_for",
        f"How old the live look may be at the moment of the act. At most {words(LOOK_FRESH_FOR)}.",
    )
    probe_timeout: Duration = _number("probe_timeout", "For one look at one HealthService or state file.")
    remind_after: Duration = _number(
        "remind_after", "A stamp that the worker drained and that is still out is asked about again."
    )
    load: Annotated[int, AtLeast(1, "leave it out where it is not known", most=1_000_000_000)] | None = (
        _number(
            "load",
            "How much the stamps that serve after a drain must carry, in the unit of their `capacity`.",
        )
    )
    spare: Annotated[int, AtLeast(0, "none is 0")] = _number(
        "spare", "So many of the largest of them may fail besides, and the others still carry `load`."
    )
    flaps: Annotated[int, AtLeast(2, "one turn is no flapping")] = _number(
        "flaps", "A root that turns red so often within `flaps_within` flaps, and is not moved about."
    )
    flaps_within: Duration = _number("flaps_within", "The time in which turns to red are counted.")
    escalate_after: Duration = _number(
        "escalate_after", "People are woken again when a page stands so long and nothing has helped."
    )
    approve_within: Duration = _number(
        "approve_within", "How long an approval may be waited for, and be used."
    )

    @model_validator(mode="after")
    def _is_sound(self) -> "PolicyModel":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        if self.look_fresh_for > LOOK_FRESH_FOR:
            message = f"expected `look_fresh_for` of at most {words(LOOK_FRESH_FOR)}"
            yield Complaint(
                message, "no drain may rest on an older look at the survivors", ("look_fresh_for",)
            )
        for less, more, why in _ORDERED:
            if getattr(self, less) > getattr(self, more):
                # Point at the one that stands in the file; the other may be a default.
                at = less if less in self.model_fields_set else more
                message = f"expected `{less}` ({self._said(less)}) not above `{more}` ({self._said(more)})"
                yield Complaint(message, why, (at,))

    def _said(self, name: str) -> str:
        value = getattr(self, name)
        said = words(value) if isinstance(value, timedelta) else str(value)
        return said if name in self.model_fields_set else f"{said} by default"

    def policy(self) -> Policy:
        """The frozen policy."""
        return Policy(**{number.name: getattr(self, number.name) for number in fields(Policy)})


_ORDERED = (
    ("same_fault_within", "settle", "a fault of several stamps must have time to show before one is drained"),
    ("drains_per_hour", "drains_per_day", "the budget of a day cannot be less than that of an hour"),
    ("fresh_for", "forget_after", "what is still good must not be forgotten"),
    ("may_act_for", "forget_after", "what may still cause an action must not be forgotten"),
    ("forget_after", "forget_firing_after", "a late copy of a forgotten alert would seem new"),
    ("probe_timeout", "look_fresh_for", "a look must not be stale by the time it is answered"),
    ("probe_timeout", "lease", "a look must be over before another worker may take over"),
)
"""Numbers of which the first must not be above the second, and why."""
