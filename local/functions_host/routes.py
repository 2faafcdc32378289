"""Which function does a path belong to, and what are its route parameters?

The templates are those of Azure's HTTP trigger: `alerts/{source}`, `{id:int}`, an optional last segment
`{id?}`, a catch-all `{*rest}`. As there, letter case of the fixed parts does not matter, and the more fixed
template wins.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import unquote

_PARAMETER = re.compile(r"\{(?P<all>\*)?(?P<name>[A-Za-z_]\w*)(?::(?P<kind>\w+))?(?P<optional>\?)?\}")
_KINDS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?i:true|false)",
    "guid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
}


class _Looseness(IntEnum):
    FIXED = 0
    CONSTRAINED = 1
    FREE = 2
    CATCH_ALL = 3


@dataclass(frozen=True)
class Route:
    """One template, compiled."""

    template: str
    pattern: re.Pattern[str]
    looseness: tuple[int, ...]  # compares lower for the template that is to win

    def match(self, raw_path: str) -> Mapping[str, str] | None:
        """The route parameters of a path that is still percent-encoded, or None."""
        found = self.pattern.fullmatch(raw_path.strip("/"))
        if found is None:
            return None
        return {name: unquote(value) for name, value in found.groupdict().items() if value}


def parse_route(template: str) -> Route:
    """Compile a template, route prefix included.

    Raises:
        ValueError: A malformed parameter, an unknown constraint, or an optional one that is not the last.
    """
    segments = template.split("/") if template else []
    pattern, looseness = "", []
    for index, segment in enumerate(segments):
        piece, loose = _segment(segment, last=index == len(segments) - 1, first=index == 0)
        pattern += piece
        looseness.append(loose)
    try:
        return Route(template, re.compile(pattern, re.ASCII), tuple(looseness))
    except re.error as error:
        raise ValueError(f"the route {template!r} names a parameter twice") from error


def _segment(segment: str, *, last: bool, first: bool) -> tuple[str, int]:
    slash = "" if first else "/"
    found = _PARAMETER.fullmatch(segment)
    if found is None:
        if "{" in segment or "}" in segment:
            raise ValueError(f"the route segment {segment!r} is not a fixed text or one {{parameter}}")
        return f"{slash}(?i:{re.escape(segment)})", _Looseness.FIXED
    kind = found["kind"]
    if kind and kind not in _KINDS:
        raise ValueError(
            f"the route constraint {kind!r} is not served locally; known are {', '.join(_KINDS)}"
        )
    if (found["all"] or found["optional"]) and not last:
        raise ValueError(f"the route segment {segment!r} must be the last one")
    if found["all"]:
        return f"(?:{slash}(?P<{found['name']}>.*))?", _Looseness.CATCH_ALL
    value = f"{slash}(?P<{found['name']}>{_KINDS[kind] if kind else '[^/]+'})"
    return (
        f"(?:{value})?" if found["optional"] else value
    ), _Looseness.CONSTRAINED if kind else _Looseness.FREE
