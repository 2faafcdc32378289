"""What do editors need to know about our files, to complete and check them while they are written?

JSON Schemas (draft 2020-12), made from the same models that the loader uses. A
schema knows shapes and words; what spans several values, such as a drain rule
that could hold without a fact, only the loader can refuse.
"""

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rules.conditions import words
from rules.fields import Strict
from rules.rule_file import RuleFile
from rules.workload_file import WorkloadFile


def workload_schema() -> dict[str, Any]:
    """The JSON Schema of a workload file."""
    return schema_of(WorkloadFile)


def rules_schema() -> dict[str, Any]:
    """The JSON Schema of a rule file."""
    return schema_of(RuleFile)


def schema_of(kind: type[Strict]) -> dict[str, Any]:
    """The JSON Schema of a kind of file."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **kind.model_json_schema(schema_generator=_ForEditors),
    }


class _ForEditors(GenerateJsonSchema):
    """Defaults as people write them; none where leaving the key out is the default."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])  # the loader refuses a key without a value

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return words(dft)
        if isinstance(dft, Strict):
            return dft.model_dump(exclude_defaults=True)  # nothing: the fields show their own
        return super().encode_default(dft)
