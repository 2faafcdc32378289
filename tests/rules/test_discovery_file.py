"""Does `stamps_from` say which groups are stamps, and do these become the stamps that are meant?"""

from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest

from rules.discovered import fitting, own_of, with_found
from rules.load import load_workload
from rules.stamp_file import _OWN, StampModel
from rules.topology import BlobStateFile, Discovery, FolderStateFile, Group, Stamp, Workload
from tests.builders import a_stamp, a_workload
from tests.rules.test_workload_file import NEU, WEU, told

SUBSCRIPTION = "10000000-2000-3000-4000-50000000ABCD"
PATTERN = 'resource_group: "shop*-stamp-{region}-rg"'
TEMPLATE = """\
  stamp:
    name: "{prefix}-{region9}"
    health_service: https://shop{prefix}-{region9}-cluster.{region}.cloudapp.azure.com/health/stamp
    state_file: {account_url: "https://shop{prefix}{region9}prist.blob.core.windows.net", container: states}
"""
UNNAMED = TEMPLATE.replace('    name: "{prefix}-{region9}"\n', "").replace("{prefix}", "{name}")
WEU_GROUP = Group("shop1a2b-stamp-westeurope-rg", "westeurope")
NEU_GROUP = Group("shop1a2b-stamp-northeurope-rg", "North Europe")


def a_discovery(which: str = PATTERN, stamp: str = TEMPLATE, stamps: str = "", head: str = "") -> str:
    """A file whose stamps are found."""
    listed = f"stamps:\n{stamps}" if stamps else ""
    return f"workload: shop\n{head}stamps_from:\n  subscription: {SUBSCRIPTION}\n  {which}\n{stamp}{listed}"


def loaded(text: str) -> Workload:
    """The workload of that file."""
    return load_workload(text, "w.yaml")


def names(workload: Workload, *groups: Group, before: dict[str, str] | None = None) -> list[str]:
    """The stamps that it has with these groups."""
    return list(with_found(workload, groups, before=before).workload.stamp_names)


NO_PATTERN = (
    "4:19: expected a pattern of names of resource groups, such as shop*-stamp-{region}-rg; "
    "`*` is any run of characters, and `{region}` the region where the group lies"
)


# --- the file ---


def test_stamps_may_all_be_found() -> None:
    """No stamp needs to stand in the file; the template is kept as it was written."""
    shop = loaded(a_discovery())
    assert shop.stamps == ()
    assert shop.stamps_from
    assert shop.stamps_from.subscription == SUBSCRIPTION.lower()
    assert (shop.stamps_from.resource_group, shop.stamps_from.tag) == ("shop*-stamp-{region}-rg", None)
    assert shop.stamps_from.template["name"] == "{prefix}-{region9}"


def test_groups_may_be_told_by_a_tag() -> None:
    """And then by their tag alone."""
    shop = loaded(a_discovery("tag: {name: role, value: stamp}", UNNAMED))
    assert shop.stamps_from
    assert shop.stamps_from.question == (SUBSCRIPTION.lower(), None, ("role", "stamp"))


