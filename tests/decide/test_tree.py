"""Is the way from a red node to its cause found, and only where the fault can have come that way?"""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.decide.tree import HealthModel, way_down, ways_to_leaves
from rules.policy import Policy
from rules.signals import Health
from rules.topology import REFERENCE_TREE
from tests.builders import NOW, a_signal, at, registers

NODES = "abcdef"


def always(_: str) -> bool:
    """Everything."""
    return True


def none_of(*nodes: str) -> Callable[[str], bool]:
    """All but these."""
    return lambda node: node not in nodes


def test_the_way_down_is_the_shortest_one() -> None:
    """Two ways lead from the root to the key vault; of two of one length, the one that is drawn first."""
    flow = ("Stamp", "AddCommentUserFlow", "CatalogService", "Keyvault")
    assert way_down(REFERENCE_TREE, "Stamp", "Keyvault", always) == flow
    short = {**REFERENCE_TREE, "Stamp": ("AddCommentUserFlow", "CatalogService")}
    assert way_down(short, "Stamp", "Keyvault", always) == ("Stamp", "CatalogService", "Keyvault")


def test_what_does_not_pass_is_gone_around() -> None:
    """A green node on one way does not close the other; on all ways, it does. The ends are not asked."""
    around = way_down(REFERENCE_TREE, "Stamp", "Keyvault", none_of("AddCommentUserFlow"))
    assert around == ("Stamp", "ListCatalogItemsUserFlow", "CatalogService", "Keyvault")
    closed = none_of("CatalogService", "BackgroundProcessor")
    assert way_down(REFERENCE_TREE, "Stamp", "Keyvault", closed) is None
    assert way_down(REFERENCE_TREE, "CatalogService", "Keyvault", none_of("CatalogService", "Keyvault"))


@pytest.mark.parametrize(
    ("top", "node"),
    [("Keyvault", "Stamp"), ("Stamp", "Stamp"), ("CatalogService", "BackgroundProcessor"), ("Stamp", "Moon")],
)
def test_only_what_is_truly_below_is_below(top: str, node: str) -> None:
    """Not what lies above, not itself, not its neighbour, not what nobody has drawn."""
    assert way_down(REFERENCE_TREE, top, node, always) is None


def test_nothing_on_a_circle_is_below_another() -> None:
    """But what hangs below the circle is."""
    circle = {"a": ("b",), "b": ("a", "c")}
    assert way_down(circle, "a", "b", always) is None
    assert way_down(circle, "b", "a", always) is None
    assert way_down(circle, "a", "c", always) == ("a", "b", "c")


trees = st.dictionaries(
    st.sampled_from(NODES), st.lists(st.sampled_from(NODES), max_size=3, unique=True).map(tuple)
)


@given(trees, st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from(NODES))
def test_below_is_an_order(tree: dict[str, tuple[str, ...]], one: str, two: str, three: str) -> None:
    """However it is drawn: no two are below each other, and what is below what is below is below."""

    def below(top: str, node: str) -> bool:
        return way_down(tree, top, node, always) is not None

    assert not (below(one, two) and below(two, one))
    if below(one, two) and below(two, three):
        assert below(one, three)


@given(trees, st.sets(st.sampled_from(NODES)))
def test_a_leaf_is_red_has_nothing_red_below_it_and_is_shown_once(
    tree: dict[str, tuple[str, ...]], red: set[str]
) -> None:
    """And every node between is red, and depends on the next one."""
    ways = ways_to_leaves(tree, "a", red.__contains__)
    assert len({way[-1] for way in ways}) == len(ways)
    for way in ways:
        assert set(way[1:]) <= red
        assert all(below in tree[node] for node, below in pairwise(way))
        assert not set(tree.get(way[-1], ())) & red


def test_the_leaves_of_a_red_root() -> None:
    """Down to the deepest red node on each way; a root with nothing red below it has none."""
    red = {"AddCommentUserFlow", "CatalogService", "Keyvault", "BackgroundProcessor"}.__contains__
    assert ways_to_leaves(REFERENCE_TREE, "Stamp", red) == [
        ("Stamp", "AddCommentUserFlow", "CatalogService", "Keyvault")
    ]
    assert ways_to_leaves(REFERENCE_TREE, "Stamp", lambda _: False) == []


def a_model(*words: tuple[str, Health], now: float = 0) -> HealthModel:
    """The health model of weu, of which this is said."""
    said = registers(a_signal("weu", node, health) for node, health in words)
    return HealthModel(REFERENCE_TREE, said, Policy(), at(now))


def test_a_green_node_stops_a_fault_and_one_that_nobody_judges_does_not() -> None:
    """Nor does a yellow one, nor one whose word has gone stale."""
    way = ("CatalogService", "Keyvault")
    flow = ("Stamp", "AddCommentUserFlow", *way)
    for health in (Health.RED, Health.YELLOW, Health.UNKNOWN):
        assert a_model(("AddCommentUserFlow", health)).way_down("weu", "Stamp", "Keyvault") == flow
    green = a_model(("CatalogService", Health.GREEN), ("BackgroundProcessor", Health.GREEN))
    assert green.way_down("weu", "Stamp", "Keyvault") is None
    stale = HealthModel(REFERENCE_TREE, green.registers, Policy(), at(301))
    assert stale.way_down("weu", "Stamp", "Keyvault") == flow


def test_a_model_knows_leaves_of_its_own_tree() -> None:
    """Red is what stands as red at that stamp, and at no other."""
    model = a_model(("AddCommentUserFlow", Health.RED), ("BackgroundProcessor", Health.RED))
    assert model.ways_to_leaves("weu", "Stamp") == [("Stamp", "AddCommentUserFlow", "BackgroundProcessor")]
    assert model.ways_to_leaves("neu", "Stamp") == []
    assert (model.is_red("weu", "BackgroundProcessor"), model.is_red("neu", "BackgroundProcessor")) == (
        True,
        False,
    )
    assert model.now == NOW
