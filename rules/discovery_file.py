"""What may stand in a workload file about stamps that come and go, and what is asked for by it?

Stamps live for weeks; the next release brings new ones beside the old. What they
all have in common stands in the file once, as a template whose texts hold
placeholders, so that a new stamp is watched without anybody editing a file.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from rules.fields import Guid, Line, Matches, Strict
from rules.problems import Complaint, Path, did_you_mean, refusal, refuse
from rules.stamp_file import StampModel
from rules.topology import Discovery

PLACEHOLDERS: Mapping[str, str] = {
    "group": "the name of the resource group",
    "region": "Azure's short name of the region where the group lies",
    "region9": "its first nine characters, as the reference architecture cuts it for names of resources",
    "prefix": "what the first `*` of `resource_group` stands for",
    "name": "the stamp's name",
}
"""What may stand in braces in the texts of a template."""

_STARS_MOST = 4
"""Each more multiplies the ways to try a name, and no naming scheme needs it."""

_GIVEN = ("region", "resource_group")
"""What a template must not say, for the group itself says it."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_]+)\}")

_SAMPLES: tuple[Mapping[str, str], ...] = (
    {
        "group": "shop1a2b-stamp-westeurope-rg",
        "region": "westeurope",
        "region9": "westeurop",
        "prefix": "1a2b",
        "name": "1a2b-westeurope",
    },
    {
        "group": "shop3c4d-stamp-northeurope-rg",
        "region": "northeurope",
        "region9": "northeuro",
        "prefix": "3c4d",
        "name": "3c4d-northeurope",
    },
)
"""Two stamps of a kind: by them a template is tried before there is a stamp."""

_Template = Annotated[
    StampModel,
    WithJsonSchema(
        {
            "type": "object",
            "title": "template of a stamp",
            "properties": {
                key: {"description": known.description}
                for key, known in StampModel.model_fields.items()
                if key not in _GIVEN
            },
            "required": ["health_service", "state_file"],
            "additionalProperties": False,
        }
    ),
]


class TagModel(Strict):
    """A tag of a resource group."""

    model_config = ConfigDict(title="tag")

    name: Line = Field(description="Its name.")
    value: Line = Field(description="Its value.")


class DiscoveryModel(Strict):
    """Which resource groups are stamps of the workload, and what such a stamp is."""

    model_config = ConfigDict(
        title="stamps that come and go",
        json_schema_extra={"anyOf": [{"required": ["resource_group"]}, {"required": ["tag"]}]},
    )

    subscription: Guid = Field(description="Its id; the worker's identity needs Reader on the groups.")
    resource_group: (
        Annotated[
            str,
            Matches(
                r"^(?!(?:\*|\{region\})*$)(?:[A-Za-z0-9_().*-]|\{region\}){1,100}$",
                "a pattern of names of resource groups, such as shop*-stamp-{region}-rg",
                "`*` is any run of characters, and `{region}` the region where the group lies",
            ),
        ]
        | None
    ) = Field(None, description="Pattern of their names. A shortened region in them is a `*`.")
    tagged: TagModel | None = Field(
        None, alias="tag", description="A tag that they have; best set when a stamp is ready."
    )
    stamp: _Template = Field(
        description="A stamp, with placeholders in its texts: "
        + "; ".join(f"{{{name}}}, {meaning}" for name, meaning in PLACEHOLDERS.items())
    )
    _template: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _is_sound(cls, value: Any, handler: ModelWrapValidatorHandler["DiscoveryModel"]) -> "DiscoveryModel":
        """Try the template on a stamp that might be, so that each fault of it is found at its place."""
        template = value.get("stamp") if isinstance(value, dict) else None
        if not isinstance(template, dict):
            return handler(value)
        pattern = value.get("resource_group")
        stars = pattern.count("*") if isinstance(pattern, str) else 0
        refuse(_wrong_in(template, starred=stars > 0))
        model = handler({**value, "stamp": filled(template, _SAMPLES[0])})
        if model.resource_group is None and model.tagged is None:
            raise refusal(Complaint("expected `resource_group` or `tag`", "name what tells a stamp's group"))
        if stars > _STARS_MOST:
            words = f"expected at most {_STARS_MOST} `*`, found {stars}"
            raise refusal(Complaint(words, "", ("resource_group",)))
        refuse(_common(model.stamp, template))
        model._template = template  # noqa: SLF001 - its own
        return model

    def discovery(self) -> Discovery:
        """The frozen discovery."""
        return Discovery(
            subscription=self.subscription.lower(),
            template=self._template,
            resource_group=self.resource_group,
            tag=(self.tagged.name, self.tagged.value) if self.tagged else None,
        )


def filled(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The template with these values in the place of its placeholders, and what the group itself says."""
    stamp = {"name": values["name"], **{key: _filled(value, values) for key, value in template.items()}}
    groups = stamp.get("resource_groups", [])
    # What is no list is refused at its place.
    stamp["resource_groups"] = [values["group"], *groups] if isinstance(groups, list) else groups
    return {**stamp, "region": values["region"]}


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with these values in the place of its placeholders."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    match value:
        case str():
            return fill(value, values)
        case dict():
            return {key: _filled(item, values) for key, item in value.items()}
        case list():
            return [_filled(item, values) for item in value]
        case _:
            return value


def _wrong_in(template: Mapping[str, Any], *, starred: bool) -> Iterator[Complaint]:
    for key in _GIVEN:
        if key in template:
            words = f"`{key}` does not belong into a template"
            yield Complaint(words, "it is the resource group's own", ("stamp", key))
    for at, text in _texts(template, ("stamp",)):
        for name in _PLACEHOLDER.findall(text):
            if name not in PLACEHOLDERS:
                known = f"known: {', '.join(PLACEHOLDERS)}"
                yield Complaint(
                    f"unknown placeholder `{{{name}}}`", did_you_mean(name, list(PLACEHOLDERS), known), at
                )
            elif name == "prefix" and not starred:
                yield Complaint(
                    "`{prefix}` stands for nothing",
                    "it is what the first `*` of `resource_group` matches",
                    at,
                )
            elif name == "name" and at == ("stamp", "name"):
                yield Complaint("the name cannot be made of itself", "leave it out, or take `{group}`", at)


def _texts(value: Any, at: Path) -> Iterator[tuple[Path, str]]:
    match value:
        case str():
            yield at, value
        case dict():
            for key, item in value.items():
                yield from _texts(item, (*at, key))
        case list():
            for place, item in enumerate(value):
                yield from _texts(item, (*at, place))


def _common(first: StampModel, template: Mapping[str, Any]) -> Iterator[Complaint]:
    """What two stamps of this template would share."""
    second = StampModel.model_validate(filled(template, _SAMPLES[1]))
    for key in ("name", "health_service", "state_file", "front_door_origin", "event_hub"):
        one = getattr(first, key)
        if one is not None and one == getattr(second, key):
            words = f"every stamp would have the same `{key}`"
            yield Complaint(words, "put a placeholder such as {region} into it", ("stamp", key))