def test_names_of_stamps_that_are_yet_to_be_found_are_no_slips() -> None:
    """A window, or a deployment, may be of a stamp that no file names."""
    head = (
        "maintenance: [{since: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z, reason: r, stamp: 9-x}]\n"
    )
    assert loaded(a_discovery(head=head)).maintenance[0].stamp == "9-x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            a_discovery("tag: {name: role}", UNNAMED),
            "4:8: expected the key `value`, which is missing; add it",
        ),
        (
            a_discovery("resource_group: '*{region}*'"),
            NO_PATTERN,
        ),
        (
            a_discovery("resource_group: 'a*b*c*d*e*'"),
            "4:19: expected at most 4 `*`, found 5",
        ),
        (
            a_discovery(stamp=TEMPLATE + "    health_servce: https://a.example\n"),
            "9:5: unknown key `health_servce`; did you mean 'health_service'?",
        ),
        (
            a_discovery(stamp=TEMPLATE.replace("https://shop{prefix}-", "http://shop{prefix}-")),
            "7:21: expected an https URL; http is for hosts of this machine alone, such as 127.0.0.1",
        ),
        (
            a_discovery(stamp=TEMPLATE.replace("{region}.cloudapp", "{regoin}.cloudapp")),
            "7:21: unknown placeholder `{regoin}`; did you mean 'region'?",
        ),
        (
            a_discovery(
                'resource_group: "shop-{region}"', UNNAMED.replace("https://shop", "https://{prefix}", 1)
            ),
            "6:21: `{prefix}` stands for nothing; it is what the first `*` of `resource_group` matches",
        ),
        (
            a_discovery(stamp=TEMPLATE.replace('"{prefix}-{region9}"', '"x-{name}"')),
            "6:11: the name cannot be made of itself; leave it out, or take `{group}`",
        ),
        (
            a_discovery(stamp=TEMPLATE + "    region: westeurope\n"),
            "9:13: `region` does not belong into a template; it is the resource group's own",
        ),
        (
            a_discovery(stamp=TEMPLATE.replace("shop{prefix}{region9}prist", "shopprist")),
            "8:17: every stamp would have the same `state_file`; put a placeholder such as {region} into it",
        ),
        (
            a_discovery(stamp="  stamp: [a]\n"),
            "5:10: expected a mapping, found a list",
        ),
        (
            a_discovery(stamp=""),
            "3:3: expected the key `stamp`, which is missing; add it",
        ),
        (
            f"workload: shop\nstamps_from: {{subscription: {SUBSCRIPTION}}}\n",
            "2:14: expected the key `stamp`, which is missing; add it",
        ),
        (
            a_discovery("# nothing", UNNAMED),
            "3:3: expected `resource_group` or `tag`; name what tells a stamp's group",
        ),
        (
            a_discovery(stamp=TEMPLATE + "    resource_groups: node\n"),
            "9:22: expected a list, found a text",
        ),
        (
            "workload: shop\nstamps_from: x\n",
            "2:14: expected a mapping, found a text",
        ),
    ],
)
def test_what_could_make_no_stamp_is_refused_at_its_place(text: str, problem: str) -> None:
    """The template is tried on a stamp that might be: a fault is told before there is a stamp."""
    assert told(text) == [problem]


# --- the stamps ---


def test_a_group_becomes_a_stamp() -> None:
    """Name, addresses and region: the last of the group's location, not of its name."""
    shop = with_found(loaded(a_discovery()), [WEU_GROUP]).workload
    assert shop.stamps == (
        Stamp(
            name="1a2b-westeurop",
            region="westeurope",
            health_service="https://shop1a2b-westeurop-cluster.westeurope.cloudapp.azure.com/health/stamp",
            state_file=BlobStateFile(
                "states", "stamp.health", "https://shop1a2bwesteuropprist.blob.core.windows.net"
            ),
            resource_groups=("shop1a2b-stamp-westeurope-rg",),
        ),
    )


def test_regions_that_are_cut_to_one_word_stay_two() -> None:
    """Australia East and Australia Southeast begin with the same nine letters; locations do not."""
    template = TEMPLATE.replace('"{prefix}-{region9}"', '"{region}"').replace(
        "{region9}prist", "{region}prist"
    )
    groups = [Group(f"shop1-stamp-{region}-rg", region) for region in ("australiaeast", "australiasoutheast")]
    found = with_found(loaded(a_discovery(stamp=template)), groups)
    assert [(stamp.name, stamp.region) for stamp in found.workload.stamps] == [
        ("australiaeast", "australiaeast"),
        ("australiasoutheast", "australiasoutheast"),
    ]


def test_a_name_that_belies_the_location_makes_no_stamp() -> None:
    """The region of a group is where it lies; a shortened or a wrong one in its name is told."""
    found = with_found(
        loaded(a_discovery()), [Group("shop1a2b-stamp-northeuro-rg", "northeurope"), WEU_GROUP]
    )
    assert found.workload.stamp_names == ("1a2b-westeurop",)
    [problem] = found.problems
    assert problem == (
        "resource group shop1a2b-stamp-northeuro-rg makes no stamp: "
        "it lies in northeurope, and its name says otherwise"
    )


def test_without_a_name_of_its_own_a_stamp_is_named_by_its_group() -> None:
    """Cut to what the name of a stamp may be."""
    shop = loaded(a_discovery("resource_group: 'Shop*'", UNNAMED))
    long = "Shop_(a)." + 70 * "x"
    assert names(shop, Group(long, "westeurope")) == [f"shop-a-{'x' * 56}"]


