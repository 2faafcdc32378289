"""Does docs/intake.md say what the code does?"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from remediation.intake.read import FAMILIES, read
from remediation.intake.rejection import Rejection
from rules.load import load_workload
from rules.schema import workload_schema
from tests.intake import documented
from tests.intake.bodies import BODIES, CORPUS, KNOWN

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs/intake.md").read_text(encoding="utf-8")
IN_ONE_LINE = re.sub(r"\s+", " ", DOC)
SAMPLE = re.compile(r"^\| [`…][^|]*\|[^|]*\| `(\w+)` \|", re.MULTILINE)


@pytest.mark.parametrize("table", [documented.services, documented.limits_table, documented.codes])
def test_a_table_is_what_the_code_says(table: Callable[[], str]) -> None:
    """Services, limits and codes; `python -m tests.intake.documented` prints them anew."""
    assert table() in DOC


def test_every_family_is_documented_with_a_sample_of_its_own() -> None:
    """In the table, in the order of the code; the sample is in the corpus and is of that family."""
    samples = SAMPLE.findall(DOC)
    families = [read((CORPUS / f"{name}.json").read_bytes(), KNOWN).family for name in samples]
    assert list(dict.fromkeys(families)) == [family.name for family in FAMILIES]
    assert all((CORPUS / f"{name}.expected.json").exists() for name in samples)


def test_every_reason_not_to_act_is_documented() -> None:
    """Whatever the corpus shows as a reason stands in the page, in the same words."""
    why = set()
    for path in BODIES:
        try:
            why |= {signal.why for signal in read(path.read_bytes(), KNOWN).signals if signal.why}
        except Rejection:
            continue
    assert len(why) >= 15
    assert not [each for each in why if each not in IN_ONE_LINE]


def test_the_rows_of_subjects_are_a_workload_file() -> None:
    """The example can be pasted."""
    [example] = re.findall(r"```yaml\n(.*?)```", DOC, re.DOTALL)
    stamps = "\n".join(
        f"  - {{name: {name}, region: {region}, health_service: 'https://{name}.example/h', "
        f"state_file: {{folder: s/{name}}}}}"
        for name, region in (("weu", "westeurope"), ("neu", "northeurope"))
    )
    workload = load_workload(f"workload: shop\nstamps:\n{stamps}\n{example}", "workload.yaml")
    assert len(workload.subjects) == 5


def test_what_the_page_names_is_there() -> None:
    """Keys of the workload file, counters, and pages that link to it."""
    schema = json.dumps(workload_schema())
    for key in ("subjects", "health_model", "health_query", "fired_alerts"):
        assert f'"{key}"' in schema
        assert f"`{key}`" in DOC
    assert "`alerts.recovered`" in DOC
    for page in ("README.md", "docs/health-event.md"):
        assert "intake.md" in (ROOT / page).read_text(encoding="utf-8")
    assert len(DOC.splitlines()) <= 150
