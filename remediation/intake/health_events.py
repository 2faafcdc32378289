"""What does a health-state change event say?

The worker's own event: CloudEvents 1.0, structured JSON, one node of one health
model in `data`. Most of the traffic is this, so a plain event goes a fast way:
pydantic straight from the bytes. An event that is not plain goes the long way
through `limits`, with the same model and the same outcome.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from remediation.intake.identity import bounded
from remediation.intake.limits import clip
from remediation.intake.rejection import Code, Rejection, excerpt
from remediation.intake.subject import Known
from remediation.intake.times import utc
from rules.signals import Health, Signal, Subject

EVENT_TYPE = "health.state.changed.v1"
FAMILY = "health-event"

MAX_REASONS = 5
MAX_REASON = 300
_MAX_NAME = 128
_MAX_URI = 256
_PLAIN = 16 * 1024
_BLANKS = b" \t\r\n"
_INT64 = 2**63

Name = Annotated[str, Field(min_length=1, max_length=_MAX_NAME)]
Moment = Annotated[
    str,
    Field(
        max_length=64,
        json_schema_extra={
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$",
        },
    ),
]


def _given(key: str) -> dict[str, Any]:
    """In JSON Schema: the key is there and is not null."""
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}


class HealthChange(BaseModel):
    """The state of one node. A snapshot, which repeats the present state, is as good as a change."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "anyOf": [_given("node"), {"required": ["root"], "properties": {"root": {"const": True}}}]
        },
    )

    workload: Name = Field(description="Name of the workload, as in workload.yaml.")
    stamp: Name | None = Field(None, description="Name of the stamp; null for a global node.")
    region: str | None = Field(None, description="Azure's short name, e.g. westeurope. For people.")
    node: Name | None = Field(None, description="Name of the entity in the health model.")
    root: bool = Field(
        default=False, description="Whether this is the root of the stamp; its name does not matter."
    )
    previous: str | None = Field(None, description="The state before. For people.")
    state: Annotated[Health, Field(strict=False)] = Field(description="The state now.")
    observed_at: Moment | None = Field(None, description="When it was so; without it, `time` counts.")
    score: float | None = Field(None, ge=-1e9, le=1e9, description="The health score. For people.")
    sequence: int | None = Field(
        None, ge=-_INT64, lt=_INT64, description="Grows with every event of one source and node."
    )
    reasons: list[str] | None = Field(
        None, description=f"Why, for people: the first {MAX_REASONS}, {MAX_REASON} characters of each."
    )


class HealthEvent(BaseModel):
    """A health-state change: CloudEvents 1.0, structured JSON. Extension attributes are welcome."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "anyOf": [_given("time"), {"properties": {"data": _given("observed_at")}}],
        },
    )

    specversion: Literal["1.0"]
    id: str = Field(min_length=1, max_length=_MAX_URI, description="Unique for each event of the source.")
    source: str = Field(
        min_length=1, max_length=_MAX_URI, description="Who says so, e.g. /health-models/shop."
    )
    type: Literal["health.state.changed.v1"]
    subject: str | None = Field(None, description="E.g. stamps/weu/nodes/BackgroundProcessor.")
    time: Moment | None = Field(None, description="When the event was made.")
    datacontenttype: str | None = None
    data: HealthChange


_EVENTS = TypeAdapter(HealthEvent)
_from_json = _EVENTS.validator.validate_json
_MARK = f'"{EVENT_TYPE}"'.encode()


def claims(value: Mapping[str, object]) -> bool:
    """Whether a JSON object is, or is meant to be, a health event."""
    return value.get("type") == EVENT_TYPE


def read(value: Mapping[str, object], known: Known) -> tuple[Signal, ...]:
    """The signal of an event whose JSON has passed the limits.

    Raises:
        Rejection: it lacks something, or is about nothing that we know.
    """
    try:
        event = _EVENTS.validate_python(value)
    except ValidationError as wrong:
        raise _wrong_shape(wrong) from None
    return (_signal(event, known),)


def read_plain(body: bytes, known: Known) -> Signal | None:
    """The signal of a plain health event, in one pass; None for anything else, however valid.

    Raises:
        Rejection: it is one, but about nothing that we know.
    """
    if len(body) > _PLAIN or _MARK not in body:
        return None
    try:
        event: HealthEvent = _from_json(body)
    except ValidationError:
        return None
    # Every key ends in `":` once the blanks are gone. As many as the model took: no key stands twice
    # and none is unknown, so nothing is in the body that the model has not checked.
    keys = len(event.model_fields_set) + len(event.data.model_fields_set)
    if body.translate(None, _BLANKS).count(b'":') != keys:
        return None
    return _signal(event, known)


def health_event_schema() -> dict[str, Any]:
    """The JSON Schema of the event, for editors and senders. What satisfies it has a shape that is read."""
    schema = _EVENTS.json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _signal(event: HealthEvent, known: Known) -> Signal:
    change = event.data
    moment = change.observed_at or event.time
    observed_at = utc(moment) if moment else None
    if observed_at is None:
        raise _bad_time(event)
    return Signal(
        id=bounded(f"{event.source}#{event.id}"),
        subject=_subject(event, known),
        source=event.source,
        observed_at=observed_at,
        order=change.sequence or 0,
        health=change.state,
        reasons=tuple([clip(reason, MAX_REASON) for reason in (change.reasons or ())[:MAX_REASONS]]),
    )


def _subject(event: HealthEvent, known: Known) -> Subject:
    """A missing stamp is a global node, for some serialisers leave null out; not against `subject`."""
    change = event.data
    root = known.root_of(change.workload, change.stamp)
    if change.stamp is None and event.subject and event.subject.startswith("stamps/"):
        reason = (
            "`subject` names a stamp and data.stamp does not; set data.stamp, or drop the stamp from both"
        )
        raise Rejection(Code.WRONG_SHAPE, reason)
    node = root if change.root else change.node
    if node is None:
        raise Rejection(Code.WRONG_SHAPE, "data.node: a name was expected, unless data.root is true")
    return Subject(change.workload, change.stamp, node)


def _bad_time(event: HealthEvent) -> Rejection:
    where, text = (
        ("data.observed_at", event.data.observed_at) if event.data.observed_at else ("time", event.time)
    )
    found = excerpt(text) if text else "nothing"
    reason = f"{where}: a time such as 2026-03-01T03:00:00Z was expected, found {found}"
    return Rejection(Code.BAD_TIME, reason)


def _wrong_shape(wrong: ValidationError) -> Rejection:
    """The first three faults, by path; never the values."""
    faults = wrong.errors(include_url=False, include_context=False, include_input=False)[:3]
    where = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    return Rejection(Code.WRONG_SHAPE, f"{where}; `remediation schema health-event` prints what is expected")
