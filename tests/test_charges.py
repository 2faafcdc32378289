"""Is in force what the files say, and does the last good configuration stay while they say nothing good?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePath

import pytest

from remediation.charges import EVERY, OUTDATED_AFTER, UNKNOWN_FOR, Charges
from remediation.observe import Tally
from remediation.probes.stamps import Listed
from remediation.texts import Texts, charges_of
from rules.load import catalog_texts
from rules.problems import FileError
from rules.topology import Discovery, FolderStateFile, Group, Stamp
from tests.builders import NOW
from tests.probes.lag_stage import SetClock
from tests.rules.test_discovery_file import NEU_GROUP, WEU_GROUP, a_discovery
from tests.rules.test_workload_file import NEU, WEU

pytestmark = pytest.mark.slow

SHOP = f"workload: shop\nstamps:\n{WEU}{NEU}"
BAKERY = SHOP.replace("shop", "bakery")
FOUND = a_discovery()
RULES = """\
rules:
  - name: mine
    summary: Mine.
    when: {node: Stamp, state: red}
    severity: error
    playbook: page
"""


class Written:
    """The listed groups, as a test writes them down."""

    def __init__(self) -> None:
        self.now = Listed()
        self.asked: list[Mapping[str, Discovery]] = []

    async def listed(self, discoveries: Mapping[str, Discovery]) -> dict[str, Listed]:
        """The same for every workload."""
        self.asked.append(discoveries)
        return dict.fromkeys(discoveries, self.now)


@dataclass
class Stage:
    """A folder of files, and a worker that reads them.

    Attributes:
        folder: of the workload files.
        rules: a rule file; not there: the catalogue.
    """

    folder: Path
    rules: Path
    clock: SetClock = field(default_factory=SetClock)
    tally: Tally = field(default_factory=Tally)
    lists: Written = field(default_factory=Written)

    def write(self, **workloads: str) -> None:
        """Write workload files."""
        for name, text in workloads.items():
            (self.folder / f"{name}.yaml").write_text(text)

    def read(self) -> Texts:
        """The files as they are."""
        rules = {"rules.yaml": self.rules.read_text()} if self.rules.exists() else {}
        return Texts({path.name: path.read_text() for path in sorted(self.folder.iterdir())}, rules)

    def charges(self) -> Charges:
        """What is in force at a start."""
        return Charges(self.read, self.clock, self.tally, self.lists)

    async def later(self, charges: Charges, times: int = 1, seconds: float = 30) -> Charges:
        """Refresh so often, each time so much later."""
        for _ in range(times):
            self.clock.forward(seconds)
            await charges.refresh()
        return charges

    def told(self, *groups: Group, at: datetime | None = NOW, failed: str = "") -> None:
        """These are the groups now."""
        self.lists.now = Listed(groups, at, failed)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One workload of two stamps."""
    (tmp_path / "workloads").mkdir()
    stage = Stage(tmp_path / "workloads", tmp_path / "rules.yaml")
    stage.write(shop=SHOP)
    return stage


def stamps(charges: Charges, workload: str = "shop") -> tuple[str, ...]:
    """The stamps in force."""
    return charges.current()[workload].workload.stamp_names


# --- files ---


def test_at_the_start_the_files_are_in_force(stage: Stage) -> None:
    """At once, with the shipped rules."""
    charges = stage.charges()
    assert stamps(charges) == ("weu", "neu")
    assert len(charges.current()["shop"].rules.rules) > 1
    assert (charges.problem, charges.waiting) == (None, {})


def test_bad_files_at_the_start_are_refused_with_every_problem(stage: Stage) -> None:
    """Of workloads and rules; there is no last good configuration yet."""
    stage.write(shop=SHOP.replace("name: neu", "name: weu"))
    stage.rules.write_text("rules: []")
    with pytest.raises(FileError) as refused:
        stage.charges()
    assert {problem.file for problem in refused.value.problems} == {"shop.yaml", "rules.yaml"}


