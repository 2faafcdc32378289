"""Which order does the body of a request give, and to which workload?

The one body that asks for a deed. It is strict where other bodies are read
with patience: who gives an order can mend it, and gets a sentence that says how.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from remediation.decide.orders import (
    ApproveOrder,
    DrainOrder,
    EndSilenceOrder,
    HoldOrder,
    Order,
    RejoinOrder,
    ReleaseOrder,
    SilenceOrder,
)
from remediation.intake import limits
from remediation.intake.rejection import Code, Rejection
from rules.fields import Duration

BOM = b"\xef\xbb\xbf"

KINDS = ("hold", "release", "silence", "end-silence", "drain", "rejoin", "approve")


class _Given(BaseModel):
    """What every order says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    workload: str
    author: str
    reason: str = ""


class _Timed(_Given):
    """An order for a time: till a moment with its offset, or for a duration such as `2h`."""

    until: AwareDatetime | None = None
    for_: Duration | None = Field(None, alias="for")

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.until is not None and self.for_ is not None:
            raise ValueError("either `until` or `for` was expected, not both")
        return self

    def end(self, now: datetime) -> datetime | None:
        """When it ends, in UTC."""
        return now + self.for_ if self.for_ else self.until and self.until.astimezone(UTC)


class _Hold(_Timed):
    order: Literal["hold"]

    def to_order(self, now: datetime) -> Order:
        return HoldOrder(self.author, self.reason, self.end(now))


class _Release(_Given):
    order: Literal["release"]

    def to_order(self, now: datetime) -> Order:  # noqa: ARG002 - as every order
        return ReleaseOrder(self.author, self.reason)


class _Silence(_Timed):
    order: Literal["silence"]
    stamp: str | None = None
    family: str = "*"

    @model_validator(mode="after")
    def _an_end(self) -> Self:
        if self.until is None and self.for_ is None:
            raise ValueError("a silence ends: `until` or `for` was expected")
        return self

    def to_order(self, now: datetime) -> Order:
        return SilenceOrder(self.author, self.reason, self.end(now) or now, self.stamp, self.family)


class _EndSilence(_Given):
    order: Literal["end-silence"]
    silence: str

    def to_order(self, now: datetime) -> Order:  # noqa: ARG002 - as every order
        return EndSilenceOrder(self.author, self.silence, self.reason)


class _Drain(_Given):
    order: Literal["drain"]
    stamp: str

    def to_order(self, now: datetime) -> Order:  # noqa: ARG002 - as every order
        return DrainOrder(self.author, self.reason, self.stamp)


class _Rejoin(_Given):
    order: Literal["rejoin"]
    stamp: str
    unproven: bool = False

    def to_order(self, now: datetime) -> Order:  # noqa: ARG002 - as every order
        return RejoinOrder(self.author, self.reason, self.stamp, self.unproven)


class _Approve(_Given):
    order: Literal["approve"]
    approval: str

    def to_order(self, now: datetime) -> Order:  # noqa: ARG002 - as every order
        return ApproveOrder(self.author, self.approval, self.reason)


_Any = Annotated[
    _Hold | _Release | _Silence | _EndSilence | _Drain | _Rejoin | _Approve, Field(discriminator="order")
]
_ORDER: TypeAdapter[_Hold | _Release | _Silence | _EndSilence | _Drain | _Rejoin | _Approve] = TypeAdapter(
    _Any
)


def read_order(body: bytes, now: datetime) -> tuple[str, Order]:
    """The workload that an order is for, and the order.

    Raises:
        Rejection: the body is no order; says where and what was expected.
    """
    limits.parse(body)  # doubled keys, excess and half characters: pydantic would let them through
    try:
        given = _ORDER.validate_json(body.removeprefix(BOM))
    except ValidationError as wrong:
        raise Rejection(Code.WRONG_SHAPE, _first(wrong)) from None
    return given.workload, given.to_order(now)


def _first(wrong: ValidationError) -> str:
    """The first complaint and where; never the value, which may be anything."""
    complaint = wrong.errors(include_url=False, include_input=False)[0]
    # The first part names the kind of order once it is known.
    where = ".".join(str(part) for part in complaint["loc"][1:]) or "order"
    match complaint["type"]:
        case "union_tag_not_found" | "union_tag_invalid":
            said = f"one of {', '.join(KINDS)} was expected"
        case "complaint":
            said = complaint["ctx"]["complaints"][0].message
        case _:
            said = complaint["msg"].removeprefix("Value error, ")
    return f"{where}: {said}"
