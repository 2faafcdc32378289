"""What does this YAML text say, and where does each value of it stand?

YAML 1.2 without the parts that surprise people or let a small file grow large:
no aliases, no tags, no merge keys, no second document, no key twice, no key
without a value. What is left is mappings, lists, texts, numbers and booleans.

Positions come from the marks of ruamel's node tree and not from its loaded
containers: nodes mark every key and value, and let all doubled keys be told.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from rules.problems import Complaint, FileError, Path, Problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 50_000
"""Keys count too. Three thousand rules; more would only be there to cost time."""

# Terminals obey the first kind, and the second shows text in another order than it is read.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")
_NO_CHARACTER = re.compile(r"\\U(?!0010|000[0-9A-Fa-f])[0-9A-Fa-f]{8}|\Z")
_CORE = "tag:yaml.org,2002:"
_NOT_TEXT = {f"{_CORE}{name}" for name in ("int", "float", "bool")}


class Place(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Tree:
    """The plain value of a file, and the place of every value and key in it.

    `problems` holds what is wrong in itself but does not hide the rest, such as a doubled key.
    A value among them stands in the tree as None.
    """

    file: str
    value: object = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def complain(self, place: Place, message: str, hint: str = "") -> None:
        """Note a problem of this file."""
        self.problems.append(Problem(self.file, *place, message, hint))

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where a value, or its key, stands; of one that is not there, where its container does."""
        if key and path in self.keys:
            return self.keys[path]
        while path not in self.values:
            path = path[:-1]
        return self.values[path]


def read(text: str | bytes, file: str) -> Tree:
    """The tree of a file's text.

    Raises:
        FileError: the text cannot be read as far as its end.
    """
    tree = Tree(file)
    whole = _decoded(tree, text)
    _gate(tree, whole)
    yaml = YAML(typ="safe", pure=True)
    tree.value = _plain(tree, yaml, yaml.compose(whole), ())
    return tree


def _stop(tree: Tree, place: Place, message: str, hint: str = "") -> FileError:
    tree.complain(place, message, hint)
    return FileError(tree.problems)


def _decoded(tree: Tree, text: str | bytes) -> str:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        words = f"expected at most {MAX_BYTES} bytes, found {len(raw)}"
        raise _stop(tree, Place(1, 1), words, "split the file")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", "replace")
        raise _stop(
            tree, _end(before), "expected UTF-8 text", "save the file in the encoding UTF-8"
        ) from None


def _end(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _gate(tree: Tree, text: str) -> None:
    """Look at every event first: nothing is built of a file that is too deep or refers to itself."""
    yaml = YAML(typ="safe", pure=True)
    try:
        _watch(tree, yaml.parse(text))
    except MarkedYAMLError as error:
        # ruamel gives the one or the other where it knows only one of them.
        place = _mark(error.problem_mark or error.context_mark)
        words = error.problem or error.context
        raise _stop(tree, place, f"not valid YAML: {words}", _advice(error)) from None
    except ReaderError as error:
        place = _end(text[: error.position])
        raise _stop(
            tree, place, f"found the control character {_code(error.character)}", "delete it"
        ) from None
    except (ValueError, OverflowError):
        # ruamel trips over an escape that names no character, and has no mark for that.
        place = _end(text[: next(_NO_CHARACTER.finditer(text)).start()])
        raise _stop(
            tree, place, "not valid YAML: this escape names no character", "write the character"
        ) from None
    if tree.problems:
        raise FileError(tree.problems)


def _watch(tree: Tree, events: Any) -> None:
    depth = documents = contents = 0
    for event in events:
        place = _mark(event.start_mark)
        for complaint in _forbidden(event):
            tree.complain(place, complaint.message, complaint.hint)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _stop(tree, place, f"expected at most {MAX_DEPTH} levels", "write it flatter")
        documents += isinstance(event, DocumentStartEvent)
        if documents > 1:
            raise _stop(tree, place, "expected one document, found a second", "put it into a file of its own")
        contents += isinstance(event, NodeEvent) and not _is_nothing(event)
        if contents > MAX_VALUES:
            raise _stop(tree, place, f"expected at most {MAX_VALUES} keys and values", "split the file")
    if not contents and not tree.problems:
        raise _stop(tree, Place(1, 1), "expected a mapping, found an empty file", "see the shipped examples")


def _is_nothing(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.value == "" and not event.style


def _forbidden(event: Event) -> list[Complaint]:
    """What this event holds that has no place in our files."""
    said = []
    if isinstance(event, AliasEvent):
        said.append(Complaint(f"aliases such as *{event.anchor} are not read", "write the value out"))
    elif isinstance(event, NodeEvent) and event.anchor:
        said.append(Complaint(f"anchors such as &{event.anchor} are not read", "delete it"))
    if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
        said.append(Complaint("expected YAML 1.2", "delete the %YAML directive"))
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag:
        said.append(Complaint("tags, which begin with !, are not read", "delete it, or quote the text"))
    if isinstance(event, ScalarEvent) and (unseen := _UNSEEN.search(event.value)):
        said.append(Complaint(f"found the control character {_code(ord(unseen[0]))}", "delete it"))
    return said


def _code(character: int) -> str:
    return f"U+{character:04X}"


def _mark(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


_ADVICE = {
    "\\t": "indent with spaces, not with tabs",
    "mapping values": "is a line break missing, or are quotes needed around a text with ': ' in it?",
    "cannot start any token": "put the text in quotes",
    "end of stream": "close the quotation mark or bracket",
}


def _advice(error: MarkedYAMLError) -> str:
    words = str(error.problem)
    context = str(error.context or "") if error.problem else ""
    return next((hint for sign, hint in _ADVICE.items() if sign in words), context)


def _plain(tree: Tree, yaml: YAML, node: Any, path: Path) -> object:
    tree.values[path] = _mark(node.start_mark)
    match node:
        case MappingNode():
            return _mapping(tree, yaml, node, path)
        case SequenceNode():
            return [_plain(tree, yaml, part, (*path, place)) for place, part in enumerate(node.value)]
        case _:
            return _scalar(tree, yaml, node, path)


def _mapping(tree: Tree, yaml: YAML, node: MappingNode, path: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in node.value:
        place = _mark(key.start_mark)
        if not isinstance(key, ScalarNode) or key.tag != f"{_CORE}str":
            tree.complain(place, "expected a text as key", "put it in quotes")
        elif key.value in found:
            first = tree.keys[*path, key.value].line
            tree.complain(
                place, f"the key `{key.value}` stands twice", f"delete this one or that of line {first}"
            )
        else:
            tree.keys[*path, key.value] = place
            found[key.value] = _plain(tree, yaml, value, (*path, key.value))
    return found


def _scalar(tree: Tree, yaml: YAML, node: ScalarNode, path: Path) -> object:
    if node.tag == f"{_CORE}null":
        # An empty value has its mark where the next token begins: the key says better where it is missing.
        place = tree.values[path] = tree.keys.get(path, tree.values[path])
        tree.complain(place, "expected a value, found nothing", "give one, or leave it out")
        return None
    if node.tag not in _NOT_TEXT:
        return node.value  # also what looks like a date: our files know no dates
    try:
        return yaml.constructor.construct_object(node)
    except ValueError:
        tree.complain(tree.values[path], "this number has too many digits", "write a smaller one")
        return None