async def test_a_changed_file_is_in_force_once_two_looks_saw_the_same(stage: Stage) -> None:
    """A file that is being written may be whole already, and lack its last stamps."""
    charges = stage.charges()
    stage.write(shop=SHOP.replace("mode", "mode").replace("workload: shop", "workload: shop\nmode: auto"))
    before = charges.current()
    await stage.later(charges)
    assert charges.current() is before
    await stage.later(charges)
    assert charges.current()["shop"].workload.mode == "auto"
    assert charges.version == 1
    assert stage.tally.counts()["configuration.loaded"] == 1


async def test_what_does_not_change_stays_the_same_object(stage: Stage) -> None:
    """Nobody makes anything anew for nothing, also where a file is only touched."""
    charges = stage.charges()
    before = charges.current()
    stage.write(shop=SHOP)
    await stage.later(charges, times=3)
    assert charges.current() is before
    assert charges.version == 0


async def test_files_are_not_read_at_every_call(stage: Stage) -> None:
    """At most every 30 s, however often it is asked."""
    charges = await stage.later(stage.charges())
    stage.write(shop=SHOP.replace("weu", "gwc"))
    await stage.later(charges, times=5, seconds=EVERY.total_seconds() / 6)
    assert stamps(charges) == ("weu", "neu")
    await stage.later(charges, times=2)
    assert stamps(charges) == ("gwc", "neu")


async def test_new_rules_are_in_force_for_every_workload(stage: Stage) -> None:
    """A change of the rule file alone is a change."""
    charges = stage.charges()
    stage.rules.write_text(RULES)
    await stage.later(charges, times=2)
    assert [rule.name for rule in charges.current()["shop"].rules.rules] == ["mine"]


async def test_a_bad_configuration_leaves_the_last_good_one_in_force(stage: Stage) -> None:
    """As a whole: neither its bad files nor its good ones count, and people are told what is wrong."""
    charges = stage.charges()
    stage.write(shop=SHOP.replace("region: westeurope", "regoin: westeurope"), bakery=BAKERY)
    await stage.later(charges, times=4)
    assert list(charges.current()) == ["shop"]
    assert charges.problem
    assert "shop.yaml:4:5: unknown key `regoin`; did you mean 'region'?" in charges.problem
    assert stage.tally.counts()["configuration.refused"] == 1
    stage.write(shop=SHOP)
    await stage.later(charges, times=2)
    assert list(charges.current()) == ["bakery", "shop"]
    assert charges.problem is None


async def test_taking_a_bad_change_back_mends_it(stage: Stage) -> None:
    """What is in force stands in the files again."""
    charges = stage.charges()
    before = charges.current()
    stage.write(shop="")
    assert (await stage.later(charges, times=2)).problem
    stage.write(shop=SHOP)
    assert (await stage.later(charges, times=2)).problem is None
    assert charges.current() is before


async def test_only_the_first_problems_are_told(stage: Stage) -> None:
    """A page is no listing: `remediation check` lists them all."""
    charges = stage.charges()
    stage.write(shop=SHOP + "".join(f"key{number}: x\n" for number in range(9)))
    problem = (await stage.later(charges, times=2)).problem
    assert problem
    assert problem.count("unknown key") == 5
    assert problem.endswith("; and 4 more")


async def test_a_file_that_is_away_for_a_moment_is_no_problem(stage: Stage) -> None:
    """Editors replace files; only what is away twice in a row is told."""
    charges = stage.charges()
    file = stage.folder / "shop.yaml"
    file.unlink()
    file.mkdir()
    assert (await stage.later(charges)).problem is None
    problem = (await stage.later(charges)).problem
    assert problem == f"{file}: Is a directory"
    assert stamps(charges) == ("weu", "neu")
    file.rmdir()
    stage.write(shop=SHOP)
    assert (await stage.later(charges, times=2)).problem is None


async def test_a_file_that_is_no_text_is_told(stage: Stage) -> None:
    """And changes nothing."""
    charges = stage.charges()
    (stage.folder / "shop.yaml").write_bytes(b"\xff")
    problem = (await stage.later(charges, times=2)).problem
    assert problem
    assert "can't decode" in problem
    assert stamps(charges) == ("weu", "neu")


async def test_a_workload_whose_file_is_gone_is_no_longer_in_force(stage: Stage) -> None:
    """The others are."""
    stage.write(bakery=BAKERY)
    charges = stage.charges()
    (stage.folder / "bakery.yaml").unlink()
    assert list((await stage.later(charges, times=2)).current()) == ["shop"]