def test_nodes_groups_stand_beside_the_group() -> None:
    """AKS puts its nodes into a group of its own; an alert there is about the stamp as well."""
    template = TEMPLATE + '    resource_groups: ["MC_{group}"]\n    capacity: 7\n'
    [stamp] = with_found(loaded(a_discovery(stamp=template)), [WEU_GROUP]).workload.stamps
    assert stamp.resource_groups == (WEU_GROUP.name, f"MC_{WEU_GROUP.name}")
    assert stamp.capacity == 7


def test_groups_that_do_not_fit_are_nobodys() -> None:
    """Case does not matter in a name; another name, or a piece of one, is another group's."""
    discovery = loaded(a_discovery()).stamps_from
    assert discovery
    others = [
        Group("shop-global-rg", "westeurope"),
        Group("xshop1-stamp-westeurope-rg", "westeurope"),
        Group("shop1-stamp-westeurope-rg-old", "westeurope"),
    ]
    upper = replace(WEU_GROUP, name=WEU_GROUP.name.upper())
    assert fitting(discovery, [*others, upper]) == (upper,)
    assert fitting(replace(discovery, resource_group=None), others) == tuple(
        sorted(others, key=lambda g: g.name)
    )


def test_a_stamp_of_the_file_goes_before_what_is_found() -> None:
    """Its group is known by name: what the file says of it holds, and nothing is wrong."""
    static = WEU + f"    resource_group: {WEU_GROUP.name.upper()}\n"
    found = with_found(loaded(a_discovery(stamps=static)), [WEU_GROUP, NEU_GROUP])
    assert found.workload.stamp_names == ("weu", "1a2b-northeuro")
    assert found.problems == ()
    assert found.by_group == {NEU_GROUP.name: "1a2b-northeuro"}


def test_one_bad_group_leaves_the_others() -> None:
    """Its fault is told with its place in the template."""
    bad = Group("shop1A_B-stamp-westeurope-rg", "westeurope")
    found = with_found(loaded(a_discovery()), [bad, NEU_GROUP])
    assert found.workload.stamp_names == ("1a2b-northeuro",)
    [problem] = found.problems
    assert problem.startswith(f"resource group {bad.name} makes no stamp: name: expected at most 63")


def test_a_fault_of_another_kind_is_told_too() -> None:
    """Also where pydantic itself complains, and of a part of a union."""
    shop = loaded(a_discovery())
    assert shop.stamps_from
    template = {**shop.stamps_from.template, "state_file": {"account_url": "https://a.example", "blob": "x"}}
    odd = replace(shop, stamps_from=replace(shop.stamps_from, template=template))
    [problem] = with_found(odd, [WEU_GROUP]).problems
    assert problem.endswith(
        "makes no stamp: state_file: expected a mapping with `folder`, or with "
        "`container` and `account_url` or `connection`"
    )
    text = {**shop.stamps_from.template, "capacity": "much"}
    odd = replace(shop, stamps_from=replace(shop.stamps_from, template=text))
    assert "makes no stamp: capacity: Input should be" in with_found(odd, [WEU_GROUP]).problems[0]


SHARED: dict[str, dict[str, Any]] = {
    "name": {"name": "weu"},
    "health_service": {"health_service": "https://WEU.example/health/stamp/"},
    "state_file": {"state_file": {"account_url": "https://SAME.example/", "container": "states"}},
    "front_door_origin": {
        "front_door_origin": "/subscriptions/1/resourceGroups/g/providers/Microsoft.Cdn/profiles/P"
    },
    "event_hub": {
        "event_hub": {"namespace": "a.example", "checkpoints": {"connection": "env:A"}},
    },
    "resource_groups": {"resource_groups": ["of-weu"]},
}
TAKEN = """\
  - name: weu
    region: westeurope
    resource_group: of-weu
    health_service: https://weu.example/health/stamp
    state_file: {account_url: https://same.example, container: states}
    front_door_origin: /subscriptions/1/resourceGroups/g/providers/Microsoft.Cdn/profiles/p
    event_hub: {namespace: a.example, checkpoints: {connection: env:B}}
"""


@pytest.mark.parametrize("key", [key for key, _, _ in _OWN])
def test_what_is_a_stamps_own_is_not_shared_with_a_found_one(key: str) -> None:
    """All that two stamps of a file must not share, a found stamp must not share either."""
    shop = loaded(a_discovery(stamps=TAKEN))
    assert shop.stamps_from
    clash = replace(shop.stamps_from, template={**shop.stamps_from.template, **SHARED[key]})
    found = with_found(replace(shop, stamps_from=clash), [NEU_GROUP])
    assert found.workload.stamp_names == ("weu",)
    [problem] = found.problems
    assert problem.endswith(f"it would have the same {key} as stamp weu")
    assert names(shop, NEU_GROUP) == ["weu", "1a2b-northeuro"]


