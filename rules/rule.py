"""What is a rule: which condition, how bad is it, and what does it ask for?"""

from dataclasses import dataclass
from enum import StrEnum

from rules.conditions import Condition
from rules.policy import Mode
from rules.reach import Scope
from rules.signals import Severity


class Playbook(StrEnum):
    """What a rule asks for when it holds."""

    DRAIN = "drain"  # page, drain the stamp, rejoin it after proof
    PAGE = "page"  # wake someone
    NOTIFY = "notify"  # tell the team
    RECORD = "record"  # write it down
    RESTART = "restart"  # tell the team, restart a deployment of the stamp
    WEBHOOK = "webhook"  # tell the team, ask somebody else to do something

    @property
    def drains(self) -> bool:
        """Whether it asks for a stamp to be taken out of rotation."""
        return self is Playbook.DRAIN

    @property
    def targets(self) -> bool:
        """Whether it acts upon something that the rule names."""
        return self in (Playbook.RESTART, Playbook.WEBHOOK)

    @property
    def pages(self) -> bool:
        """Whether it asks for someone to be woken."""
        return self in (Playbook.DRAIN, Playbook.PAGE)

    @property
    def notifies(self) -> bool:
        """Whether it asks for the team to be told."""
        return self is not Playbook.RECORD


class Proof(StrEnum):
    """What shows that a drained stamp has recovered, besides its other checks."""

    CAUSE = "cause"  # those who reported the cause take it back
    BACKLOG = "backlog"  # and every partition's checkpoint has passed where the hub was at the drain


class AskedOf(StrEnum):
    """What a rule is asked about."""

    STAMP = "stamp"  # each stamp by itself
    WORKLOAD = "workload"  # the workload as a whole: global nodes, alerts about no stamp


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a rule file.

    Attributes:
        name: unique among all rules; kebab-case.
        summary: what it means when it holds, in a sentence for the person who is paged.
        when: the condition.
        severity: how loudly people are told.
        playbook: what it asks for.
        mode: how far the worker may go by this rule; the workload's mode caps it.
        family: rules of one family describe one fault: one incident, one page.
        asked_of: each stamp, or the workload as a whole.
        runbook: where the person who is paged reads on.
        proof: what a stamp that was drained for it comes back on.
        scope: how far the fault reaches when it holds, whatever else stands: a statement about all
            findings of the same stamp, or of all stamps where it is asked of the workload.
        no_headroom: when it holds, its stamp can take no more load: no other is drained onto it.
        target: the deployment or endpoint of the workload file, for `restart` and `webhook`.
        where: `file:line` of the rule.
    """

    name: str
    summary: str
    when: Condition
    severity: Severity
    playbook: Playbook
    mode: Mode = Mode.AUTO
    family: str = ""
    asked_of: AskedOf = AskedOf.STAMP
    runbook: str | None = None
    proof: Proof = Proof.CAUSE
    scope: Scope | None = None
    no_headroom: bool = False
    target: str | None = None
    where: str = ""

    def __post_init__(self) -> None:
        """A rule that names no family is a family of its own."""
        if not self.family:
            object.__setattr__(self, "family", self.name)
