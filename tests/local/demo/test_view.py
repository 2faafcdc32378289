"""Does the demo's screen show what matters, in any terminal?"""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from local.demo.feed import Feed, Line, Who
from local.demo.keys import BY_KEY, hint
from local.demo.picture import NOTHING_WRONG, Picture, StampPicture
from local.demo.view import draw
from local.demo.worker_process import shipped_rules
from local.workload.faults import Fault
from rules.load import load_catalog, load_rules

WELL = StampPicture("neu", "", 0.5, (True,) * 4, (), 0, reads=True, state="in rotation")
DRAINED = StampPicture(
    "weu", "cannot-read", 0.0, (False,) * 4, ("BlobStorage",), 40, reads=False, state="drained, no proof yet"
)
PICTURE = Picture(
    at=15.0,
    front_door="http://127.0.0.1:1",
    per_second=20.0,
    well=1.0,
    fails_open=False,
    everywhere="",
    stamps=(DRAINED, WELL, replace(WELL, name="sdc")),
    worker=(
        ("drained", "weu: since 03:00"),
        ("finding", "weu: it does not read"),
        ("held", "drain of weu: settling"),
    ),
    pages=("critical: shop/weu: [it] does not read",),
    card="CRITICAL: shop/weu: weu is drained",
    lines=tuple(Line(float(number), Who.WORKER, f"line {number}") for number in range(50)),
    hint=hint("weu"),
)


def screen(picture: Picture, width: int, height: int) -> list[str]:
    """What a terminal of that size shows."""
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as shown:
        console.print(draw(picture, height), height=height)
    return shown.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 36), (200, 60)])
def test_what_matters_is_on_the_screen_whatever_its_size(width: int, height: int) -> None:
    """Traffic, checks, backlog, state, reason, hold, page and last line are there, in the rows given."""
    rows = screen(PICTURE, width, height)
    assert len(rows) == height
    assert all(len(row) <= width for row in rows)
    text = "\n".join(rows)
    for words in (
        "weu cannot-read",
        "○○○○",
        "503 BlobStorage",
        "NOT READ: 40",
        "drained",
        "it does not read",
        "settling",
        "[it] does not read",
        "100% of 20/s served",
        "line 49",
        "q quit",
    ):
        assert words in text, words


@pytest.mark.parametrize("width", [80, 200])
def test_every_fault_has_a_key_that_is_shown(width: int) -> None:
    """The hint takes two rows where one is not enough, and no fault is left out of it."""
    rows = " ".join(row.strip() for row in screen(PICTURE, width, 24)[-2:])
    for key, fault in BY_KEY.items():
        assert f"{key} {fault}" in rows
    assert set(BY_KEY.values()) == set(Fault)


def test_a_calm_scene_says_so() -> None:
    """Where nothing is wrong the screen says that nothing is, and that nobody was woken."""
    calm = replace(PICTURE, worker=(("calm", NOTHING_WRONG),), pages=(), card="", lines=(), hint="")
    text = "\n".join(screen(calm, 120, 36))
    assert NOTHING_WRONG in text
    assert "nobody has been woken" in text


def test_it_cries_when_the_front_door_fails_open() -> None:
    """That no stamp is healthy stands in the first row."""
    assert "FAILS OPEN" in screen(replace(PICTURE, fails_open=True, everywhere="all-red"), 120, 36)[0]


def test_lines_stand_in_the_order_in_which_things_happened() -> None:
    """A line of the ledger that is read late goes where it belongs."""
    feed = Feed()
    feed.lines = [Line(1.0, Who.PAGE, "page"), Line(3.0, Who.DEMO, "later")]
    feed.say(Who.WORKER, "now")
    assert [line.at for line in feed.lines] == sorted(line.at for line in feed.lines)


def test_the_demos_rules_are_the_shipped_ones_but_faster() -> None:
    """Nothing but the `for`s differs, so that the demo shows what a user would get."""
    faster = load_rules({"demo": shipped_rules(10)})
    shipped = load_catalog()
    assert [(rule.name, rule.severity, rule.playbook) for rule in faster] == [
        (rule.name, rule.severity, rule.playbook) for rule in shipped
    ]
    same = load_rules({"demo": shipped_rules(1)})
    assert [replace(rule, where="") for rule in same] == [replace(rule, where="") for rule in shipped]
