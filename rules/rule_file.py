"""What may stand in a rule file, and which rules does it make?

The words of a rule file are closed: five kinds of conditions and a `for`. What
passes here becomes the frozen rules of `rules.rule`; nothing else of it leaves.
"""

from collections.abc import Iterator
from typing import Annotated, Any, assert_never

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from rules.conditions import AlertFires, AllOf, AnyOf, Condition, HeldFor, NodeIs, Not, anchors
from rules.fields import (
    AlertName,
    Duration,
    Line,
    LinkUrl,
    ModeWord,
    NodeName,
    RuleName,
    Severities,
    SeverityWord,
    States,
    Strict,
)
from rules.policy import Mode
from rules.problems import Complaint, Path, did_you_mean, refusal, refuse
from rules.reach import Scope
from rules.rule import AskedOf, Playbook, Proof, Rule

MAX_DEPTH = 8
MAX_PARTS = 50


class _Held(Strict):
    """What every condition may have beside its own words."""

    held_for: Duration | None = Field(
        None, alias="for", description="It must have held without a break for this long."
    )


class NodeModel(_Held):
    """The node is in one of these states."""

    model_config = ConfigDict(title="node is")

    node: NodeName = Field(
        description="A node of the health model, or of whoever else speaks of it. "
        "`Stamp` is the root of a stamp. A node nobody has spoken of lately is `unknown`."
    )
    state: States = Field(description="One of green, yellow, red, unknown, or a list of them.")
    source: Line | None = Field(
        None,
        description="Only by the words of this source, such as consumer-lag; * is any run. "
        "Not given: the worst of all that is said.",
    )


class AlertModel(_Held):
    """An instance of this alert rule fires."""

    model_config = ConfigDict(title="alert fires")

    alert: AlertName = Field(
        description="The name of an Azure Monitor alert rule. Case does not matter; * is any run."
    )
    severity: Severities | None = Field(
        None, description="Only alerts of this severity, or of one of these. Not given: any."
    )
    within: Duration | None = Field(
        None, description="Only while the alert is no older than that: for alerts that never resolve."
    )


class AllModel(_Held):
    """Every part holds."""

    model_config = ConfigDict(title="all of")

    every: "list[ConditionModel]" = Field(alias="all", min_length=1, description="Every one of these holds.")


class AnyModel(_Held):
    """At least one part holds."""

    model_config = ConfigDict(title="any of")

    some: "list[ConditionModel]" = Field(
        alias="any", min_length=1, description="At least one of these holds."
    )


class NotModel(_Held):
    """The part does not hold."""

    model_config = ConfigDict(title="not")

    part: "ConditionModel" = Field(alias="not", description="This does not hold.")


_KINDS: dict[str, type[_Held]] = {
    "node": NodeModel,
    "alert": AlertModel,
    "all": AllModel,
    "any": AnyModel,
    "not": NotModel,
}
_NAMES = ", ".join(_KINDS)


def _one_kind(value: object) -> object:
    """Pass what is of exactly one kind; what is of none or of several could not be told to anyone."""
    if not isinstance(value, dict):
        raise refusal(Complaint(f"expected a condition: a mapping with one of {_NAMES}"))
    kinds = [f"`{key}`" for key in value if key in _KINDS]
    if not kinds:
        hints = [hint for key in value if (hint := did_you_mean(key, list(_KINDS)))]
        raise refusal(
            Complaint(f"expected exactly one of {_NAMES}, found none", hints[0] if hints else "add one")
        )
    if len(kinds) > 1:
        words = f"expected exactly one of {_NAMES}, found {' and '.join(kinds)}"
        raise refusal(Complaint(words, "join several under `all:` or `any:`"))
    return value


def _tag(value: Any) -> str:
    return next(kind.tag() for key, kind in _KINDS.items() if key in value)


ConditionModel = Annotated[
    Annotated[
        Annotated[NodeModel, Tag(NodeModel.tag())]
        | Annotated[AlertModel, Tag(AlertModel.tag())]
        | Annotated[AllModel, Tag(AllModel.tag())]
        | Annotated[AnyModel, Tag(AnyModel.tag())]
        | Annotated[NotModel, Tag(NotModel.tag())],
        Discriminator(_tag),
    ],
    BeforeValidator(_one_kind),
]


for _kind in (AllModel, AnyModel, NotModel):
    _kind.model_rebuild()  # now that the conditions they are made of are all known


