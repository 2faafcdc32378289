"""What may stand in a scenario file?

As strict as workload and rule files: unknown keys, keys twice and wrong types are errors with line and
column. All times are counted from the beginning of the run. Whether what is named there exists, `sense` asks.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from rehearsal.expect.words import Expectation, parse_expectation
from rehearsal.scenario.happens import (
    AlertHappens,
    BodyHappens,
    BreakHappens,
    FaultHappens,
    HealthHappens,
    PersonHappens,
    ServiceHealthHappens,
    StampHappens,
)
from rehearsal.scenario.moments import Moment
from rules.fields import AtLeast, Duration, Line, Matches, ModeWord, StampName, Strict
from rules.policy import Mode
from rules.policy_file import PolicyModel
from rules.problems import Complaint, refusal, refuse

STAMPS = ("weu", "neu", "sdc")

Row = Annotated[str, Matches("^(F(0[1-9]|[12][0-9]|30)|I[1-4])$", "a row of the failure table, F01 to I4")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Happens = (
    BreakHappens
    | HealthHappens
    | AlertHappens
    | ServiceHealthHappens
    | BodyHappens
    | PersonHappens
    | FaultHappens
    | StampHappens
)


class WindowModel(Strict):
    """Planned work."""

    model_config = ConfigDict(title="maintenance window")

    since: Moment = Field(alias="from", description="Its beginning.")
    until: Duration = Field(description="Its end.")
    reason: Line = Field("planned work", description="What is done.")
    stamp: StampName | None = Field(None, description="Not given: the whole workload.")

    @model_validator(mode="after")
    def _is_sound(self) -> "WindowModel":
        if self.until <= self.since:
            raise refusal(Complaint("it ends before it begins", "", ("until",)))
        return self


class WorkloadModel(Strict):
    """What differs from the default workload: three stamps with two levers and hubs, all probes on."""

    model_config = ConfigDict(title="workload of a scenario")

    file: Line | None = Field(
        None,
        description="A workload file instead, relative to the scenario. Nothing else may stand beside it.",
    )
    stamps: list[StampName] = Field(
        list(STAMPS), min_length=1, description="The names of all stamps that there ever are."
    )
    policy: PolicyModel = Field(PolicyModel(), description="Numbers that differ from the defaults.")
    second_lever: bool = Field(default=True, description="Each stamp has an origin in Front Door.")
    lag_probe: bool = Field(default=True, description="The hubs of the processors are looked at.")
    path_probe: bool = Field(default=True, description="The worker looks through Front Door.")
    capacity: Annotated[int, AtLeast(1, "leave it out where it does not matter")] | None = Field(
        None, description="Of each stamp, in the unit of the policy's `load`."
    )
    deployments: list[Line] = Field([], description="Names of deployments that each stamp has.")
    webhooks: list[Line] = Field([], description="Names of systems that rules may ask for a step.")
    maintenance: list[WindowModel] = Field([], description="Planned work.")

    @model_validator(mode="after")
    def _is_sound(self) -> "WorkloadModel":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        if self.file is not None and len(self.model_fields_set) > 1:
            yield Complaint("expected nothing beside `file`", "change the workload file instead")


class EntryModel(Strict):
    """One thing that happens at one time."""

    model_config = ConfigDict(title="what happens")

    at: Moment = Field(description="When, from the beginning: 0s, 3m, 1h 30m.")
    every: Duration | None = Field(None, description="Again and again after that, until `until`.")
    until: Duration | None = Field(None, description="With `every`: the last time. Default: the end.")
    breaks: BreakHappens | None = Field(None, alias="break", description="Something of the world breaks.")
    mend: BreakHappens | None = Field(None, description="It is mended.")
    health: HealthHappens | None = Field(None, description="The health model speaks of a node.")
    alert: AlertHappens | None = Field(None, description="Azure Monitor posts an alert.")
    service_health: ServiceHealthHappens | None = Field(None, description="Azure speaks of its services.")
    body: BodyHappens | None = Field(None, description="Any body, from a file.")
    person: PersonHappens | None = Field(None, description="A person does something.")
    fault: FaultHappens | None = Field(None, description="Something befalls the workers or their hub.")
    stamp: StampHappens | None = Field(None, description="A stamp is deployed, or destroyed.")

    @model_validator(mode="after")
    def _is_sound(self) -> "EntryModel":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        found = [name for name in KINDS if getattr(self, _FIELDS.get(name, name)) is not None]
        if len(found) != 1:
            said = f"found {' and '.join(found)}" if found else "found none"
            yield Complaint(f"expected exactly one of {', '.join(KINDS)}, {said}", "one entry for each")
        if self.until is not None and self.every is None:
            yield Complaint("`until` needs `every`", "", ("until",))

    @property
    def what(self) -> tuple[str, Happens]:
        """Its key, and what happens."""
        for name in KINDS:
            said: Happens | None = getattr(self, _FIELDS.get(name, name))
            if said is not None:
                return name, said
        raise AssertionError("the model has exactly one")  # pragma: no cover

    def times(self, end: timedelta) -> Iterator[timedelta]:
        """When it happens."""
        at, last = self.at, min(self.until or end, end)
        yield at
        while self.every is not None and at + self.every <= last:
            at += self.every
            yield at


KINDS = ("break", "mend", "health", "alert", "service_health", "body", "person", "fault", "stamp")
_FIELDS = {"break": "breaks"}

ExpectationModel = Annotated[
    Expectation,
    PlainValidator(parse_expectation),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "minProperties": 1, "maxProperties": 1},
            ],
            "examples": ["no pages", {"drained": "weu by 3m"}, {"pages": "1 saying global"}],
        }
    ),
]


class ScenarioFile(Strict):
    """One scenario: what happens, and what the worker must make of it."""

    model_config = ConfigDict(title="scenario for the remediation worker")

    name: Line = Field(description="What it is called in reports: a claim, in a few words.")
    row: Row | None = Field(None, description="The row of the failure table that it proves.")
    about: Text | None = Field(None, description="Why it is worth rehearsing.")
    workload: WorkloadModel = Field(WorkloadModel.model_validate({}), description="Default: three stamps.")
    rules: list[Line] = Field(
        [], description="Rule files, relative to the scenario. Default: the shipped catalogue."
    )
    mode: ModeWord = Field(Mode.AUTO, description="The workload's mode: observe, approve, auto.")
    workers: Annotated[int, AtLeast(1, "somebody must do it", most=10)] = Field(1, description="How many.")
    health_score_check: bool = Field(
        default=True,
        description="The HealthServices fail while the health model says red, as the reference's do.",
    )
    timeline: list[EntryModel] = Field([], description="What happens, in any order.")
    run: Duration = Field(description="How long.")
    expect: list[ExpectationModel] = Field(min_length=1, description="What must come of it.")
    seed: Annotated[int, AtLeast(0, "any number")] | Literal[0] = Field(
        1, description="Of all chance in the run. Another may be given on the command line."
    )
