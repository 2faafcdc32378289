"""What does the worker make of the configuration in force, and is it still that?

Which workloads are known and which sources are asked follows from the files and
from the stamps that were found. It is made anew when those change, and only then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from remediation.asking import Asking
from remediation.intake.subject import Known


@dataclass(frozen=True, slots=True)
class View:
    """What follows from one configuration.

    Attributes:
        known: the workloads, for placing what comes in.
        asking: the sources that must be asked; None where there are none.
    """

    known: Known
    asking: Asking | None = None


class Versioned(Protocol):
    """A configuration that changes while we run."""

    @property
    def version(self) -> int:
        """Another number after each change."""
        ...

    async def refresh(self) -> None:
        """Look whether anything has changed. Never raises."""
        ...


class Views:
    """Gives the view of the configuration as it is now."""

    def __init__(self, configuration: Versioned, make: Callable[[], View]) -> None:
        self._configuration = configuration
        self._make = make
        self._version = configuration.version
        self._view = make()

    async def now(self) -> View:
        """The view, after a look whether the configuration has changed."""
        await self._configuration.refresh()
        if self._configuration.version != self._version:
            self._version = self._configuration.version
            self._view = self._make()
        return self._view


class Unchanging:
    """A configuration that stays as it is."""

    version = 0

    async def refresh(self) -> None:
        """Nothing changes."""


def unchanging(known: Known, asking: Asking | None = None) -> Views:
    """The views of a configuration that stays as it is: of a command, of a bench."""
    return Views(Unchanging(), lambda: View(known, asking))