def test_two_files_of_one_workload_are_refused(stage: Stage) -> None:
    """One of them would hold, and nobody would know which."""
    with pytest.raises(FileError, match=r"other\.yaml:1:1: the workload shop stands in shop\.yaml already"):
        charges_of(Texts({"shop.yaml": SHOP, "other.yaml": SHOP}, catalog_texts()))


async def test_the_files_in_force_are_kept_whenever_they_are_others(stage: Stage) -> None:
    """Once each; bad ones never."""
    kept: list[Texts] = []

    async def keep(texts: Texts) -> None:
        kept.append(texts)

    charges = Charges(stage.read, stage.clock, stage.tally, stage.lists, keep=keep)
    await stage.later(charges, times=2)
    first = stage.read()
    stage.write(shop="")
    await stage.later(charges, times=2)
    stage.write(shop=BAKERY)
    await stage.later(charges, times=3)
    assert kept == [first, stage.read()]


async def test_a_start_by_other_files_says_from_the_first_moment_what_is_wrong(stage: Stage) -> None:
    """The files that are there are still bad at every look, and in force once they are mended."""
    good = stage.read()
    stage.write(shop="")
    charges = Charges(stage.read, stage.clock, stage.tally, stage.lists, instead=(good, "it is bad"))
    assert stamps(charges) == ("weu", "neu")
    assert charges.problem == "it is bad"
    await stage.later(charges)
    assert charges.problem == "it is bad"
    await stage.later(charges)
    assert "shop.yaml:1:1" in (charges.problem or "")
    stage.write(shop=SHOP)
    assert (await stage.later(charges, times=2)).problem is None


# --- stamps that come and go ---


async def test_found_stamps_stand_beside_those_of_the_file(stage: Stage) -> None:
    """From the first refresh on; before it the workload waits, for its record must not lose its stamps."""
    stage.write(shop=FOUND + f"stamps:\n{WEU}", bakery=BAKERY)
    stage.told(WEU_GROUP)
    charges = stage.charges()
    assert list(charges.current()) == ["bakery"]
    assert charges.waiting == {"shop": "its stamps have not been looked for yet"}
    await stage.later(charges)
    assert stamps(charges) == ("weu", "1a2b-westeurop")
    assert (charges.waiting, charges.version) == ({}, 1)
    assert [list(asked) for asked in stage.lists.asked] == [["shop"]]


async def test_stamps_come_and_go(stage: Stage) -> None:
    """Each change makes a new version; an answer like the last one makes none."""
    stage.write(shop=FOUND)
    stage.told(WEU_GROUP)
    charges = await stage.later(stage.charges())
    stage.told(WEU_GROUP, NEU_GROUP)
    assert stamps(await stage.later(charges)) == ("1a2b-northeuro", "1a2b-westeurop")
    stage.told(NEU_GROUP)
    assert stamps(await stage.later(charges)) == ("1a2b-northeuro",)
    before = charges.current()
    assert (await stage.later(charges)).current() is before
    assert charges.version == 3


async def test_a_name_that_changes_hands_is_nobodys_for_a_while(stage: Stage) -> None:
    """In between, what is known of the old stamp is forgotten: the new one begins as unknown."""
    stage.write(shop=FOUND.replace('"{prefix}-{region9}"', '"{region}"'))
    blue, green = WEU_GROUP, replace(WEU_GROUP, name="shop2-stamp-westeurope-rg")
    stage.told(blue)
    charges = await stage.later(stage.charges())
    stage.told(green)
    assert stamps(await stage.later(charges)) == ()
    assert stamps(await stage.later(charges)) == ("westeurope",)
    [stamp] = charges.current()["shop"].workload.stamps
    assert stamp.resource_groups == (green.name,)


async def test_a_group_that_makes_no_stamp_is_told_and_leaves_the_others(stage: Stage) -> None:
    """It is a fault of the configuration, and people mend it."""
    stage.write(shop=FOUND)
    bad = Group("shop1-stamp-northeuro-rg", "northeurope")
    stage.told(bad, WEU_GROUP)
    charges = await stage.later(stage.charges())
    assert stamps(charges) == ("1a2b-westeurop",)
    assert charges.problem
    assert "shop1-stamp-northeuro-rg makes no stamp" in charges.problem
    stage.told(WEU_GROUP)
    assert (await stage.later(charges)).problem is None


