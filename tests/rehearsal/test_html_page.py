"""What does a reader see on the page of `remediation rehearse --html`? Looked at in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.report.page import page
from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import load_scenario, read_scenario
from tests.chromium import Tab, open_tab
from tests.rehearsal.stories import SCENARIOS

pytestmark = pytest.mark.slow

SCRIPT = "<script>document.title='ran'</script>"
HOSTILE = f"""
name: a name with <b>markup</b> in it
about: "<img src='http://elsewhere.test/x.png' onerror='document.title=1'>"
run: 15m
workload: {{policy: {{settle: 3m}}}}
timeline:
  - {{at: 1m, break: {{what: processor, stamp: weu, as: "{SCRIPT}"}}}}
  - {{at: 2m, health: {{node: weu/Keyvault, state: red, reasons: ["{SCRIPT} said so"]}}}}
  - {{at: 3m, person: {{order: {{order: release, by: "{SCRIPT}"}}}}}}
expect:
  - "pages: 3 saying {SCRIPT}"
  - "drained: weu by 1m"
  - "never: paged saying {SCRIPT} or so"
  - "at the end: weu is out"
"""

CONTRAST_LEAST = 4.5
"""What the Web Content Accessibility Guidelines ask for of small text (AA)."""

# Of every text that can be seen: itself and its contrast against what lies behind its middle.
CONTRASTS = """
(() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((v) => {
      v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const seen = (colour) => colour && colour !== 'none' && (parts(colour)[3] ?? 1) > 0;
  const behind = (node, x, y) => {
    for (const one of document.elementsFromPoint(x, y)) {
      const style = getComputedStyle(one), shape = one instanceof SVGGeometryElement;
      if (one === node || (one instanceof SVGElement && !shape)) continue;
      const colour = shape ? style.fill : style.backgroundColor;
      if (seen(colour)) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const found = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].filter((each) => each.nodeType === 3 && each.data.trim());
    const box = node.getBoundingClientRect();
    if (!own.length || node.tagName === 'title' || !box.width) continue;
    const style = getComputedStyle(node), svg = node instanceof SVGElement;
    const [a, b] = [light(svg ? style.fill : style.color),
      light(behind(node, box.x + box.width / 2, box.y + box.height / 2))].sort();
    found.push([node.textContent.trim(), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def flagship() -> Run:
    """F21: one stamp is drained, and comes back."""
    return rehearse(load_scenario(SCENARIOS / "F21-cannot-read.yaml"))


@pytest.fixture(scope="module")
def hostile() -> Run:
    """Whatever people and bodies can say says markup and scripts; two expectations do not hold."""
    return rehearse(read_scenario(HOSTILE, "hostile.yaml", SCENARIOS))


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    """A tab of a real browser."""
    async with open_tab() as opened:
        yield opened


def written(folder: Path, *runs: Run, more: str = "") -> Path:
    """The page in a file."""
    file = folder / "page.html"
    file.write_text(page(runs).replace("</body>", f"{more}</body>"), "utf-8")
    return file


async def texts(tab: Tab, selector: str) -> list[str]:
    """What can be read in some elements."""
    found = await tab.value(
        f"[...document.querySelectorAll({selector!r})].map(one => (one.innerText ?? one.textContent).trim())"
    )
    return [str(each) for each in found]


async def middle(tab: Tab, expression: str) -> float:
    """How far from the left the middle of an element is."""
    found: Any = await tab.value(
        f"(() => {{const box = ({expression}).getBoundingClientRect(); return box.x + box.width / 2}})()"
    )
    return float(found)


async def test_a_reader_sees_a_timeline_for_each_stamp_and_each_thing_at_its_time(
    tab: Tab, tmp_path: Path, flagship: Run
) -> None:
    """Lanes by name; the drain of weu between the fifth and the tenth minute, its page before."""
    await tab.open(written(tmp_path, flagship))
    assert await texts(tab, "svg .lane") == ["users served", "weu", "neu", "sdc"]
    assert await texts(tab, "svg .deed") == ["drain", "rejoin"]
    tick = "[...document.querySelectorAll('.chart > text')].find(one => one.textContent === '{}')"
    times = [await middle(tab, tick.format(f"{minutes}m")) for minutes in (5, 10, 20, 25)]
    drain = await middle(tab, "document.querySelector('.effect rect')")
    woken = await middle(tab, "document.querySelector('.page')")
    back = await middle(tab, "[...document.querySelectorAll('.effect rect')].at(-1)")
    assert times[0] < woken < drain < times[1]
    assert times[2] < back < times[3]
    pointed_at = await texts(tab, "svg title")
    assert any(words.startswith("users go elsewhere from ") for words in pointed_at)
    assert any("drain held by settled" in words for words in pointed_at)


async def test_a_reader_sees_signals_decisions_and_pages_in_words(
    tab: Tab, tmp_path: Path, hostile: Run
) -> None:
    """In the order in which they happened; and each expectation, with what happened instead."""
    await tab.open(written(tmp_path, hostile))
    cells = "[...row.cells].map(one => one.innerText)"
    rows = await tab.value(f"[...document.querySelectorAll('.story tbody tr')].map(row => {cells})")
    kinds = [kind for _, _, kind, _ in rows]
    for kind in ("world", "signal", "rule", "verdict", "held", "page", "effect", "notification", "users"):
        assert kind in kinds
    assert kinds.index("signal") < kinds.index("rule") < kinds.index("held") < kinds.index("effect")
    assert ["2m 00s", "weu", "signal"] in [row[:3] for row in rows]
    _, failed = await texts(tab, ".fails li")
    assert failed.startswith("drained: weu by 1m\ninstead: drain of weu (deleted the state file) at ")
    assert "held by settled" in failed
    assert await texts(tab, ".holds li") == [f"never: paged saying {SCRIPT} or so", "at the end: weu is out"]
    assert (await texts(tab, ".badge"), await tab.value("document.title")) == (
        ["failed"],
        hostile.scenario.name,
    )


async def test_the_page_asks_nobody_for_anything_and_runs_nothing(
    tab: Tab, tmp_path: Path, hostile: Run
) -> None:
    """What looks like markup is read as text; one file is all that is loaded, without a complaint."""
    file = written(tmp_path, hostile)
    await tab.open(file)
    seen = str(await tab.value("document.body.innerText"))
    assert "a name with <b>markup</b> in it" in seen
    assert seen.count(SCRIPT) >= 4
    assert "onerror=" in seen
    assert await tab.value("document.querySelectorAll('script,img,iframe,link,b.x,section b b').length") == 0
    assert (tab.requests, tab.complaints) == ([file.as_uri()], [])


async def test_what_slipped_through_would_be_refused_by_the_browser(
    tab: Tab, tmp_path: Path, hostile: Run
) -> None:
    """The second line behind the escaping: a page that was tampered with runs nothing and asks nobody."""
    picture = "<img src='http://elsewhere.test/x.png' onerror='document.title=1'>"
    await tab.open(written(tmp_path, hostile, more=SCRIPT + picture))
    assert await tab.value("document.title") == hostile.scenario.name
    assert sum("Content Security Policy" in each for each in tab.complaints) >= 2


async def test_a_mark_leads_to_its_line_of_the_story(tab: Tab, tmp_path: Path, flagship: Run) -> None:
    """The drain's square, to the line that says which file was deleted."""
    await tab.open(written(tmp_path, flagship))
    await tab.value("location.hash = document.querySelector('.effect').closest('a').getAttribute('href')")
    assert (await texts(tab, "tr:target"))[0].endswith("worker-1: deleted the state file")


@pytest.mark.parametrize("wide", [360, 800])
async def test_a_narrow_window_needs_no_scrolling_sideways(
    tab: Tab, tmp_path: Path, flagship: Run, hostile: Run, wide: int
) -> None:
    """The drawing alone scrolls within itself, and the names of the stamps stay beside it."""
    await tab.open(written(tmp_path, hostile, flagship), wide=wide)
    assert await tab.value("document.documentElement.scrollWidth") <= wide
    drawn = "document.querySelector('.drawn')"
    assert await tab.value(f"{drawn}.scrollWidth > {drawn}.clientWidth")
    await tab.value(f"{drawn}.scrollLeft = 400")
    assert await tab.value("document.querySelector('.names').getBoundingClientRect().x") >= 0


@pytest.mark.parametrize("dark", [False, True])
async def test_every_text_can_be_read_in_light_and_in_dark(
    tab: Tab,
    tmp_path: Path,
    flagship: Run,
    hostile: Run,
    dark: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Whatever colour lies behind it."""
    await tab.open(written(tmp_path, hostile, flagship), high=8000, dark=dark)
    paper = await tab.value("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark
    found = await tab.value(CONTRASTS)
    assert len(found) > 200
    assert [(text, round(ratio, 2)) for text, ratio in found if ratio < CONTRAST_LEAST] == []


async def test_many_scenarios_have_a_list_in_which_what_failed_comes_first(
    tab: Tab, tmp_path: Path, flagship: Run, hostile: Run
) -> None:
    """Each leads to its own section."""
    await tab.open(written(tmp_path, flagship, hostile))
    assert await texts(tab, "h1") == ["2 scenarios rehearsed"]
    assert await texts(tab, ".index td:first-child") == ["failed", "passed"]
    links = "[...document.querySelectorAll('.index a')].map(one => one.getAttribute('href'))"
    assert await tab.value(links) == ["#s1", "#s0"]
    assert await texts(tab, "#s1 h2") == [hostile.scenario.name]
