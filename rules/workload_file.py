"""What may stand in a workload file, and which workload does it describe?

Beyond the type of each value this refuses what would make the promises of the
worker hollow: numbers that contradict each other, names that lead nowhere, and
settings with which no drain could ever be safe.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from rules.discovery_file import DiscoveryModel
from rules.fields import (
    FrontDoorId,
    Line,
    ModeWord,
    NodeName,
    ResourceGroup,
    Secret,
    ServiceUrl,
    Strict,
    WorkloadName,
)
from rules.policy import DEFAULT_MODE
from rules.policy_file import PolicyModel
from rules.problems import Complaint, Path, did_you_mean, refuse
from rules.sources_file import AlertsModel, HealthModelModel, SubjectRowModel
from rules.stamp_file import StampModel, share_nothing
from rules.topology import REFERENCE_TREE, ROOT_NODE, Channels, Endpoint, PagerDuty, Teams, Workload
from rules.work_file import DependencyModel, DeploymentModel, EndpointModel, WindowModel, refuse_twins, tree


def _default(of: type[PagerDuty | Workload], name: str) -> Any:
    """The default of a field of the core, so that it stands in one place."""
    return next(known.default for known in fields(of) if known.name == name)


class PagerDutyModel(Strict):
    """A PagerDuty service, by the Events API."""

    model_config = ConfigDict(title="PagerDuty")

    routing_key: Secret = Field(description="env:NAME of a variable with the integration's routing key.")
    url: ServiceUrl = Field(
        _default(PagerDuty, "url"), description="The Events API's address; it differs for accounts in the EU."
    )


class TeamsModel(Strict):
    """A Teams channel behind a Workflows webhook."""

    model_config = ConfigDict(title="Teams")

    url: Secret = Field(description="env:NAME of a variable with the webhook's URL, which is a secret.")


class ChannelsModel(Strict):
    """Where people are told. None given: pages and notifications go to the log alone."""

    model_config = ConfigDict(title="channels")

    pagerduty: PagerDutyModel | None = Field(None, description="Wakes someone.")
    teams: TeamsModel | None = Field(None, description="Tells the team.")

    def channels(self) -> Channels:
        """The frozen channels."""
        return Channels(
            pagerduty=PagerDuty(self.pagerduty.routing_key, self.pagerduty.url) if self.pagerduty else None,
            teams=Teams(self.teams.url) if self.teams else None,
        )


_NOWHERE = ChannelsModel.model_validate({})


class WorkloadFile(Strict):
    """One workload: its stamps, how far the worker may go with it, and who is told."""

    model_config = ConfigDict(
        title="workload of the remediation worker",
        json_schema_extra={
            "anyOf": [
                {"required": ["stamps"], "properties": {"stamps": {"minItems": 1}}},
                {"required": ["stamps_from"]},
            ]
        },
    )

    workload: WorkloadName = Field(description="The name of the workload; signals name it by that.")
    mode: ModeWord = Field(
        DEFAULT_MODE,
        description="How far the worker may go: observe (decide and journal), approve (ask first), auto.",
    )
    root_node: NodeName = Field(ROOT_NODE, description="The root of a stamp's health model.")
    state_file_check: Line = Field(
        _default(Workload, "state_file_check"),
        description="The HealthService's check that looks for the state file.",
    )
    resource_groups: list[ResourceGroup] = Field(
        [], description="An alert about a resource in one of these is about the workload as a whole."
    )
    front_door_id: FrontDoorId | None = Field(
        None, description="The id that the stamps expect in the header X-Azure-FDID."
    )
    front_door_url: ServiceUrl | None = Field(
        None,
        description="URL of the HealthService's /health/stamp through Front Door, as users come.",
    )
    processor_node: NodeName = Field(
        _default(Workload, "processor_node"), description="The node of the background processor."
    )
    database_check: Line = Field(
        _default(Workload, "database_check"),
        description="The HealthService's check on the database: while it fails, the processor only waits.",
    )
    health_score_check: Line = Field(
        _default(Workload, "health_score_check"),
        description="The HealthService's check on the health model: it also fails when nobody can be asked.",
    )
    dependencies: list[DependencyModel] | None = Field(
        None,
        max_length=200,
        description="The health model of a stamp. Not given: the reference architecture's.",
    )
    maintenance: list[WindowModel] = Field(
        [], max_length=100, description="Planned work: nothing is done to the stamp, and it does not count."
    )
    deployments: list[DeploymentModel] = Field([], max_length=100, description="What rules may restart.")
    webhooks: list[EndpointModel] = Field([], max_length=20, description="Whom rules may ask for a step.")
    subjects: list[SubjectRowModel] = Field(
        [],
        max_length=200,
        description="What a body is about, where resource groups do not tell. The first that fits counts.",
    )
    health_model: HealthModelModel | None = Field(
        None, description="A health model of Azure Monitor, asked for the state of its entities."
    )
    fired_alerts: AlertsModel | None = Field(
        None, description="Asked each minute for alerts that fired and never arrived."
    )
    policy: PolicyModel = Field(PolicyModel(), description="Numbers that differ from the defaults.")
    channels: ChannelsModel = Field(_NOWHERE, description="Where people are told.")
    stamps: Annotated[list[StampModel], AfterValidator(share_nothing)] = Field(
        [], description="The stamps. A drain needs at least one more than min_serving."
    )
    stamps_from: DiscoveryModel | None = Field(
        None, description="Where stamps come and go: they are found by the resource groups they lie in."
    )

    @model_validator(mode="after")
    def _is_sound(self) -> "WorkloadFile":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        yield from self._lost_names()
        if self.stamps_from is None:
            yield from self._too_few()
        own = {group.lower() for stamp in self.stamps for group in stamp.groups()}
        for place, group in enumerate(self.resource_groups):
            if group.lower() in own:
                message = f"the resource group {group} belongs to a stamp too"
                yield Complaint(message, "an alert in it would be about both", ("resource_groups", place))

    def _too_few(self) -> Iterator[Complaint]:
        """What is missing of the stamps, where they all stand in the file."""
        stamps, least = len(self.stamps), self.policy.min_serving
        if "stamps" not in self.model_fields_set:
            yield Complaint("expected the key `stamps`, which is missing", "add it")
        elif not stamps:
            yield Complaint("expected at least one entry, found none", "add one", ("stamps",))
        elif least >= stamps:
            # A second stamp may be yet to come; but a file that can never drain should not look as if it did.
            at: Path = ("policy", "min_serving") if "policy" in self.model_fields_set else ("stamps",)
            message = f"no drain is possible: {least} must go on serving, and there is no more than {stamps}"
            yield Complaint(message, "add a stamp, or lower `min_serving`, not below 1", at)

    def _lost_names(self) -> Iterator[Complaint]:
        """Names of stamps that no stamp has."""
        refuse_twins([(each.name, each.stamp) for each in self.deployments], "deployments")
        refuse_twins([each.name for each in self.webhooks], "webhooks")
        if self.stamps_from is not None:
            return  # the stamp may be one that is found, now or later
        names = [stamp.name for stamp in self.stamps]
        rows: list[tuple[str | None, Path]] = [
            (row.stamp, ("subjects", place, "stamp")) for place, row in enumerate(self.subjects)
        ]
        entities = self.health_model.entities if self.health_model else []
        rows += [(w.stamp, ("maintenance", place, "stamp")) for place, w in enumerate(self.maintenance)]
        rows += [(d.stamp, ("deployments", place, "stamp")) for place, d in enumerate(self.deployments)]
        rows += [(e.stamp, ("health_model", "entities", place, "stamp")) for place, e in enumerate(entities)]
        for name, at in rows:
            if name is not None and name not in names:
                there = f"the stamps are {', '.join(names)}"
                yield Complaint(f"there is no stamp {name}", did_you_mean(name, names, there), at)

    def frozen(self) -> Workload:
        """The frozen workload."""
        return Workload(
            name=self.workload,
            stamps=tuple(stamp.stamp() for stamp in self.stamps),
            mode=self.mode,
            policy=self.policy.policy(),
            channels=self.channels.channels(),
            resource_groups=tuple(self.resource_groups),
            front_door_id=self.front_door_id,
            front_door_url=self.front_door_url,
            processor_node=self.processor_node,
            database_check=self.database_check,
            health_score_check=self.health_score_check,
            dependencies=REFERENCE_TREE if self.dependencies is None else tree(self.dependencies),
            maintenance=tuple(each.window() for each in self.maintenance),
            deployments=tuple(each.deployment_of() for each in self.deployments),
            webhooks=tuple(Endpoint(each.url, each.secret, each.name) for each in self.webhooks),
            subjects=tuple(row.row() for row in self.subjects),
            health_model=self.health_model.health_model() if self.health_model else None,
            fired_alerts=tuple(self.fired_alerts.subscriptions) if self.fired_alerts else (),
            root_node=self.root_node,
            state_file_check=self.state_file_check,
            stamps_from=self.stamps_from.discovery() if self.stamps_from else None,
        )
