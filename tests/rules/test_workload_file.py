"""Does a workload file become the workload it describes, and is what would be unsafe refused?"""

from dataclasses import fields, replace
from datetime import timedelta
from pathlib import PurePath

import pytest

from rules.load import FileError, load_workload, workload_problems
from rules.policy import Mode, Policy
from rules.policy_file import PolicyModel
from rules.topology import (
    BlobStateFile,
    Channels,
    FolderStateFile,
    PagerDuty,
    SecretRef,
    Stamp,
    Teams,
    Workload,
)

WEU = """\
  - name: weu
    region: westeurope
    health_service: https://weu.example/health/stamp
    state_file: {folder: states/weu}
"""
NEU = """\
  - name: neu
    region: northeurope
    health_service: https://neu.example/health/stamp
    state_file: {folder: states/neu}
"""


def a_file(head: str = "", stamps: str = WEU + NEU) -> str:
    """A workload of two stamps; what is added at its head begins at line 2."""
    return f"workload: shop\n{head}stamps:\n{stamps}"


def told(text: str) -> list[str]:
    """The problems of that file, without its name."""
    return [str(problem).removeprefix("w.yaml:") for problem in workload_problems(text, "w.yaml")]


def told_of_stamp(old: str, new: str) -> list[str]:
    """The problems of a file whose first stamp, at lines 3 to 6, is changed so."""
    assert old in WEU
    return told(a_file(stamps=WEU.replace(old, new) + NEU))


def test_a_workload_with_only_the_necessary_keys() -> None:
    """What is left out has its default: observe, nobody told, the reference architecture's names."""
    assert load_workload(a_file(), "w.yaml") == Workload(
        "shop",
        (
            Stamp(
                "weu",
                "westeurope",
                "https://weu.example/health/stamp",
                FolderStateFile(PurePath("states/weu/stamp.health")),
            ),
            Stamp(
                "neu",
                "northeurope",
                "https://neu.example/health/stamp",
                FolderStateFile(PurePath("states/neu/stamp.health")),
            ),
        ),
    )


def test_a_workload_with_all_its_keys() -> None:
    """Every key reaches the frozen workload."""
    text = """\
workload: shop-1
mode: approve
root_node: Root
state_file_check: StateFile
resource_groups: [global-rg, mon(1)_rg.x]
front_door_id: 0a1b-2c
channels:
  pagerduty: {routing_key: env:KEY, url: "https://events.eu.example:8443/v2"}
  teams: {url: env:TEAMS_url}
stamps:
  - name: weu
    region: westeurope
    resource_groups: [a-rg, b-rg]
    health_service: http://localhost:7081/health/stamp
    state_file: {container: healthservice, connection: env:WEU}
  - name: neu-2
    region: northeurope2
    resource_group: c-rg
    health_service: http://[::1]:7082
    state_file: {container: states, blob: neu/stamp.health, account_url: "https://a.blob.example/"}
  - name: sdc
    region: swedencentral
    health_service: http://127.0.0.1:7083/
    state_file: {folder: ../sdc}
"""
    account = "https://a.blob.example/"
    assert load_workload(text, "w.yaml") == Workload(
        name="shop-1",
        stamps=(
            Stamp(
                name="weu",
                region="westeurope",
                health_service="http://localhost:7081/health/stamp",
                state_file=BlobStateFile("healthservice", "stamp.health", connection=SecretRef("WEU")),
                resource_groups=("a-rg", "b-rg"),
            ),
            Stamp(
                name="neu-2",
                region="northeurope2",
                health_service="http://[::1]:7082",
                state_file=BlobStateFile("states", "neu/stamp.health", account_url=account),
                resource_groups=("c-rg",),
            ),
            Stamp(
                "sdc",
                "swedencentral",
                "http://127.0.0.1:7083/",
                FolderStateFile(PurePath("../sdc/stamp.health")),
            ),
        ),
        mode=Mode.APPROVE,
        channels=Channels(
            PagerDuty(SecretRef("KEY"), "https://events.eu.example:8443/v2"), Teams(SecretRef("TEAMS_url"))
        ),
        resource_groups=("global-rg", "mon(1)_rg.x"),
        front_door_id="0a1b-2c",
        root_node="Root",
        state_file_check="StateFile",
    )


def test_pagerduty_has_its_usual_address_where_none_is_given() -> None:
    """The default address is the one of the core."""
    workload = load_workload(a_file("channels: {pagerduty: {routing_key: env:KEY}}\n"), "w.yaml")
    assert workload.channels == Channels(PagerDuty(SecretRef("KEY")))


