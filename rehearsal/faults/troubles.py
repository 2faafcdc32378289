"""What can go wrong for a while? Workers that die, stand still or have the wrong time, outages, people.

Each trouble has a beginning and an end, after which everything is as before: what it turns into are
entries of a scenario's timeline.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rehearsal.scenario.model import EntryModel


class Trouble(StrEnum):
    """What lasts for a while."""

    KILLED = "killed"  # a worker is gone, and another takes its place afterwards
    STILL = "still"  # a worker stands still, past its lease
    ADDED = "added"  # one more worker
    AHEAD = "ahead"  # a worker's clock is five minutes ahead
    BEHIND = "behind"  # or behind
    DEPLOYED = "deployed"  # all workers are replaced
    REPLAYED = "replayed"  # the hub delivers everything again
    DISORDERLY = "disorderly"  # the hub delivers late, twice, and in another order
    LEDGER = "ledger"
    ENTRA = "entra"
    CONTROL_PLANE = "control_plane"
    STORAGE = "storage"  # of one stamp
    REGION = "region"
    HEALTHSERVICE = "healthservice"
    DATABASE = "database"
    LAG_PROBE = "lag_probe"
    PAGER = "pager"
    TEAMS = "teams"
    INBOX = "inbox"
    HELD = "held"  # somebody sets the hold switch, and releases it
    MARKED = "marked"  # somebody lays the emergency hold beside the ledger
    TOUCHED = "touched"  # somebody writes a state file anew
    TAKEN_OUT = "taken out"  # somebody deletes a state file, and creates it again
    PUT_BACK = "put back"  # somebody creates a state file, as Terraform does


AT_A_STAMP = frozenset(
    {
        *(Trouble.STORAGE, Trouble.REGION, Trouble.HEALTHSERVICE, Trouble.DATABASE, Trouble.LAG_PROBE),
        *(Trouble.TOUCHED, Trouble.TAKEN_OUT, Trouble.PUT_BACK),
    }
)
OF_A_WORKER = frozenset({Trouble.KILLED, Trouble.STILL, Trouble.AHEAD, Trouble.BEHIND})
_BREAKS = frozenset(
    {
        *(Trouble.LEDGER, Trouble.ENTRA, Trouble.CONTROL_PLANE, Trouble.STORAGE, Trouble.REGION),
        *(Trouble.HEALTHSERVICE, Trouble.DATABASE, Trouble.LAG_PROBE, Trouble.PAGER, Trouble.TEAMS),
        Trouble.INBOX,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Befalls:
    """One trouble.

    Attributes:
        kind: which.
        at: seconds from the beginning.
        lasts: seconds.
        where: the stamp or the worker, for those that befall one.
    """

    kind: Trouble
    at: float
    lasts: int
    where: str = ""

    def __str__(self) -> str:
        where = f" {self.where}" if self.where else ""
        return f"{self.kind}{where} at {self.at:g} s for {self.lasts} s"

    def entries(self) -> list[EntryModel]:
        """What happens in the timeline."""
        begins, ends = _happens(self)
        said = [{"at": _moment(self.at), **begins}] if begins else []
        said += [{"at": _moment(self.at + self.lasts), **ends}] if ends else []
        return [EntryModel.model_validate(each) for each in said]


def _moment(seconds: float) -> str:
    """As scenarios say it."""
    whole, rest = divmod(round(seconds * 1000), 1000)
    return f"{whole}s {rest}ms" if rest else f"{whole}s"


def _happens(what: Befalls) -> tuple[dict[str, Any], dict[str, Any]]:
    """How it begins, and how it ends."""
    where, kind = what.where, what.kind
    if kind in _BREAKS:
        said = {"what": str(kind)} | ({"stamp": where} if where else {})
        return {"break": said}, {"mend": said}
    order = {"by": "trouble", "reason": "rehearsed"}
    ways: dict[Trouble, tuple[dict[str, Any], dict[str, Any]]] = {
        Trouble.KILLED: ({"fault": {"crash": where}}, {"fault": {"add": where}}),
        Trouble.STILL: ({"fault": {"pause": {"worker": where, "for": f"{what.lasts}s"}}}, {}),
        Trouble.ADDED: ({"fault": {"add": "worker-9"}}, {}),
        Trouble.AHEAD: (
            {"fault": {"clock": {"worker": where, "ahead": "5m"}}},
            {"fault": {"clock": {"worker": where}}},
        ),
        Trouble.BEHIND: (
            {"fault": {"clock": {"worker": where, "behind": "5m"}}},
            {"fault": {"clock": {"worker": where}}},
        ),
        Trouble.DEPLOYED: ({"fault": {"deploy": True}}, {}),
        Trouble.REPLAYED: ({"fault": {"hub": {"replay": "all"}}}, {}),
        Trouble.DISORDERLY: (
            {"fault": {"hub": {"late": "30s", "twice": 50}}},
            {"fault": {"hub": {"late": "1s", "twice": 0}}},
        ),
        Trouble.HELD: (
            {"person": {"order": {"order": "hold", **order}}},
            {"person": {"order": {"order": "release", **order}}},
        ),
        Trouble.MARKED: ({"person": {"marker": "rehearsed"}}, {"person": {"remove_marker": True}}),
        Trouble.TOUCHED: ({"person": {"touch": where}}, {}),
        Trouble.TAKEN_OUT: ({"person": {"drain": where}}, {"person": {"undo": where}}),
        Trouble.PUT_BACK: ({"person": {"undo": where}}, {}),
    }
    return ways[kind]
