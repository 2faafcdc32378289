"""How is a run of the demo kept, to be shown where none runs? As one SVG, by rich's own export."""

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from local.demo.feed import Line
from local.demo.picture import Picture
from local.demo.view import draw, line_text

WIDTH, HEIGHT = 120, 34

# Without it a viewer's browser would fetch fonts from elsewhere; any fixed-width font will do.
_FONTS = re.compile(r"@font-face\s*\{\{.*?\}\}\s*", re.DOTALL)


class Recording:
    """Pictures and lines of one run."""

    def __init__(self) -> None:
        self._pictures: list[Picture] = []

    def take(self, picture: Picture) -> None:
        """Keep a picture."""
        self._pictures.append(picture)

    def save(self, path: Path, lines: list[Line], title: str) -> None:
        """Write the pictures, and below them all that has happened."""
        console = Console(
            record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        for picture in self._pictures:
            console.print(draw(picture, HEIGHT), height=HEIGHT)
            console.print()
        console.print(Text("the whole run, line by line", style="bold"))
        for line in lines:
            console.print(line_text(line))
        path.write_text(
            console.export_svg(title=title, code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT)), "utf-8"
        )