def test_the_policy_of_a_file_has_every_number_of_the_core() -> None:
    """No number can be set that the core does not know, and none is missing; the defaults are the core's."""
    assert list(PolicyModel.model_fields) == [number.name for number in fields(Policy)]
    assert PolicyModel().policy() == Policy()


def test_numbers_that_are_given_replace_the_defaults() -> None:
    """The others stay as they are."""
    head = "policy: {settle: 2m, drains_per_hour: 1, forget_firing_after: 30d, probe_timeout: 500ms}\n"
    assert load_workload(a_file(head), "w.yaml").policy == replace(
        Policy(),
        settle=timedelta(minutes=2),
        drains_per_hour=1,
        forget_firing_after=timedelta(days=30),
        probe_timeout=timedelta(milliseconds=500),
    )


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ("min_serving: 0", "2:23: expected 1 or more, found 0; the last-stamp rule cannot be switched off"),
        ("min_serving: -1", "2:23: expected 1 or more, found -1; the last-stamp rule cannot be switched off"),
        ("min_serving: '1'", "2:23: expected a whole number, found a text; write the number without quotes"),
        ("min_serving: 1.0", "2:23: expected a whole number, found the number 1.0"),
        ("min_serving: true", "2:23: expected a whole number, found the boolean true"),
        ("min_serving: 1001", "2:23: expected 1000 or less"),
        (
            "min_serving: 2",
            (
                "2:23: no drain is possible: 2 must go on serving, and there is no more than 2; "
                "add a stamp, or lower `min_serving`, not below 1"
            ),
        ),
        ("drains_per_day: 0", "2:26: expected 1 or more, found 0; for no drains at all set `mode: observe`"),
        (
            "settle: 30s",
            (
                "2:18: expected `same_fault_within` (1m by default) not above `settle` (30s); "
                "a fault of several stamps must have time to show before one is drained"
            ),
        ),
        (
            "same_fault_within: 2m",
            (
                "2:29: expected `same_fault_within` (2m) not above `settle` (1m by default); "
                "a fault of several stamps must have time to show before one is drained"
            ),
        ),
        (
            "drains_per_hour: 5",
            (
                "2:27: expected `drains_per_hour` (5) not above `drains_per_day` (4 by default); "
                "the budget of a day cannot be less than that of an hour"
            ),
        ),
        (
            "forget_firing_after: 2h",
            (
                "2:31: expected `forget_after` (1d by default) not above `forget_firing_after` (2h); "
                "a late copy of a forgotten alert would seem new"
            ),
        ),
        (
            "look_fresh_for: 6s",
            (
                "2:26: expected `look_fresh_for` of at most 5s; "
                "no drain may rest on an older look at the survivors"
            ),
        ),
        (
            "look_fresh_for: 2s",
            (
                "2:26: expected `probe_timeout` (3s by default) not above `look_fresh_for` (2s); "
                "a look must not be stale by the time it is answered"
            ),
        ),
        ("cooldown: 0s", "2:20: expected a duration such as 45s, 3m or 1h 30m; units are d, h, m, s and ms"),
        ("cool_down: 5m", "2:10: unknown key `cool_down`; did you mean 'cooldown'?"),
    ],
)
def test_numbers_that_would_be_unsafe_are_refused(policy: str, problem: str) -> None:
    """Each bound is told with its reason, at the number that stands in the file."""
    assert [line[: len(problem)] for line in told(a_file(f"policy: {{{policy}}}\n"))] == [problem]


def test_several_unsafe_numbers_are_told_together() -> None:
    """The numbers of one policy are all judged."""
    assert len(told(a_file("policy: {settle: 30s, drains_per_hour: 5, look_fresh_for: 6s}\n"))) == 3


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("soon", "2026-01-02T00:00:00Z", "expected a moment with its zone, such as 2026-03-01T22:00:00Z"),
        ("7", "2026-01-02T00:00:00Z", "expected a moment with its zone, such as 2026-03-01T22:00:00Z"),
        (
            "2026-01-01T00:00:00",
            "2026-01-02T00:00:00Z",
            (
                "expected a moment with its zone, such as 2026-03-01T22:00:00Z; "
                "without a zone it could be any hour"
            ),
        ),
        ("2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", "it ends before it begins"),
    ],
)
def test_a_window_of_maintenance_has_a_beginning_and_an_end(since: str, until: str, problem: str) -> None:
    """A window that is misread would hold drains for ever, or never."""
    (said,) = told(a_file(head=f"maintenance: [{{since: {since}, until: {until}, reason: new nodes}}]\n"))
    assert said.split(": ", 1)[1] == problem


