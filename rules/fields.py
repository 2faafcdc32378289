"""Which kinds of values stand in our files, and what does each look like?

Each kind checks itself, complains in words that tell how to mend it, and shows
the same pattern to editors through the JSON Schema. No value is ever coerced.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, Url, core_schema

from rules.policy import Mode
from rules.problems import Complaint, refusal, refuse
from rules.signals import Health, Severity
from rules.topology import SecretRef


class Strict(BaseModel):
    """A mapping of our files: no key beyond those it names, no value of another type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @classmethod
    def tag(cls) -> str:
        """How pydantic marks in a path which member of a union it took; never a key of a file."""
        return f"<{cls.__name__}>"


def is_tag(part: str | int) -> bool:
    """Whether this part of a path is such a mark."""
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


@dataclass(frozen=True, slots=True)
class Matches:
    """A text of this pattern. The pattern is of the kind that Python and editors both read."""

    pattern: str
    expected: str
    hint: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's way to ask for the check."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Pydantic's way to ask for what editors see."""
        return {**handler(schema), "pattern": self.pattern}

    def _check(self, text: str) -> str:
        # `$` alone would let a line break at the end through.
        if not re.search(self.pattern, text) or text.endswith("\n"):
            raise refusal(Complaint(f"expected {self.expected}", self.hint))
        return text


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A whole number not below this one, and why; nor above a thousand, for that is a slip."""

    least: int
    why: str
    most: int = 1000

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's way to ask for the check."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Pydantic's way to ask for what editors see."""
        return {**handler(schema), "minimum": self.least, "maximum": self.most}

    def _check(self, number: int) -> int:
        if number < self.least:
            raise refusal(Complaint(f"expected {self.least} or more, found {number}", self.why))
        if number > self.most:
            raise refusal(Complaint(f"expected {self.most} or less"))
        return number


# --- durations ---------------------------------------------------------------------------------

DURATION = (
    r"^(?=[0-9])(?=.*[1-9])(?:[0-9]{1,5}d)?(?: ?[0-9]{1,5}h)?(?: ?[0-9]{1,5}m)?"
    r"(?: ?[0-9]{1,5}s)?(?: ?[0-9]{1,5}ms)?$"
)
"""Days to milliseconds, greatest first, each at most once, together more than nothing."""

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}


def parse_duration(value: object) -> timedelta:
    """The duration that `45s`, `3m`, `1h 30m` or `500ms` says.

    Raises:
        PydanticCustomError: it says none, or says nothing at all is to be waited.
    """
    if not isinstance(value, str):
        number = isinstance(value, int) and not isinstance(value, bool)
        hint = f"say the unit: {value}s, {value}m or {value}h" if number else ""
        raise refusal(Complaint("expected a duration such as 45s, 3m or 1h 30m", hint))
    if not re.search(DURATION, value) or value.endswith("\n"):
        hint = "units are d, h, m, s and ms, the greatest first, and the whole is longer than nothing"
        raise refusal(Complaint("expected a duration such as 45s, 3m or 1h 30m", hint))
    parts = re.findall(r"([0-9]+)([a-z]+)", value)
    return timedelta(**{_UNITS[unit]: int(count) for count, unit in parts})


Duration = Annotated[
    timedelta,
    PlainValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION, "examples": ["45s", "3m", "1h 30m"]}),
]

# --- secrets -----------------------------------------------------------------------------------

SECRET = r"^env:[A-Za-z_][A-Za-z0-9_]*$"  # noqa: S105 - the form of a reference, no secret


def parse_secret(value: object) -> SecretRef:
    """The environment variable that `env:NAME` names. What stands there instead is never repeated."""
    if not isinstance(value, str) or not re.search(SECRET, value) or value.endswith("\n"):
        raise refusal(
            Complaint(
                "expected the name of an environment variable, as env:NAME",
                "a secret does not belong in a file: if it is one, change it, for it has been seen",
            )
        )
    return SecretRef(value.removeprefix("env:"))


Secret = Annotated[
    SecretRef,
    PlainValidator(parse_secret),
    WithJsonSchema({"type": "string", "pattern": SECRET, "examples": ["env:NAME_OF_THE_VARIABLE"]}),
]

# --- addresses ---------------------------------------------------------------------------------

_LOOPBACK = r"(?:localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])"


def _is_url(text: str) -> str:
    try:
        Url(text)
    except ValidationError:
        raise refusal(Complaint("expected a URL with a host, and a port up to 65535 if any")) from None
    return text


def _is_encrypted(value: object) -> object:
    """Say the commonest mistake in its own words; neither is repeated, for it may carry a secret."""
    if isinstance(value, str) and re.match("https?://[^/]*@|https?://[^#]*[?]", value):
        raise refusal(
            Complaint(
                "expected a URL without user, password and query",
                "tokens and signatures are secrets and do not belong in a file",
            )
        )
    if (
        isinstance(value, str)
        and value.startswith("http://")
        and not re.match(f"http://{_LOOPBACK}(?:[:/]|$)", value)
    ):
        raise refusal(
            Complaint("expected an https URL", "http is for hosts of this machine alone, such as 127.0.0.1")
        )
    return value


ServiceUrl = Annotated[
    str,
    Matches(
        rf"^(?:https://[^\s/?#@\\:]+(?::[0-9]{{1,5}})?|http://{_LOOPBACK}(?::[0-9]{{1,5}})?)(?:/[^\s?#@\\]*)?$",
        "an https URL",
    ),
    AfterValidator(_is_url),
    BeforeValidator(_is_encrypted),
]
"""A URL that the worker calls: encrypted, except on the machine itself; nothing secret in it."""

LinkUrl = Annotated[
    str,
    Matches(r"^(?=.{1,2000}$)https?://[^\s/]+(?:/\S*)?$", "a URL, https://…"),
    AfterValidator(_is_url),
]
"""A URL that people follow."""

# --- words -------------------------------------------------------------------------------------

_FOLD = "to write it on several lines, begin it with >-"
_ID = "lower-case letters, digits and hyphens, such as"

WorkloadName = Annotated[str, Matches("^[a-z0-9-]{1,63}$", f"at most 63 {_ID} shop")]
StampName = Annotated[
    str,
    # Findings about the workload as a whole are filed under `global`.
    Matches("^(?!global$)[a-z0-9-]{1,63}$", f"at most 63 {_ID} weu; not the word global"),
]
RuleName = Annotated[
    str,
    Matches(
        "^(?=.{1,80}$)[a-z0-9]+(?:-[a-z0-9]+)*$", "at most 80 characters in kebab-case, such as root-node-red"
    ),
]
Region = Annotated[
    str,
    Matches(
        "^[a-z0-9]{1,32}$", "Azure's short name of a region, such as westeurope", "no spaces, no capitals"
    ),
]
ResourceGroup = Annotated[
    str,
    Matches(r"^[A-Za-z0-9_().-]{1,90}$", "the name of a resource group", "only its name, not its whole id"),
]
Container = Annotated[str, Matches("^[a-z0-9-]{3,63}$", "the name of a blob container")]
ResourceId = Annotated[
    str,
    Matches(
        r"^/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/[^\s]{3,600}$",
        "the id of an Azure resource, /subscriptions/…/resourceGroups/…/providers/…",
        "the portal shows it under Properties, or JSON View",
    ),
]
ResourceType = Annotated[
    str, Matches(r"^[A-Za-z0-9.]{1,80}/[A-Za-z0-9.]{1,80}$", "a resource type, such as Microsoft.Cache/redis")
]
Guid = Annotated[
    str,
    Matches(
        "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        "an id of the form 00000000-0000-0000-0000-000000000000",
    ),
]
HostName = Annotated[
    str,
    Matches(
        r"^[a-z0-9-]+(\.[a-z0-9-]+)+$",
        "a host name, such as shop.servicebus.windows.net",
        "no https://, no path",
    ),
]
FrontDoorId = Annotated[
    str,
    Matches(
        "^[0-9A-Za-z-]{1,64}$", "the id that Front Door sends in X-Azure-FDID, letters, digits and hyphens"
    ),
]
Line = Annotated[str, Matches(r"^\S(?:[^\r\n]{0,298}\S)?$", "one line of at most 300 characters", _FOLD)]
NodeName = Annotated[
    str,
    Matches(
        r"^\S(?:[^\r\n]{0,126}\S)?$", "the name of a node of the health model, such as BackgroundProcessor"
    ),
]
AlertName = Annotated[
    str,
    Matches(r"^(?=[^\r\n]{1,260}$)\S(?:.*\S)?$", "the name of an alert rule, of at most 260 characters"),
]

# --- closed vocabularies -----------------------------------------------------------------------


def _listed(value: object) -> object:
    """One word is a list of one."""
    return value if isinstance(value, list) else [value]


def _none_twice(words: list[Any]) -> list[Any]:
    twice = [place for place, word in enumerate(words) if word in words[:place]]
    refuse(Complaint(f"`{words[place]}` stands twice", "delete one", (place,)) for place in twice)
    return words


def _one_or_more(words: type[StrEnum]) -> WithJsonSchema:
    one = {"type": "string", "enum": [str(word) for word in words]}
    return WithJsonSchema(
        {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}
    )


# An enum is made of its word. Pydantic calls that coercion, yet no other type and no other word passes.
ModeWord = Annotated[Mode, Field(strict=False)]
SeverityWord = Annotated[Severity, Field(strict=False)]
Severities = Annotated[
    list[SeverityWord],
    Field(min_length=1, max_length=len(Severity)),
    AfterValidator(_none_twice),
    BeforeValidator(_listed),
    _one_or_more(Severity),
]
States = Annotated[
    list[Annotated[Health, Field(strict=False)]],
    Field(min_length=1, max_length=len(Health)),
    AfterValidator(_none_twice),
    BeforeValidator(_listed),
    _one_or_more(Health),
]