async def test_stamps_that_were_never_known_keep_the_workload_waiting(stage: Stage) -> None:
    """Why is known at once, and told to people when it is no hiccup any more."""
    stage.write(shop=FOUND)
    stage.lists.now = Listed(None, None, "HTTP 503")
    charges = await stage.later(stage.charges())
    assert charges.current() == {}
    assert charges.waiting == {"shop": "the stamps of shop cannot be found: HTTP 503"}
    assert (charges.problem, charges.overdue()) == (None, [])
    await stage.later(charges, seconds=UNKNOWN_FOR.total_seconds())
    assert charges.problem == charges.waiting["shop"]
    assert charges.overdue() == [(charges.loaded["shop"].workload, charges.waiting["shop"])]
    stage.told(WEU_GROUP)
    assert stamps(await stage.later(charges)) == ("1a2b-westeurop",)
    assert charges.problem is None
    assert charges.waiting == {}


async def test_a_change_to_found_stamps_waits_for_them_with_the_old_ones(stage: Stage) -> None:
    """A new `stamps_from` that finds nothing leaves the workload as it was, and is told."""
    charges = stage.charges()
    stage.write(shop=FOUND)
    stage.lists.now = Listed(None, None, "HTTP 403")
    await stage.later(charges, times=7)
    assert stamps(charges) == ("weu", "neu")
    assert (charges.waiting, charges.overdue()) == ({}, [])
    assert charges.problem == "the stamps of shop cannot be found: HTTP 403"
    stage.told(WEU_GROUP)
    assert stamps(await stage.later(charges)) == ("1a2b-westeurop",)


async def test_known_stamps_stay_and_their_age_is_told_in_the_end(stage: Stage) -> None:
    """An outage of the control plane is no news for a while; a list that is half an hour old is."""
    stage.write(shop=FOUND)
    stage.told(WEU_GROUP, at=NOW, failed="HTTP 503")
    charges = await stage.later(stage.charges())
    assert (stamps(charges), charges.problem) == (("1a2b-westeurop",), None)
    await stage.later(charges, seconds=OUTDATED_AFTER.total_seconds())
    assert charges.problem == "the stamps of shop are those of 2026-11-21 03:00: HTTP 503"
    assert stamps(charges) == ("1a2b-westeurop",)


async def test_a_list_that_is_only_remembered_is_as_old_as_the_worker(stage: Stage) -> None:
    """At its start that is no news either."""
    stage.write(shop=FOUND)
    stage.told(WEU_GROUP, at=None, failed="HTTP 503")
    charges = await stage.later(stage.charges())
    assert charges.problem is None
    assert (await stage.later(charges, seconds=OUTDATED_AFTER.total_seconds())).problem


async def test_without_anybody_to_look_for_stamps_the_workload_waits(stage: Stage) -> None:
    """It is never in force with fewer stamps than it has."""
    stage.write(shop=FOUND)
    charges = await stage.later(Charges(stage.read, stage.clock, stage.tally))
    assert charges.waiting == {"shop": "the stamps of shop cannot be found: nobody is there to look for them"}


async def test_stamps_are_placed_wherever_they_come_from(stage: Stage) -> None:
    """A relative folder lies in the data folder, in the file and in the template."""
    template = (
        '  stamp:\n    health_service: "https://{name}.example"\n    state_file: {folder: "{region}"}\n'
    )
    stage.write(shop=a_discovery(stamp=template, stamps=WEU))
    stage.told(NEU_GROUP)

    def place(stamp: Stamp) -> Stamp:
        assert isinstance(stamp.state_file, FolderStateFile)
        return replace(stamp, state_file=FolderStateFile("/data" / stamp.state_file.path))

    charges = Charges(stage.read, stage.clock, stage.tally, stage.lists, place=place)
    await stage.later(charges)
    assert [stamp.state_file for stamp in charges.current()["shop"].workload.stamps] == [
        FolderStateFile(PurePath("/data/states/weu/stamp.health")),
        FolderStateFile(PurePath("/data/northeurope/stamp.health")),
    ]
