"""Which failures must be rehearsed, which scenarios do so, and on which rules does each rest?

The rows of the failure table: what can fail in a workload of the reference architecture, and four
incidents of Azure and its neighbours. A scenario names its row.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rehearsal.run import Run
from rehearsal.scenario.load import Scenario, load_scenario
from rehearsal.suite import files_of
from rules.findings import Finding
from rules.rule import Playbook
from rules.signals import AlertState, Health, RegisterKey, Signal

SCENARIOS = Path(__file__).parent.parent / "scenarios"
"""The shipped ones; they lie beside the package and are not installed with it."""

FIRST_FACTS_SECONDS = 240.0
"""What turns bad within so long of the first bad fact is the row's own fault.

What a scenario lets fail later mostly shows what must not follow: another stamp that must not be
drained, or one whose drain must not be hindered.
"""

ROWS: Mapping[str, tuple[str, str]] = {
    "F01": ("Entra ID", "unavailable"),
    "F02": ("Azure DNS", "unavailable"),
    "F03": ("Front Door", "down"),
    "F04": ("Front Door", "routing or an origin misconfigured"),
    "F05": ("Front Door", "managed certificate deleted"),
    "F06": ("Cosmos DB", "database or container renamed"),
    "F07": ("Cosmos DB", "one region down"),
    "F08": ("Cosmos DB", "throttled, no request units left"),
    "F09": ("Cosmos DB", "a logical partition is full"),
    "F10": ("Container registry", "one region down"),
    "F11": ("Container registry", "images deleted"),
    "F12": ("Container registry", "throttled"),
    "F13": ("AKS", "an upgrade of the cluster fails"),
    "F14": ("AKS", "a pod is killed while it serves"),
    "F15": ("AKS", "no compute capacity in the region"),
    "F16": ("AKS", "core quota of the subscription reached"),
    "F17": ("AKS", "a certificate is not issued or renewed"),
    "F18": ("AKS", "requests and limits wrong, pods at their limit"),
    "F19": ("AKS", "images of others, or their registry, unavailable"),
    "F20": ("Event Hubs", "messages cannot be sent"),
    "F21": ("Event Hubs", "the background processor cannot read"),
    "F22": ("Storage account", "unusable for checkpoints"),
    "F23": ("Storage account", "static website has problems"),
    "F24": ("Key Vault", "secrets cannot be read"),
    "F25": ("Key Vault", "a deployment's secrets cannot be read or written"),
    "F26": ("Key Vault", "throttled"),
    "F27": ("Application", "misconfigured"),
    "F28": ("Application", "credential of a stamp's resource expired"),
    "F29": ("Application", "credential of a shared resource expired"),
    "F30": ("Network", "addresses of a subnet exhausted"),
    "I1": ("Telemetry, July 2023", "log data lost for days while workloads live"),
    "I2": ("West Europe, July 2023", "a cut fibre"),
    "I3": ("Virtual machines, October 2021", "the control plane fails, what runs is fine"),
    "I4": ("Docker Hub, July 2020", "images unreachable from some regions"),
}
"""Each row: what fails, and how."""

_BAD = frozenset({Health.YELLOW, Health.RED, Health.UNKNOWN})


def row_scenarios(folder: Path = SCENARIOS) -> dict[str, list[Scenario]]:
    """The scenarios of each row, both in order; a row that none proves has an empty list.

    Raises:
        FileError: a scenario cannot be read; it names every problem.
        FileNotFoundError: there are no scenarios.
    """
    found: dict[str, list[Scenario]] = {row: [] for row in ROWS}
    files = [file for file, is_scenario in files_of(folder) if is_scenario] if folder.is_dir() else []
    if not files:
        raise FileNotFoundError(2, "no scenarios here; they are part of the repository", str(folder))
    for file in files:
        scenario = load_scenario(file)
        if scenario.row:
            found[scenario.row].append(scenario)
    return found


def first_facts(run: Run) -> frozenset[RegisterKey]:
    """Whose words first told of the fault: what turned bad, within a few minutes of the first."""
    usual: set[RegisterKey] = set()
    found: dict[RegisterKey, float] = {}
    begins = min((entry.at.total_seconds() for entry in run.scenario.entries), default=0.0)
    for happening, record in run.history.records():
        bad = {key for key, signal in record.registers.items() if _is_bad(signal)}
        if happening.at < begins:
            usual |= bad
            continue
        for key in bad - usual:
            found.setdefault(key, happening.at)
    first = min(found.values(), default=0.0)
    return frozenset(key for key, at in found.items() if at <= first + FIRST_FACTS_SECONDS)


def _is_bad(signal: Signal) -> bool:
    return signal.health in _BAD or signal.condition is AlertState.FIRED


def rules_held(run: Run) -> dict[str, set[RegisterKey]]:
    """The rules that ever held, in the order in which they began, and whose words they rested on."""
    held: dict[str, set[RegisterKey]] = {}
    for _, finding in _findings(run):
        held.setdefault(finding.rule, set()).update(finding.evidence)
    return held


def answering(run: Run) -> tuple[list[str], list[str]]:
    """The rules that told people of the row's own fault; and those that held only by later facts."""
    known, facts = run.scenario.charge.rules.by_name, first_facts(run)
    at_once: list[str] = []
    later: list[str] = []
    for name, evidence in rules_held(run).items():
        rule = known.get(name)
        if rule is not None and rule.playbook is not Playbook.RECORD:
            (at_once if facts & evidence else later).append(name)
    return at_once, later


def _findings(run: Run) -> Iterator[tuple[float, Finding]]:
    for happening, record in run.history.records():
        for finding in record.findings.values():
            yield happening.at, finding
