"""How does a person at the terminal break things? By single keys."""

import asyncio
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.workload.faults import Fault

BY_KEY = dict(zip("1234567890", Fault, strict=True))
OTHER_STAMP = "\t"
MEND = "m"
QUIT = "q"


def hint(stamp: str) -> str:
    """What the keys do, in two lines of a narrow terminal."""
    faults = " ".join(f"{key} {fault}" for key, fault in BY_KEY.items())
    return f" q quit  m mend  Tab {stamp}: {faults} "


@contextmanager
def keys(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call `on_key` for every key while the context lasts; the terminal is as before afterwards."""
    stream = sys.stdin
    before = termios.tcgetattr(stream)
    loop = asyncio.get_running_loop()
    tty.setcbreak(stream)
    loop.add_reader(stream, lambda: on_key(stream.read(1)))
    try:
        yield
    finally:
        loop.remove_reader(stream)
        termios.tcsetattr(stream, termios.TCSADRAIN, before)