def test_a_workload_without_stamps_is_refused() -> None:
    """No stamps is never all stamps, and nothing could be watched."""
    assert told("workload: shop\nstamps: []\n") == ["2:9: expected at least one entry, found none; add one"]
    assert told("workload: shop\n") == ["1:1: expected the key `stamps`, which is missing; add it"]


def test_a_workload_of_one_stamp_is_refused() -> None:
    """The last stamp is never drained: a file must not pretend that a drain were possible."""
    assert told(a_file(stamps=WEU)) == [
        (
            "3:3: no drain is possible: 1 must go on serving, and there is no more than 1; "
            "add a stamp, or lower `min_serving`, not below 1"
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: weu", "name: neu", "7:11: stamp neu has the same `name` as an earlier one, neu; "),
        (
            "weu.example",
            "NEU.example",
            "9:21: stamp neu has the same `health_service` as an earlier one, weu; ",
        ),
        ("states/weu", "states/./neu", "10:17: stamp neu has the same `state_file` as an earlier one, weu; "),
    ],
)
def test_stamps_do_not_share_what_must_be_their_own(old: str, new: str, problem: str) -> None:
    """Behind one address or one state file one fault would look like two, and one drain be two."""
    (found,) = told_of_stamp(old, new)
    assert found.startswith(problem)


def test_a_state_file_is_the_same_however_its_account_is_written() -> None:
    """A slash or a capital does not make two accounts of one."""
    weu = WEU.replace("{folder: states/weu}", "{container: abc, account_url: 'https://A.example/'}")
    neu = NEU.replace("{folder: states/neu}", "{container: abc, account_url: 'https://a.example'}")
    (found,) = told(a_file(stamps=weu + neu))
    assert found.startswith("10:17: stamp neu has the same `state_file`")
    other = neu.replace("abc", "xyz")
    assert told(a_file(stamps=weu + other)) == []


def test_a_resource_group_belongs_to_one() -> None:
    """An alert must be about one stamp, or about the workload, and never about two."""
    weu = WEU + "    resource_groups: [one-rg, two-rg]\n"
    assert told(a_file(stamps=weu + NEU + "    resource_group: TWO-rg\n")) == [
        (
            "12:21: stamp neu has the same `resource_group` as an earlier one, weu; "
            "an alert in it would be about both"
        )
    ]
    assert told(a_file("resource_groups: [x, One-rg]\n", weu + NEU)) == [
        "2:22: the resource group One-rg belongs to a stamp too; an alert in it would be about both"
    ]


def test_a_stamp_gives_its_groups_by_one_key() -> None:
    """One group or several, but not both ways at once."""
    both = "    resource_group: a\n    resource_groups: [b]\n"
    assert told(a_file(stamps=WEU + both + NEU)) == [
        "7:21: expected one of `resource_group` and `resource_groups`; write them all as resource_groups"
    ]


