"""What can happen in a scenario? Each kind of entry of a timeline."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from rehearsal.world.what import MEANS, OF_ALL, What
from rules.fields import Duration, Line, Matches, NodeName, StampName, Strict
from rules.problems import Complaint, Path, refusal, refuse
from rules.signals import Health

NodeOf = Annotated[
    str, Matches(r"^[a-z0-9-]{1,63}/\S.{0,126}$", "STAMP/NODE, such as weu/Stamp or global/CosmosDB")
]
ALL = "global"
_STAMPS = "Whose. Not given: of all stamps."


class BreakHappens(Strict):
    """Something of the world breaks, or is mended."""

    model_config = ConfigDict(title="break or mend")

    what: Annotated[What, Field(strict=False)] = Field(
        description="; ".join(f"{what}: {means}" for what, means in MEANS.items())
    )
    stamp: StampName | None = Field(None, description=_STAMPS)
    words: Line | None = Field(None, alias="as", description="How it is called in the report.")

    @model_validator(mode="after")
    def _is_sound(self) -> "BreakHappens":
        if self.stamp is not None and self.what in OF_ALL:
            raise refusal(Complaint(f"{self.what} is never one stamp's own", "leave it out", ("stamp",)))
        return self

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """The stamps that it names, and where."""
        if self.stamp is not None:
            yield ("stamp",), self.stamp


class StampHappens(Strict):
    """A stamp is deployed or destroyed, as blue/green does. The workers learn of it within a minute."""

    model_config = ConfigDict(title="stamp")

    comes: StampName | None = Field(None, description="It is deployed. Before that it is not there.")
    goes: StampName | None = Field(None, description="It is destroyed, with everything that is in it.")

    @model_validator(mode="after")
    def _is_sound(self) -> "StampHappens":
        refuse(exactly_one(self))
        return self

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """The stamps that it names, and where."""
        yield ("comes" if self.comes else "goes",), self.comes or self.goes or ""


class HealthHappens(Strict):
    """The health model, or somebody else, speaks of a node; snapshots repeat it until it changes."""

    model_config = ConfigDict(title="health event")

    node: NodeOf = Field(description="STAMP/NODE, or global/NODE.")
    state: Annotated[Health, Field(strict=False)] = Field(description="green, yellow, red, unknown.")
    source: Line | None = Field(None, description="Who says so. Default: the workload's health model.")
    reasons: list[Line] = Field([], description="Why, for people.")
    once: bool = Field(default=False, description="It is said once, and never repeated.")

    @property
    def where(self) -> tuple[str | None, str]:
        """Stamp (None: global) and node."""
        stamp, _, node = self.node.partition("/")
        return (None if stamp == ALL else stamp), node

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """The stamps that it names, and where."""
        stamp, _ = self.where
        if stamp is not None:
            yield ("node",), stamp


class AlertHappens(Strict):
    """A metric alert, posted to the webhook as Azure Monitor does."""

    model_config = ConfigDict(title="alert")

    rule: Line = Field(description="The name of the alert rule.")
    stamp: StampName | None = Field(None, description="Whose resource it is about. Not given: no stamp's.")
    state: Literal["fired", "resolved"] = Field("fired", description="It fires, or the last one resolves.")
    severity: Literal["Sev0", "Sev1", "Sev2", "Sev3", "Sev4"] = Field("Sev1", description="Azure's severity.")
    resource: Line = Field(
        "microsoft.eventhub/namespaces/shop-evhns", description="Type and name of the resource."
    )

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """The stamps that it names, and where."""
        if self.stamp is not None:
            yield ("stamp",), self.stamp


class ServiceHealthHappens(Strict):
    """One update of a Service Health incident, posted to the webhook."""

    model_config = ConfigDict(title="Service Health")

    service: Line = Field(description="Azure's name of it, such as Azure Front Door.")
    stage: Line = Field("Active", description="Active, Resolved, RCA, Planned, InProgress, Complete.")
    regions: list[Line] = Field([], description="Display names, such as West Europe. None: Global.")
    tracking: Line = Field("TRK-1", description="The tracking id: updates of one id are one incident.")
    kind: Literal["Incident", "Maintenance", "Informational", "ActionRequired", "Security"] = Field(
        "Incident", description="Azure's kind of event."
    )
    title: Line | None = Field(None, description="Of the incident.")
    says: Line | None = Field(None, description="The communication.")

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """It names regions and no stamps."""
        return iter(())


class BodyHappens(Strict):
    """Any body, from a file beside the scenario. `{{now}}` in it stands for the moment."""

    model_config = ConfigDict(title="body")

    file: Line = Field(description="Relative to the scenario.")
    to: Literal["webhook", "hub"] = Field("webhook", description="How it comes.")
    age: Duration | None = Field(None, description="To the hub: for how long it has been there.")

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """Nobody has read it yet."""
        return iter(())


class OrderModel(Strict):
    """An order of a person to the worker."""

    model_config = ConfigDict(title="order")

    order: Literal["drain", "rejoin", "hold", "release", "silence", "approve"] = Field(description="Which.")
    stamp: StampName | None = Field(None, description="For drain, rejoin, silence; of the step to approve.")
    by: Line = Field("anna", description="Who gives it.")
    reason: Line = Field("rehearsal", description="Why.")
    lasts: Duration | None = Field(None, alias="for", description="For hold and silence.")
    family: Line | None = Field(None, description="For silence: a pattern of rule families.")
    unproven: bool = Field(default=False, description="For rejoin: without proof of recovery.")


class PersonHappens(Strict):
    """A person, or a tool that people started, does something past the worker, or gives it an order."""

    model_config = ConfigDict(title="person")

    drain: StampName | None = Field(None, description="Deletes the stamp's state file.")
    undo: StampName | None = Field(None, description="Creates it again, as Terraform does.")
    touch: StampName | None = Field(None, description="Writes it anew: another ETag.")
    maintenance: StampName | None = Field(None, description="Writes MAINTENANCE into it.")
    disable: StampName | None = Field(None, description="Disables the stamp's origin in Front Door.")
    enable: StampName | None = Field(None, description="Enables it.")
    marker: Line | None = Field(None, description="Lays the emergency hold beside the ledger; the reason.")
    remove_marker: Literal[True] | None = Field(None, description="Takes it away.")
    order: OrderModel | None = Field(None, description="Gives the worker an order.")

    @model_validator(mode="after")
    def _is_sound(self) -> "PersonHappens":
        refuse(exactly_one(self))
        return self

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """The stamps that it names, and where."""
        for key in ("drain", "undo", "touch", "maintenance", "disable", "enable"):
            if (name := getattr(self, key)) is not None:
                yield (key,), name
        if self.order is not None and self.order.stamp is not None:
            yield ("order", "stamp"), self.order.stamp


class PauseModel(Strict):
    """A process stands still, and goes on later as if nothing had been."""

    model_config = ConfigDict(title="pause")

    worker: Line = Field(description="Which.")
    lasts: Duration = Field(alias="for", description="How long.")


class ClockModel(Strict):
    """A worker's clock is set wrong."""

    model_config = ConfigDict(title="clock")

    worker: Line = Field(description="Which.")
    ahead: Duration | None = Field(None, description="By so much it is ahead.")
    behind: Duration | None = Field(None, description="By so much it lies behind. Neither: it is right.")


