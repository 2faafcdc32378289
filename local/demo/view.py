"""How is a picture drawn in a terminal? One calm screen, that changes only where something has changed."""

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.demo.feed import Line, Who
from local.demo.picture import IN_ROTATION, Picture, StampPicture

BAR = 5
STYLES = {
    Who.DEMO: "bold magenta",
    Who.WORKLOAD: "cyan",
    Who.WORKER: "yellow",
    Who.PAGE: "bold red",
    Who.CARD: "blue",
}
LABELS = {
    "in flight": "bold yellow",
    "drained": "bold yellow",
    "finding": "red",
    "held": "cyan",
    "signal": "dim",
    "calm": "green",
}


def draw(picture: Picture, height: int) -> Layout:
    """The picture as a screen of that many rows; 24 are enough, more show more of what has happened."""
    people, worker = (6, 10) if height >= 32 else (4, 7)
    screen = Layout()
    screen.split_column(
        Layout(_head(picture), size=1),
        Layout(_stamps(picture), size=6),
        Layout(_worker(picture, worker - 2), size=worker),
        Layout(_people(picture, people - 2), size=people),
        Layout(_feed(picture, max(1, height - worker - people - 11)), minimum_size=3),
        Layout(_hint(picture), size=2),
    )
    return screen


def line_text(line: Line) -> Text:
    """One line of what has happened."""
    return _line(f"{line.at:6.1f}  ", f"{line.who:<9}", line.text, STYLES[line.who])


def _line(before: str, label: str, text: str, style: str, *, wraps: bool = False) -> Text:
    line = Text.assemble((before, "dim"), (label, style), text.replace("\n", " "), overflow="ellipsis")
    line.no_wrap = not wraps
    return line


def _head(picture: Picture) -> Text:
    well = (
        "no users yet" if picture.well is None else f"{picture.well:.0%} of {picture.per_second:.0f}/s served"
    )
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(" shop ", "bold reverse")
    head.append(f"  users: {well}", "bold green" if picture.well == 1.0 else "bold red")
    open_ = (
        "FAILS OPEN: no stamp is healthy, so all get traffic" if picture.fails_open else picture.front_door
    )
    head.append(f"   front door: {open_}", "bold red" if picture.fails_open else "dim")
    if picture.everywhere:
        head.append(f"   broken: {picture.everywhere}", "bold magenta")
    return head


def _hint(picture: Picture) -> Text:
    # An empty text would be taken for a layout that nothing was put into.
    style = "reverse" if picture.hint else ""
    return Text(picture.hint or " ", style=style, overflow="ellipsis")


def _stamps(picture: Picture) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    for width, ratio in ((15, None), (10, None), (5, None), (None, 8), (12, None), (None, 7)):
        table.add_column(width=width, ratio=ratio, no_wrap=True, overflow="ellipsis")
    heads = ("stamp", "traffic", "probe", "HealthService", "event hub", "the worker says")
    table.add_row(*(Text(head, style="dim") for head in heads))
    for stamp in picture.stamps:
        table.add_row(*_row(stamp))
    return Panel(table, title="stamps", title_align="left", border_style="dim", padding=(0, 1))


def _row(stamp: StampPicture) -> list[Text]:
    name = Text.assemble((stamp.name, "bold"), (f" {stamp.broken}" if stamp.broken else "", "bold magenta"))
    filled = round(stamp.share * BAR)
    bar = Text.assemble(("█" * filled, "green"), ("░" * (BAR - filled), "dim"), f" {stamp.share:.0%}")
    probes = Text.assemble(*(("●", "green") if good else ("○", "red") for good in stamp.probes))
    waiting = f"{stamp.unread} waiting" if stamp.unread else "all read"
    hub = Text(waiting if stamp.reads else f"NOT READ: {stamp.unread}", "" if stamp.reads else "red")
    state = Text(stamp.state, "green" if stamp.state == IN_ROTATION else "yellow")
    return [name, bar, probes, _health(stamp), hub, state]


def _health(stamp: StampPicture) -> Text:
    if stamp.failing is None:
        return Text("starting", "dim")
    if not stamp.failing:
        return Text("200 all is well", "green")
    return Text(f"503 {', '.join(stamp.failing)}", "red")


def _worker(picture: Picture, rows: int) -> Panel:
    # A reason is worth two rows, where there is room for all of them.
    long = ("finding", "held")
    wraps = len(picture.worker) + sum(label in long for label, _ in picture.worker) <= rows
    lines = [
        _line("", f"{label:<10}", text, LABELS[label], wraps=wraps and label in long)
        for label, text in picture.worker
    ]
    title = "the worker: what it does, why, and what it holds back (from its ledger)"
    return _panel(title, [*lines[:rows]])


def _people(picture: Picture, rows: int) -> Panel:
    wraps = 2 * len(picture.pages) < rows
    pages = [_line("", "PAGE      ", text, STYLES[Who.PAGE], wraps=wraps) for text in picture.pages]
    card = [_line("", "card      ", picture.card, STYLES[Who.CARD])] if picture.card else []
    quiet = [Text("nobody has been woken", "green")] if not pages else []
    return _panel("people: open pages, and the last card", [*(pages or quiet)[: rows - len(card)], *card])


def _feed(picture: Picture, rows: int) -> Panel:
    return _panel("what has happened", [line_text(line) for line in picture.lines[-rows:]])


def _panel(title: str, lines: list[Text]) -> Panel:
    content: RenderableType = Group(*lines) if lines else Text()
    return Panel(content, title=title, title_align="left", border_style="dim", padding=(0, 1))
