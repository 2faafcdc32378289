"""What lies below a node of a stamp's health model, and by which unhealthy way is it reached?

A cause turns every node above it red. Who is woken wants to read the way from
the top to the cause, and not one page for each node on it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from rules.health import Facts, Registers, facts
from rules.policy import Policy
from rules.signals import Health

Tree = Mapping[str, tuple[str, ...]]
"""Node to the nodes that it depends on."""

Way = tuple[str, ...]
"""From a node down to another, both included."""


def way_down(tree: Tree, top: str, node: str, passes: Callable[[str], bool]) -> Way | None:
    """The shortest way from `top` to a node below it, over nodes that `passes` lets through.

    Below means truly so: where someone has drawn a circle, of two nodes on it
    neither is below the other. The two ends themselves are not asked about.
    """
    if _search(tree, node, top, lambda _: True) is not None:
        return None
    return _search(tree, top, node, passes)


def _search(tree: Tree, top: str, node: str, passes: Callable[[str], bool]) -> Way | None:
    ways: deque[Way] = deque([(top,)])
    seen = {top}
    while ways:
        way = ways.popleft()
        if way[-1] == node:
            return way
        if way[-1] != top and not passes(way[-1]):
            continue
        fresh = [below for below in tree.get(way[-1], ()) if below not in seen]
        seen.update(fresh)
        ways.extend((*way, below) for below in fresh)
    return None


def ways_to_leaves(tree: Tree, top: str, is_red: Callable[[str], bool]) -> list[Way]:
    """The ways from `top`, over red nodes alone, to those below which nothing is red. Each node once."""
    ways: list[Way] = [(top,)]
    seen = {top}
    leaves: list[Way] = []
    while ways:
        way = ways.pop(0)
        red = [below for below in tree.get(way[-1], ()) if is_red(below)]
        if not red and len(way) > 1:
            leaves.append(way)
        fresh = [below for below in red if below not in seen]
        seen.update(fresh)
        ways.extend((*way, below) for below in fresh)
    return leaves


@dataclass(frozen=True)
class HealthModel:
    """The health models of all stamps as they stand: one tree, and the health of its nodes.

    What stands is worked out only when somebody asks: most decisions do not.
    """

    tree: Tree
    registers: Registers
    policy: Policy
    now: datetime

    @cached_property
    def _standing(self) -> Facts:
        nodes = {*self.tree, *(below for children in self.tree.values() for below in children)}
        return facts(self.registers, self.now, self.policy, nodes)

    def health(self, stamp: str, node: str) -> Health:
        """The health of a node; `unknown` where nobody judges it."""
        return self._standing.node(stamp, node).health

    def is_red(self, stamp: str, node: str) -> bool:
        """Whether the node is red now."""
        return self.health(stamp, node) is Health.RED

    def way_down(self, stamp: str, top: str, node: str) -> Way | None:
        """The way from one node down to another over which a fault can have come up.

        A green node on it has stopped the fault; one that nobody judges may have let it through.
        """
        return way_down(self.tree, top, node, lambda between: self.health(stamp, between) is not Health.GREEN)

    def ways_to_leaves(self, stamp: str, top: str) -> list[Way]:
        """The ways from a node to the deepest red ones below it."""
        return ways_to_leaves(self.tree, top, lambda node: self.is_red(stamp, node))
