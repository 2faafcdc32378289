"""What do the files say that a file names, and from where are they told of?

Names are relative to the file that names them; faults in what is read are told by a path that can be opened.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from rules.problems import Complaint, Problem
from rules.problems import Path as Place
from rules.yaml_tree import Tree


class NamedFiles:
    """Reads files that a file names, and notes those that cannot be read, where they are named.

    Attributes:
        problems: one for each that cannot be read.
    """

    def __init__(self, tree: Tree, folder: Path) -> None:
        self.problems: list[Problem] = []
        self._tree, self._folder = tree, folder

    def text(self, file: str, at: Place) -> str:
        """The text of a file; empty where it cannot be read."""
        try:
            return (self._folder / file).read_text("utf-8")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            place = self._tree.place(at)
            self.problems.append(Problem(self._tree.file, *place, f"the file {file} cannot be read: {why}"))
            return ""

    def texts(self, files: list[str], key: str) -> dict[str, str]:
        """The texts of a list of files that stands under a key, each by its path."""
        return {self.path(file): self.text(file, (key, place)) for place, file in enumerate(files)}

    def path(self, file: str) -> str:
        """Its path: the same for everybody who names it, so that rules of two files are not taken for one."""
        return os.path.normpath(self._folder / file)


def located(tree: Tree, complaints: Iterable[Complaint]) -> list[Problem]:
    """Complaints about a file as problems of it, in the order of its lines."""
    found = [Problem(tree.file, *tree.place(each.at), each.message, each.hint) for each in complaints]
    return sorted(found, key=lambda problem: (problem.line, problem.column))