class RuleModel(Strict):
    """One rule: a condition, and what it asks for when it holds."""

    model_config = ConfigDict(title="rule")

    name: RuleName = Field(description="Unique over all rule files, the shipped ones too; kebab-case.")
    summary: Line = Field(
        description="What it means when it holds: one sentence for the person who is paged."
    )
    when: ConditionModel = Field(
        description=f"The condition: exactly one of {_NAMES}, and perhaps `for`. "
        f"At most {MAX_DEPTH} levels and {MAX_PARTS} parts."
    )
    severity: SeverityWord = Field(description="How loudly people are told.")
    playbook: Annotated[Playbook, Field(strict=False)] = Field(
        description="drain: page, take the stamp out of rotation, bring it back after proof. "
        "page: wake someone. notify: tell the team. record: write it down. "
        "restart, webhook: tell the team, and take that step."
    )
    mode: ModeWord = Field(
        Mode.AUTO,
        description="How far the worker may go by this rule: observe (decide and journal only), approve "
        "(ask first), auto. The workload's mode caps it.",
    )
    family: RuleName | None = Field(
        None, description="Rules of one family describe one fault: one incident, one page. Default: the name."
    )
    asked_of: Annotated[AskedOf, Field(strict=False)] = Field(
        AskedOf.STAMP,
        description="stamp: each stamp by itself. workload: global nodes, alerts about no stamp.",
    )
    runbook: LinkUrl | None = Field(None, description="Where the person who is paged reads on.")
    proof: Annotated[Proof, Field(strict=False)] = Field(
        Proof.CAUSE,
        description="What a drained stamp comes back on. cause: those who reported it take it back. "
        "backlog: besides, every checkpoint has passed where its event hub was at the drain.",
    )
    scope: Annotated[Scope, Field(strict=False)] | None = Field(
        None,
        description="How far the fault reaches when the rule holds, whatever else stands: global, edge or "
        "partial holds every drain of the stamp (asked of the workload: of every stamp).",
    )
    no_headroom: bool = Field(
        default=False,
        description="When it holds, its stamp can take no more load: no other stamp is drained onto it.",
    )
    target: Line | None = Field(
        None, description="The deployment or endpoint of the workload file, for restart and webhook."
    )

    @model_validator(mode="after")
    def _is_sound(self) -> "RuleModel":
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        parts = list(_parts(self.when, ("when",)))
        deep = [at for at, depth in parts if depth > MAX_DEPTH]
        if deep:
            yield Complaint(f"expected at most {MAX_DEPTH} levels of conditions", "write it flatter", deep[0])
        if len(parts) > MAX_PARTS:
            words = f"expected at most {MAX_PARTS} parts in a condition, found {len(parts)}"
            yield Complaint(words, "make several rules of one family", ("when",))
        if self.playbook.drains and self.asked_of is AskedOf.WORKLOAD:
            words = "a drain needs a stamp, and this rule is asked of the workload"
            yield Complaint(words, "ask it of the stamp, or take the playbook page", ("asked_of",))
        if self.playbook is Playbook.RESTART and self.asked_of is AskedOf.WORKLOAD:
            words = "a restart needs a stamp, and this rule is asked of the workload"
            yield Complaint(words, "ask it of the stamp", ("asked_of",))
        if self.playbook.targets != (self.target is not None):
            words = (
                f"the playbook {self.playbook} {'needs' if self.playbook.targets else 'takes no'} `target`"
            )
            yield Complaint(words, "it names a deployment or endpoint of the workload file", ("playbook",))
        if self.playbook.drains and self.scope is not None and self.scope is not Scope.STAMP:
            words = f"a drain helps only a stamp's own fault, and this rule calls it {self.scope}"
            yield Complaint(words, "leave `scope` out, or take the playbook page", ("scope",))
        if self.playbook.drains and anchors(condition(self.when)) is None:
            # Acting fails closed: silence must never be a reason to take a stamp out.
            words = "a drain must rest on a fact, and this can hold where nothing is known"
            yield Complaint(words, "join `unknown` and `not` with a fact, under `all:`; or page", ("when",))

    def rule(self, where: str) -> Rule:
        """The frozen rule; `where` is the `file:line` it stands at."""
        return Rule(
            name=self.name,
            summary=self.summary,
            when=condition(self.when),
            severity=self.severity,
            playbook=self.playbook,
            mode=self.mode,
            family=self.family or self.name,
            asked_of=self.asked_of,
            runbook=self.runbook,
            proof=self.proof,
            scope=self.scope,
            no_headroom=self.no_headroom,
            target=self.target,
            where=where,
        )


class RuleFile(Strict):
    """Rules: when something is true of a stamp or of the workload, what is to be done?"""

    model_config = ConfigDict(title="rules of the remediation worker")

    rules: list[RuleModel] = Field(min_length=1, description="The rules. Their order does not matter.")


def condition(model: ConditionModel) -> Condition:
    """The frozen condition of a validated one."""
    plain = _plain(model)
    return plain if model.held_for is None else HeldFor(plain, model.held_for)


def _plain(model: ConditionModel) -> Condition:
    match model:
        case NodeModel():
            return NodeIs(model.node, frozenset(model.state), model.source)
        case AlertModel():
            return AlertFires(model.alert, frozenset(model.severity or ()), model.within)
        case AllModel():
            return AllOf(tuple(condition(part) for part in model.every))
        case AnyModel():
            return AnyOf(tuple(condition(part) for part in model.some))
        case NotModel():
            return Not(condition(model.part))
        case _:  # pragma: no cover
            assert_never(model)


def _parts(model: ConditionModel, at: Path, depth: int = 1) -> Iterator[tuple[Path, int]]:
    """Every condition in this one and itself, with its place in the file and its depth."""
    yield at, depth
    match model:
        case AllModel():
            for place, part in enumerate(model.every):
                yield from _parts(part, (*at, "all", place), depth + 1)
        case AnyModel():
            for place, part in enumerate(model.some):
                yield from _parts(part, (*at, "any", place), depth + 1)
        case NotModel():
            yield from _parts(model.part, (*at, "not"), depth + 1)
        case _:
            return