@pytest.mark.parametrize(
    "value",
    [
        "s3cr3t",
        "'env:'",
        "env:1A",
        "env:A B",
        "ENV:A",
        "12345678",
        "[s3cr3t]",
        '"env:A\\n"',
        "{s3cr3t: s3cr3t}",
    ],
)
@pytest.mark.parametrize("channel", ["pagerduty: {routing_key: %s}", "teams: {url: %s}"])
def test_a_secret_is_refused_and_not_repeated(channel: str, value: str) -> None:
    """Only the name of a variable may stand in the file; what stands there instead is in no message."""
    text = a_file(f"channels:\n  {channel % value}\n")
    with pytest.raises(FileError) as caught:
        load_workload(text, "w.yaml")
    (problem,) = caught.value.problems
    assert problem.message == "expected the name of an environment variable, as env:NAME"
    for said in (str(caught.value), repr(caught.value), repr(problem)):
        assert "s3cr3t" not in said
        assert "12345678" not in said
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_secret_in_the_wrong_place_is_not_repeated_either() -> None:
    """A webhook's URL given as the whole channel, or as an address, does not appear in the message."""
    webhook = "'https://hook.example/?sig=s3cr3t'"
    for text in (
        a_file(f"channels: {{teams: {webhook}}}\n"),
        a_file(f"channels: {webhook}\n"),
        a_file(f"channels: {{pagerduty: {{routing_key: env:A, url: {webhook}}}}}\n"),
        a_file(f"policy: {{min_serving: {webhook}}}\n"),
        a_file(f"front_door_id: {webhook}\n"),
        a_file(stamps=WEU.replace("{folder: states/weu}", webhook) + NEU),
    ):
        problems = told(text)
        assert problems
        assert "s3cr3t" not in "".join(problems)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (
            "http://weu.example/health",
            "5:21: expected an https URL; http is for hosts of this machine alone, such as 127.0.0.1",
        ),
        (
            "http://localhost.example/",
            "5:21: expected an https URL; http is for hosts of this machine alone, such as 127.0.0.1",
        ),
        (
            "https://user:pass@weu.example/",
            (
                "5:21: expected a URL without user, password and query; "
                "tokens and signatures are secrets and do not belong in a file"
            ),
        ),
        (
            "https://weu.example/health?code=1",
            (
                "5:21: expected a URL without user, password and query; "
                "tokens and signatures are secrets and do not belong in a file"
            ),
        ),
        ("ftp://weu.example", "5:21: expected an https URL"),
        ("weu.example/health", "5:21: expected an https URL"),
        ("https:///health", "5:21: expected an https URL"),
        ("https://weu.example/#top", "5:21: expected an https URL"),
        ("https://weu.example:99999/", "5:21: expected a URL with a host, and a port up to 65535 if any"),
        ("http://127.0.0.999/", "5:21: expected a URL with a host, and a port up to 65535 if any"),
        ("'https://weu.example/a b'", "5:21: expected an https URL"),
        ("12", "5:21: expected a text, found the number 12; put it in quotes"),
    ],
)
def test_the_health_service_is_reached_safely(url: str, problem: str) -> None:
    """Encrypted, except on the machine itself, and without anything secret in the address."""
    assert told_of_stamp("https://weu.example/health/stamp", url) == [problem]


@pytest.mark.parametrize(
    ("state_file", "problem"),
    [
        (
            "x",
            "6:17: expected a mapping with `folder`, or with `container` and `account_url` or `connection`",
        ),
        (
            "{}",
            "6:17: expected a mapping with `folder`, or with `container` and `account_url` or `connection`",
        ),
        ("{folder: a, container: abc}", "6:29: unknown key `container`; known: folder"),
        (
            "{container: abc}",
            (
                "6:17: expected exactly one of `account_url` and `connection`; "
                "take account_url with managed identity where that is possible"
            ),
        ),
        (
            "{container: abc, account_url: 'https://a.example', connection: env:A}",
            (
                "6:17: expected exactly one of `account_url` and `connection`; "
                "take account_url with managed identity where that is possible"
            ),
        ),
        ("{container: A, connection: env:A}", "6:29: expected the name of a blob container"),
        ("{container: abc, conection: env:A}", "6:34: unknown key `conection`; did you mean 'connection'?"),
    ],
)
def test_a_state_file_lies_in_one_place(state_file: str, problem: str) -> None:
    """A folder, or a blob by one way of reaching it."""
    assert told_of_stamp("{folder: states/weu}", state_file) == [problem]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: weu", "name: global", "3:11: expected at most 63 lower-case letters, digits and hyphens"),
        ("name: weu", "name: WEU", "3:11: expected at most 63 lower-case letters, digits and hyphens"),
        (
            "region: westeurope",
            "region: West Europe",
            "4:13: expected Azure's short name of a region, such as westeurope",
        ),
        ("region: westeurope", "regoin: westeurope", "4:5: unknown key `regoin`; did you mean 'region'?"),
    ],
)
def test_the_words_of_a_stamp_have_their_form(old: str, new: str, problem: str) -> None:
    """Names stand in keys and paths; `global` is kept for what is about no stamp."""
    assert any(line.startswith(problem) for line in told_of_stamp(old, new))


def test_the_name_of_a_workload_has_its_form() -> None:
    """It is the key of the ledger."""
    assert told(a_file().replace("shop", "Shop_1")) == [
        "1:11: expected at most 63 lower-case letters, digits and hyphens, such as shop"
    ]


def test_an_unknown_mode_is_told_the_modes() -> None:
    """Modes are a closed vocabulary."""
    assert told(a_file("mode: atuo\n")) == [
        "2:7: expected one of observe, approve, auto, found 'atuo'; did you mean 'auto'?"
    ]