def test_a_group_of_the_workload_is_no_stamps() -> None:
    """An alert in it would be about both."""
    shop = loaded(a_discovery(head=f"resource_groups: [{WEU_GROUP.name}]\n"))
    [problem] = with_found(shop, [WEU_GROUP]).problems
    assert problem.endswith("the same resource_groups as the workload")


def test_the_older_of_two_that_clash_stays() -> None:
    """What is known of a stamp must not become another's because a group's name comes first."""
    template = TEMPLATE.replace('"{prefix}-{region9}"', '"{region}"')
    shop = loaded(a_discovery(stamp=template))
    blue = Group("shop9-stamp-westeurope-rg", "westeurope")
    green = Group("shop1-stamp-westeurope-rg", "westeurope")
    first = with_found(shop, [blue])
    both = with_found(shop, [blue, green], before=first.by_group)
    assert both.by_group == {blue.name: "westeurope"}
    assert both.problems == (
        f"resource group {green.name} makes no stamp: it would have the same name as stamp westeurope",
    )


def test_a_name_is_free_only_after_a_time_without_it() -> None:
    """What was another group's stamp is forgotten first: the new one begins as unknown."""
    template = TEMPLATE.replace('"{prefix}-{region9}"', '"{region}"')
    shop = loaded(a_discovery(stamp=template))
    green = Group("shop1-stamp-westeurope-rg", "westeurope")
    between = with_found(shop, [green], before={"shop9-stamp-westeurope-rg": "westeurope"})
    assert (between.workload.stamp_names, between.problems) == ((), ())
    assert names(shop, green, before=dict(between.by_group)) == ["westeurope"]


def test_the_order_of_stamps_is_that_of_their_groups() -> None:
    """Whichever was known before: every worker has the same workload."""
    shop = loaded(a_discovery())
    one = with_found(shop, [WEU_GROUP, NEU_GROUP], before={WEU_GROUP.name: "1a2b-westeurop"})
    other = with_found(shop, [NEU_GROUP, WEU_GROUP])
    assert one == other
    assert one.workload.stamp_names == ("1a2b-northeuro", "1a2b-westeurop")


def test_a_found_stamp_is_placed_as_one_of_a_file_is() -> None:
    """A relative folder lies in the data folder."""
    template = TEMPLATE.splitlines()
    folder = "\n".join([*template[:3], '    state_file: {folder: "{name}"}']) + "\n"

    def place(stamp: Stamp) -> Stamp:
        assert isinstance(stamp.state_file, FolderStateFile)
        return replace(stamp, state_file=FolderStateFile("/data" / stamp.state_file.path))

    [stamp] = with_found(loaded(a_discovery(stamp=folder)), [WEU_GROUP], place=place).workload.stamps
    assert stamp.state_file == FolderStateFile(PurePath("/data/1a2b-westeurop/stamp.health"))


def test_a_workload_whose_stamps_stand_in_its_file_is_left_as_it_is() -> None:
    """Nothing is looked for."""
    shop = loaded(f"workload: shop\nstamps:\n{WEU}{NEU}")
    assert with_found(shop, [WEU_GROUP]).workload is shop


def test_what_a_stamp_has_for_itself_is_told_the_same_twice() -> None:
    """Of stamps of the core and of stamps of a file: the keys are the same."""
    full = StampModel.model_validate(
        {"name": "weu", "region": "r", "resource_groups": ["g"], "health_service": "https://a.example"}
        | {"state_file": {"folder": "f"}, **SHARED["front_door_origin"], **SHARED["event_hub"]}
    ).stamp()
    assert [key for key, _ in own_of(full)] == [key for key, _, _ in _OWN]
    assert [key for key, _ in own_of(a_stamp())] == ["name", "health_service", "state_file"]


def test_without_a_pattern_every_listed_group_is_meant() -> None:
    """The tag has told already."""
    template = {
        "health_service": "https://{name}.example",
        "state_file": {"folder": "{name}"},
    }
    shop = replace(
        a_workload(stamps=()), stamps_from=Discovery(SUBSCRIPTION, template, tag=("role", "stamp"))
    )
    assert names(shop, Group("anything", "westeurope")) == ["anything"]