class HubModel(Strict):
    """How the hub of the signals delivers from now on."""

    model_config = ConfigDict(title="hub")

    late: Duration | None = Field(None, description="Bodies take up to so long, and overtake each other.")
    twice: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="So many of a hundred bodies come twice."
    )
    replay: Literal["all"] | int | None = Field(
        None, description="Everything, or the last so many bodies, are delivered again now."
    )


class LateDeleteModel(Strict):
    """The next deletion of a stamp's state file lands late, and whoever sent it does not hear of it."""

    model_config = ConfigDict(title="late delete")

    stamp: StampName = Field(description="Whose state file.")
    by: Duration = Field(description="So much later it lands.")
    still: bool = Field(
        default=False,
        description="Its worker stands still until it has landed; else it is told of a time-out at once.",
    )


class FaultHappens(Strict):
    """Something befalls the workers or their hub. Workers are called worker-1, worker-2 and so on."""

    model_config = ConfigDict(title="fault")

    crash: Line | None = Field(None, description="This worker is gone, in the middle of whatever it does.")
    restart: Line | None = Field(None, description="It is gone, and a new process takes its place.")
    add: Line | None = Field(None, description="Another worker starts.")
    pause: PauseModel | None = Field(None, description="This worker stands still for a while.")
    clock: ClockModel | None = Field(None, description="This worker's clock is set.")
    deploy: Literal[True] | None = Field(None, description="All workers are replaced at once.")
    hub: HubModel | None = Field(None, description="How bodies are delivered.")
    late_delete: LateDeleteModel | None = Field(
        None, description="The next deletion of a stamp's state file lands late."
    )
    remake_hub: StampName | None = Field(
        None, description="The stamp's own hub is deleted and made anew; the checkpoints stay."
    )

    @model_validator(mode="after")
    def _is_sound(self) -> "FaultHappens":
        refuse(exactly_one(self))
        return self

    @property
    def worker(self) -> str | None:
        """The worker that it befalls, if it is one that must be there."""
        of_one = self.pause or self.clock
        return of_one.worker if of_one else self.crash or self.restart

    def stamps(self) -> Iterator[tuple[Path, str]]:
        """The stamps that it names, and where."""
        if self.remake_hub is not None:
            yield ("remake_hub",), self.remake_hub
        if self.late_delete is not None:
            yield ("late_delete", "stamp"), self.late_delete.stamp


def exactly_one(model: Strict) -> Iterator[Complaint]:
    """Complain where not exactly one key is given."""
    names = list(type(model).model_fields)
    found = [name for name in names if getattr(model, name) is not None]
    if len(found) != 1:
        said = f"found {' and '.join(found)}" if found else "found none"
        yield Complaint(f"expected exactly one of {', '.join(names)}, {said}")


__all__ = [
    "ALL",
    "AlertHappens",
    "BodyHappens",
    "BreakHappens",
    "ClockModel",
    "FaultHappens",
    "HealthHappens",
    "HubModel",
    "LateDeleteModel",
    "NodeName",
    "OrderModel",
    "PauseModel",
    "PersonHappens",
    "ServiceHealthHappens",
    "StampHappens",
]
