"""What do Azure's bodies from before the common schema have in common?

An envelope that some leave out and others double, and a context that names a
rule and a resource. None has the id of an alert instance: what Fired and Resolved
share is the rule, the resource and the dimensions.
"""

from collections.abc import Iterable

from remediation.intake import samples
from remediation.intake.alert import pairs
from remediation.intake.loose import Table, table, text
from remediation.intake.place import Clues


def schema_of(value: Table) -> str:
    """What the body says of its schema, in lower case."""
    return text(value, "schemaId").lower()


def envelope(value: Table) -> Table:
    """What lies in `data`, in a doubled `data.data`, or in the body itself where there is no `data`."""
    outer = table(value, "data") or value
    return outer if "context" in outer else table(outer, "data") or outer


def context_of(value: Table) -> Table:
    """The `context` of a body, in whichever envelope; an empty one where there is none."""
    return table(envelope(value), "context")


def scope_of(subscription: str, group: str = "") -> str:
    """The id of a subscription or of a resource group in it; empty without a subscription."""
    if not subscription:
        return ""
    return f"/subscriptions/{subscription}" + (f"/resourceGroups/{group}" if group else "")


def resource_of(context: Table) -> str:
    """The resource that a context names by its id, by its parts, or at least by its subscription."""
    subscription, group, kind, name = (
        text(context, key) for key in ("subscriptionId", "resourceGroupName", "resourceType", "resourceName")
    )
    scope = scope_of(subscription, group)
    whole = scope and group and "/" in kind and name
    return text(context, "resourceId") or (f"{scope}/providers/{kind}/{name}" if whole else scope)


def clues_of(
    context: Table, properties: Table, rule: str, dimensions: Iterable[tuple[str, str]] = ()
) -> Clues:
    """Whom a context may be about.

    Args:
        context: of the body.
        properties: what the team added to its alerts, as custom properties.
        rule: the name of the alert rule.
        dimensions: names and values.
    """
    resource, region = resource_of(context), text(context, "resourceRegion")
    return Clues(
        resources=(resource,) if resource else (),
        labels=(*dimensions, *pairs(properties)),
        regions=(region,) if region else (),
        alert=rule,
    )


def is_sample(rule: str, clues: Clues, rule_id: str, properties: Table) -> bool:
    """Whether "Test action group" made this body."""
    return samples.is_sample(
        rule, (*clues.resources, rule_id), clues.all_groups(), {"properties": properties}
    )
