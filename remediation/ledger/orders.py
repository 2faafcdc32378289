"""What have people said that the worker must heed: hold, silence, approval?"""

from dataclasses import dataclass
from datetime import datetime

from remediation.ledger.intent import Verb


@dataclass(frozen=True, slots=True)
class HoldSwitch:
    """Stops all acting; pages go on."""

    author: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Mutes telling about what it covers; the worker goes on deciding and acting.

    Attributes:
        id: unique; a person ends it by that.
        author: who asked for it.
        reason: why.
        since: from when.
        until: till when. What is still red then is paged.
        stamp: None covers every stamp and the workload as a whole.
        family: pattern of the rule family; `*` is any run of characters.
    """

    id: str
    author: str
    reason: str
    since: datetime
    until: datetime
    stamp: str | None = None
    family: str = "*"


@dataclass(frozen=True, slots=True)
class Approval:
    """A step that waits for a person's word, or has it.

    Attributes:
        id: deterministic; people answer by it.
        verb: what is to be done.
        stamp: to which stamp.
        rule: what asks for it.
        plan: digest of what was shown to people; another plan needs another approval.
        words: what was shown.
        requested_by: the worker, or the person who asked: another one must approve.
        requested_at: when.
        expires_at: after that it is worth nothing.
        approved_by: who approved it; empty while nobody has.
    """

    id: str
    verb: Verb
    stamp: str
    rule: str
    plan: str
    words: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    approved_by: str = ""
