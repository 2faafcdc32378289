"""Is an alert placed where its resources are, and never guessed?"""

from collections.abc import Sequence

import pytest

from remediation.intake.place import Clues
from remediation.intake.read import read
from remediation.intake.rejection import Code
from remediation.intake.resource import resource_group
from remediation.intake.subject import Known
from rules.signals import Subject
from tests.builders import a_stamp
from tests.intake.bodies import KNOWN, a_target, an_alert_body, encode, know, rejected, shop

WEU, NEU = "aoprod7745-stamp-westeurope-rg", "aoprod7745-stamp-northeurope-rg"
OURS = "aoprod-monitoring-rg"
PAY = shop(
    name="pay", stamps=(a_stamp("p1", resource_groups=("pay-p1-rg",)),), resource_groups=("pay-rg", OURS)
)


def about(known: Known, groups: Sequence[str | None]) -> list[Subject]:
    """What a fact on resources in these groups is about."""
    resources = tuple(a_target(group) if group else "/subscriptions/6f1d" for group in groups)
    return [placed.subject._replace(node=None) for placed in known.place(Clues(resources=resources))]


@pytest.mark.parametrize(
    ("resource_id", "group"),
    [
        ("/subscriptions/1/resourceGroups/My-RG/providers/x/y/z", "my-rg"),
        ("/subscriptions/1/resourcegroups/my-rg", "my-rg"),
        ("/SUBSCRIPTIONS/1/RESOURCEGROUPS/<resource group name>/providers", "<resource group name>"),
        ("/subscriptions/1", None),
        ("", None),
    ],
)
def test_a_resource_id_names_its_group(resource_id: str, group: str | None) -> None:
    """Whatever its case, and none where the id has none."""
    assert resource_group(resource_id) == group


@pytest.mark.parametrize(
    ("groups", "subjects"),
    [
        ([WEU], [Subject("shop", "weu")]),
        ([WEU.upper()], [Subject("shop", "weu")]),
        ([WEU, WEU], [Subject("shop", "weu")]),
        (["pay-p1-rg"], [Subject("pay", "p1")]),
        (["pay-rg"], [Subject("pay")]),
    ],
)
def test_a_group_of_one_place_is_that_place(groups: list[str], subjects: list[Subject]) -> None:
    """A stamp's group is the stamp, and a workload's own is the workload."""
    assert about(know(shop(), PAY), groups) == subjects


@pytest.mark.parametrize(
    ("groups", "subjects"),
    [
        ([WEU, NEU], [Subject("shop")]),
        ([WEU, OURS], [Subject("pay"), Subject("shop")]),
        ([WEU, "pay-p1-rg"], [Subject("pay"), Subject("shop")]),
        ([WEU, "foreign-rg"], [Subject("shop")]),
        ([WEU, None], [Subject("shop")]),
        ([OURS], [Subject("pay"), Subject("shop")]),
    ],
)
def test_anything_ambiguous_is_about_no_stamp(groups: list[str | None], subjects: list[Subject]) -> None:
    """Two places, a foreign resource or a shared group: each workload hears of it, no stamp is named."""
    assert about(know(shop(), PAY), groups) == subjects


def test_a_group_claimed_by_two_stamps_is_about_neither() -> None:
    """A mistake in the workload file leads to no drain of the wrong stamp."""
    known = know(shop(stamps=(a_stamp("a", resource_groups=("rg",)), a_stamp("b", resource_groups=("RG",)))))
    assert about(known, ["rg"]) == [Subject("shop")]


@pytest.mark.parametrize("groups", [[], [None], ["foreign-rg"], [""]])
def test_what_lies_nowhere_is_not_ours(groups: list[str | None]) -> None:
    """It is rejected, with what to add to the workload file."""
    rejection = rejected(lambda: about(KNOWN, groups))
    assert rejection.code is Code.NOT_OURS
    assert "resource_groups" in rejection.reason


def test_without_workloads_nothing_is_ours() -> None:
    """A worker that was given no workload says so."""
    assert "known are: none" in rejected(lambda: Known({}).root_of("shop", None)).reason


@pytest.mark.parametrize(
    "targets", [None, ..., [], ["/subscriptions/6f1d"], [None], [7], ["/subscriptions/6f1d/resourcegroups/x"]]
)
def test_an_alert_on_no_resource_of_ours_is_not_ours(targets: object) -> None:
    """Missing, null, foreign or nonsensical targets are never taken for a stamp."""
    body = encode(an_alert_body(alertTargetIDs=targets))
    assert rejected(lambda: read(body, KNOWN)).code is Code.NOT_OURS


def test_a_single_target_outside_its_array_is_a_target() -> None:
    """One string is as good as an array of one."""
    (signal,) = read(encode(an_alert_body(alertTargetIDs=a_target(WEU))), KNOWN).signals
    assert signal.subject == Subject("shop", "weu", "EventHub")


@pytest.mark.parametrize("key", ["targetResourceGroup", "resourceGroupName"])
def test_an_alert_without_targets_may_name_their_group(key: str) -> None:
    """Newer alerts do; a target that is named counts for more."""
    (signal,) = read(encode(an_alert_body(alertTargetIDs=None, **{key: WEU})), KNOWN).signals
    assert signal.subject == Subject("shop", "weu")
    (signal,) = read(encode(an_alert_body(alertTargetIDs=[a_target(NEU)], **{key: WEU})), KNOWN).signals
    assert signal.subject == Subject("shop", "neu", "EventHub")


def test_an_alert_on_two_workloads_is_a_fact_of_each() -> None:
    """Each has its own signal with its own identity."""
    body = encode(an_alert_body(alertTargetIDs=[a_target(OURS)]))
    pay, ours = read(body, know(shop(), PAY)).signals
    assert [pay.subject, ours.subject] == [Subject(name, None, "EventHub") for name in ("pay", "shop")]
    assert pay.id != ours.id
