"""What is wrong with a file, where, and how is it mended?

One form for every fault of a file, from a stray tab to a rule that could drain
the last stamp, so that the person who edits it learns one way of reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from pydantic_core import PydanticCustomError

LONGEST_WORD = 64
"""Longer words are no slips of the finger; comparing them costs time for nothing."""

Path = tuple[str | int, ...]
"""The way to a value: keys and places in lists, from the top of the file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one file. Line and column count from 1; secrets are never repeated."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """On one line, in the form that editors and terminals turn into a link."""
        said = f"{self.message}; {self.hint}" if self.hint else self.message
        return f"{self.file}:{self.line}:{self.column}: {said}"


class FileError(Exception):
    """A file cannot be used. Carries every problem that was found; its text is one per line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Complaint(NamedTuple):
    """What a check has to say, before it is known where in the file that is.

    `at` is the way from the value that is checked to the one that is at fault.
    """

    message: str
    hint: str = ""
    at: Path = ()


def refusal(*complaints: Complaint) -> PydanticCustomError:
    """The error in which pydantic carries complaints to the loader."""
    return PydanticCustomError("complaint", "refused", {"complaints": complaints})


def refuse(complaints: Iterable[Complaint]) -> None:
    """Raise all complaints as one error; pass where there are none."""
    if said := tuple(complaints):
        raise refusal(*said)


def did_you_mean(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """`did you mean 'X'?`, where one of the known words is close; else the other text."""
    if len(word) > LONGEST_WORD:
        return otherwise
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1)
    return f"did you mean '{by_lower[close[0]]}'?" if close else otherwise
