"""What can be wrong with a stamp, what can people do to its levers, and what else speaks against a drain?"""

from collections.abc import Callable
from typing import Any

from tests.world import Truth, World


def _new_hub(world: World, stamp: str) -> None:
    truth = world.truth[stamp]
    truth.hub_made, truth.sent, truth.read = world.clock.now(), 10, 0


def _set(**changes: Any) -> Callable[[World, str], None]:
    def change(world: World, stamp: str) -> None:
        for name, value in changes.items():
            setattr(world.truth[stamp], name, value)

    return change


BREAKS: dict[str, Callable[[World, str], None]] = {
    "processor": lambda world, stamp: world.reads.discard(stamp),
    "database": lambda world, stamp: world.truth[stamp].failing.add("Database"),
    "network": _set(reachable=False),
    "storage": _set(storage=False),
    "lever": _set(lever_works=False),
    "notices": _set(notices=False),
    "hub": _set(hub=False),
    "hub made anew": _new_hub,
    "slow": _set(slow=True),
}


def _delete(truth: Truth) -> None:
    truth.file = None


def _create(truth: Truth) -> None:
    truth.file, truth.version = truth.file or "", truth.version + 1


def _maintain(truth: Truth) -> None:
    if truth.file is not None:
        truth.file, truth.version = "MAINTENANCE", truth.version + 1


def _disable(truth: Truth) -> None:
    truth.enabled = False


def _enable(truth: Truth) -> None:
    truth.enabled = True


HANDS: dict[str, Callable[[Truth], None]] = {
    "delete": _delete,
    "create": _create,
    "maintain": _maintain,
    "disable": _disable,
    "enable": _enable,
}

AGAINST: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda _: None,
    "a person says hold": lambda world: world.person("hold", "ada", "weu"),
    "a marker says hold": lambda world: world.person("marker", "ada", "weu"),
    "work at weu": lambda world: world.plans_work("weu"),
    "work everywhere": lambda world: world.plans_work(None),
    "its file says MAINTENANCE": lambda world: world.touches("weu", "maintain"),
    "the edge is closed": lambda world: setattr(world, "edge_open", False),
    "neu has no database": lambda world: world.breaks("neu", "database"),
    "eus cannot be reached": lambda world: world.breaks("eus", "network"),
    "neu is out": lambda world: world.touches("neu", "delete"),
}
"""What speaks against a drain, and was so before."""
