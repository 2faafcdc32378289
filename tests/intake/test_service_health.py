"""Does an incident of Azure become facts about the right nodes at the right places, and end rightly?"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.intake import azure_monitor, samples
from remediation.intake.activity_log import read_entry
from remediation.intake.azure_services import SERVICES, service_of
from remediation.intake.rejection import Code
from remediation.intake.service_health import NOT_BEGUN, OF_THE_PAST, SPARED, UNKNOWN_STAGE, UNTRACKED
from remediation.intake.service_text import only_managing, plain
from rules.health import facts, fold
from rules.policy import Policy
from rules.signals import AlertState, Health, Severity, Signal
from tests.intake.bodies import KNOWN, an_alert_body, rejected

Nodes = dict[tuple[str | None, str | None], Health]
FINE = "Creating and deleting may fail. Running virtual machines are not impacted."


def impacted(**services: list[str]) -> str:
    """Services, `_` for a blank, with their regions, as Azure writes them into a string."""
    return json.dumps(
        [
            {
                "ServiceName": name.replace("_", " "),
                "ImpactedRegions": [{"RegionName": each} for each in regions],
            }
            for name, regions in services.items()
        ]
    )


def an_entry(at: str = "2026-03-01T03:00:00Z", **changes: Any) -> dict[str, Any]:
    """A storage incident in West Europe. Properties may be changed; `...` takes one out."""
    told = {
        "title": "Storage - West Europe",
        "communication": "<p>Requests&nbsp;may <b>fail</b>.</p>",
        "incidentType": "Incident",
        "trackingId": "VT1-000",
        "communicationId": "1",
        "stage": "Active",
        "service": "Storage",
        "region": "West Europe",
        **changes,
    }
    entry = {
        "channels": 1,
        "eventSource": 2,
        "level": told.pop("level", 3),
        "eventTimestamp": at,
        "operationName": "Microsoft.ServiceHealth/incident/action",
        "status": told.pop("status", "Active"),
    }
    return {**entry, "properties": {key: value for key, value in told.items() if value is not ...}}


def signals(at: str = "2026-03-01T03:00:00Z", **changes: Any) -> tuple[Signal, ...]:
    """What an update gives."""
    return read_entry(an_entry(at, **changes), KNOWN)


def nodes(found: tuple[Signal, ...]) -> Nodes:
    """The health of each node at each place."""
    return {(each.subject.stamp, each.subject.node): each.health for each in found if each.health}


def alerts(found: tuple[Signal, ...]) -> list[Signal]:
    """The signals that are alerts."""
    return [each for each in found if each.condition]


def test_an_incident_is_health_and_an_alert_at_each_place() -> None:
    """The node by the kind of service is red, and a rule can name the alert."""
    found = signals(impactedServices=impacted(Storage=["West Europe", "North Europe"]))
    assert nodes(found) == {("weu", "AzureStorage"): Health.RED, ("neu", "AzureStorage"): Health.RED}
    said = [(each.subject.stamp, each.alert, each.condition, each.instance) for each in alerts(found)]
    assert said == [
        (stamp, "service-health:incident", AlertState.FIRED, "VT1-000") for stamp in ("weu", "neu")
    ]
    assert {each.source for each in found} == {"service-health:VT1-000"}
    assert all(each.may_act and not each.why for each in found)


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("Log Analytics", "AzureTelemetry"),
        ("Application Insights", "AzureTelemetry"),
        ("Azure Monitor", "AzureTelemetry"),
        ("Microsoft Sentinel", "AzureTelemetry"),
        ("Network Watcher", "AzureTelemetry"),
        ("Azure Resource Manager", "AzureControlPlane"),
        ("Microsoft Azure portal", "AzureControlPlane"),
        ("Network Infrastructure", "AzureNetwork"),
        ("Virtual Network", "AzureNetwork"),
        ("ExpressRoute", "AzureNetwork"),
        ("Load Balancer", "AzureNetwork"),
        ("Microsoft Entra ID", "AzureIdentity"),
        ("Azure Active Directory", "AzureIdentity"),
        ("Managed identities for Azure resources", "AzureIdentity"),
        ("Azure DNS", "AzureDNS"),
        ("Azure Front Door", "AzureEdge"),
        ("CDN", "AzureEdge"),
        ("Container Registry", "AzureRegistry"),
        ("Azure Cosmos DB", "AzureDatabase"),
        ("Event Hubs", "AzureEventHubs"),
        ("Storage", "AzureStorage"),
        ("Virtual Machines", "AzureCompute"),
        ("Virtual Machine Scale Sets", "AzureCompute"),
        ("Azure Kubernetes Service (AKS)", "AzureCompute"),
        ("Key Vault", "AzureKeyVault"),
        ("Azure Synapse Analytics", "AzureOther"),
        ("Azure Container Apps", "AzureOther"),
        ("", "AzureOther"),
    ],
)
def test_each_service_has_its_node(name: str, node: str) -> None:
    """By its display name, in any case."""
    assert service_of(name, "it fails").node == service_of(name.upper(), "it fails").node == node


def test_container_apps_are_telemetry_only_where_log_data_is_spoken_of() -> None:
    """Incident I1 named them for the log data that went missing; otherwise they are none of ours."""
    assert service_of("Azure Container Apps", "Log data may be delayed").node == "AzureTelemetry"
    assert service_of("Azure Container Apps", "Login and catalog fail").node == "AzureOther"


def test_every_row_gives_its_reason() -> None:
    """The table argues for each of its words."""
    assert all(len(row.reason) > 20 for row in SERVICES)


@pytest.mark.parametrize("service", ["Container Registry", "Key Vault", "Azure Resource Manager"])
def test_what_leaves_running_workloads_alone_is_yellow_in_a_region(service: str) -> None:
    """Worldwide it is red all the same: the stamps that should take over load could not grow."""
    assert set(nodes(signals(service=service)).values()) == {Health.YELLOW}
    assert set(nodes(signals(service=service, region="Global")).values()) == {Health.RED}


def test_a_strangers_outage_holds_no_drain() -> None:
    """A red global node would hold every drain, and nobody says that the workload uses this service (P3)."""
    found = signals(service="Azure Synapse Analytics", region="Global", communication="All is down.")
    assert nodes(found) == {(None, "AzureOther"): Health.YELLOW}


@pytest.mark.parametrize(
    ("level", "text", "managing"),
    [
        (3, FINE, True),
        (4, "You may receive errors starting virtual machines.", True),
        (3, "You may receive errors starting virtual machines.", False),
        (4, "Running machines reboot, and creating new ones may fail.", False),
        (4, "Requests may fail.", False),
        (4, "Starting at 03:00 UTC customers may see nothing special.", False),
        (4, "Stay informed about issues by creating custom alerts: https://aka.ms/x.", False),
        (3, FINE + " Some customers also see a loss of connectivity.", False),
        (3, "Deploying may time out. Connectivity of running clusters remains available.", True),
    ],
)
def test_failing_to_manage_is_not_failing_to_run(level: int, text: str, managing: bool) -> None:  # noqa: FBT001
    """Incident I3: the control plane is yellow, and what runs is said to be fine."""
    expected = (
        {("weu", "AzureCompute"): Health.GREEN, ("weu", "AzureControlPlane"): Health.YELLOW}
        if managing
        else {("weu", "AzureCompute"): Health.RED}
    )
    found = signals(service="Virtual Machines", level=level, communication=text)
    assert nodes(found) == expected
    assert (SPARED in [reason for each in found for reason in each.reasons]) is managing


def test_a_first_report_is_corrected() -> None:
    """What was taken for broken is green again once an update says that only managing fails (I3)."""
    first = signals(service="Virtual Machines", communication="Machines fail.")
    second = signals(
        "2026-03-01T03:30:00Z", service="Virtual Machines", communicationId="2", communication=FINE
    )
    kept = fold({}, [*second, *first]).values()
    assert nodes(tuple(kept)) == {
        ("weu", "AzureCompute"): Health.GREEN,
        ("weu", "AzureControlPlane"): Health.YELLOW,
    }


def test_managing_fails_worldwide() -> None:
    """Of machines: survivors could not grow. Of Front Door: they can, and drains need not wait for it."""
    for service, health in (("Virtual Machines", Health.RED), ("Azure Front Door", Health.YELLOW)):
        found = nodes(signals(service=service, region="Global", communication=FINE))
        assert found[None, "AzureControlPlane"] is health


@pytest.mark.parametrize("text", ["Machines fail.", FINE])
def test_the_end_takes_back_what_the_beginning_said(text: str) -> None:
    """Each node that an incident made red or yellow is green at its end, though the text is another."""
    regions = impacted(Virtual_Machines=["West Europe"], Azure_Container_Apps=["West Europe", "East US"])
    active = signals(impactedServices=regions, communication=text + " Log data is lost.")
    over = signals(
        "2026-03-01T09:00:00Z",
        impactedServices=regions,
        stage="Resolved",
        communicationId="9",
        communication="",
    )
    assert len({*nodes(active).values()} - {Health.GREEN}) >= 1
    kept = tuple(fold({}, [*over, *active]).values())
    assert set(nodes(kept).values()) == {Health.GREEN}
    assert {each.condition for each in alerts(kept)} == {AlertState.RESOLVED}
    assert nodes(active).keys() <= nodes(over).keys()


def test_an_end_that_lists_fewer_leaves_the_others_as_they_were() -> None:
    """Silence is never green: what the update does not speak of stands until it does."""
    active = signals(impactedServices=impacted(Storage=["West Europe", "North Europe"]))
    over = signals("2026-03-01T09:00:00Z", stage="Resolved", communicationId="2", region="West Europe")
    kept = nodes(tuple(fold({}, [*active, *over]).values()))
    assert kept == {("weu", "AzureStorage"): Health.GREEN, ("neu", "AzureStorage"): Health.RED} | {
        ("weu", "AzureControlPlane"): Health.GREEN
    }


def test_the_end_of_the_same_moment_wins() -> None:
    """Resolved is the later word of two with one time, whichever arrives first."""
    active, over = signals(), signals(stage="Resolved", communicationId="2")
    kept = tuple(fold({}, [*over, *active]).values())
    assert nodes(kept)["weu", "AzureStorage"] is Health.GREEN
    assert [each.condition for each in alerts(kept)] == [AlertState.RESOLVED]


def test_an_rca_is_a_record_and_nothing_else() -> None:
    """It changes no health, fires nothing, and never acts."""
    found = signals(stage="RCA", communicationId="3")
    assert nodes(found) == {}
    (alert,) = found
    assert (alert.condition, alert.may_act, alert.why) == (AlertState.RESOLVED, False, OF_THE_PAST)


def test_an_rca_after_the_end_leaves_all_green() -> None:
    """However late, in whatever order (I3)."""
    story = [
        *signals(),
        *signals("2026-03-01T05:00:00Z", stage="Resolved", communicationId="2"),
        *signals("2026-03-05T05:00:00Z", stage="RCA", communicationId="3"),
    ]
    kept = tuple(fold({}, reversed(story)).values())
    assert Health.RED not in nodes(kept).values()
    assert AlertState.FIRED not in {each.condition for each in kept}


@pytest.mark.parametrize(
    ("stage", "health", "alert", "condition"),
    [
        ("Planned", None, "service-health:maintenance-planned", AlertState.FIRED),
        ("Rescheduled", None, "service-health:maintenance-planned", AlertState.FIRED),
        ("InProgress", Health.YELLOW, "service-health:maintenance", AlertState.FIRED),
        ("Active", Health.YELLOW, "service-health:maintenance", AlertState.FIRED),
        ("Complete", Health.GREEN, "service-health:maintenance", AlertState.RESOLVED),
        ("Resolved", Health.GREEN, "service-health:maintenance", AlertState.RESOLVED),
        ("Canceled", Health.GREEN, "service-health:maintenance", AlertState.RESOLVED),
    ],
)
def test_maintenance_is_yellow_while_it_lasts(
    stage: str, health: Health | None, alert: str, condition: AlertState
) -> None:
    """A plan is an alert of its own and no health; what is in progress is yellow; the end is green."""
    found = signals(stage=stage, incidentType="Maintenance")
    assert nodes(found) == ({("weu", "AzureStorage"): health} if health else {})
    (said,) = alerts(found)
    assert (said.alert, said.condition) == (alert, condition)
    assert said.why == (NOT_BEGUN if "planned" in alert else "")


@pytest.mark.parametrize("kind", ["ActionRequired", "Informational", "Security"])
def test_advice_is_an_alert_only(kind: str) -> None:
    """It fires while active and resolves after, and touches no node."""
    for stage, condition in (("Active", AlertState.FIRED), ("Resolved", AlertState.RESOLVED)):
        (said,) = signals(incidentType=kind, stage=stage)
        assert (said.alert, said.condition) == (f"service-health:{kind.lower()}", condition)


def test_a_stage_nobody_knows_neither_fires_nor_ends_anything() -> None:
    """It lies in a register of its own, so the incident goes on as it was."""
    odd = signals("2026-03-01T04:00:00Z", stage="Preliminary PIR", communicationId="2")
    kept = tuple(fold({}, [*signals(), *odd]).values())
    assert sorted(str(each.condition) for each in alerts(kept)) == ["fired", "resolved"]
    assert odd[0].why == UNKNOWN_STAGE
    assert nodes(kept) == {("weu", "AzureStorage"): Health.RED}


@pytest.mark.parametrize(
    "changes",
    [
        {"impactedServices": impacted(Storage=["East US 2", "(Europe) West Europe"])},
        {"impactedServices": json.loads(impacted(Storage=["west europe"]))},
        {"impactedServices": [{"ServiceName": "Storage"}], "region": "Japan East, West Europe"},
        {"impactedServices": "[broken", "region": "westeurope"},
        {"impactedServices": None},
        {"impactedServices": [None, 1, "x"]},
        {"impactedServices": ...},
    ],
)
def test_the_regions_are_read_however_they_come(changes: dict[str, Any]) -> None:
    """A string of JSON, an array, none, broken; else `region`, a list in display names."""
    assert nodes(signals(**changes)) == {("weu", "AzureStorage"): Health.RED}


@pytest.mark.parametrize("region", ["Global", "", ..., None])
def test_an_incident_of_no_region_is_about_no_stamp(region: object) -> None:
    """Global, or nothing, is about each workload as a whole."""
    assert nodes(signals(region=region)) == {(None, "AzureStorage"): Health.RED}


def test_an_incident_where_we_are_not_is_not_ours() -> None:
    """It is refused; what only partly lies elsewhere is taken."""
    assert rejected(lambda: signals(region="Japan East")).code is Code.NOT_OURS
    both = signals(impactedServices=impacted(Event_Hubs=["Japan East"], Storage=["East US"]))
    assert nodes(both) == {("eus", "AzureStorage"): Health.RED}


def test_several_services_of_one_node_are_its_worst() -> None:
    """One signal for each node, so that the last service listed does not decide."""
    services = impacted(Virtual_Machines=["West Europe"], Virtual_Machine_Scale_Sets=["West Europe"])
    found = signals(impactedServices=services)
    assert nodes(found) == {("weu", "AzureCompute"): Health.RED}
    assert len(found) == 2
    assert "Virtual Machines, Virtual Machine Scale Sets in West Europe" in found[1].reasons[1]


@pytest.mark.parametrize(
    "names", [["Virtual_Machines", "Azure_Front_Door"], ["Azure_Front_Door", "Virtual_Machines"]]
)
def test_the_worst_of_a_node_does_not_depend_on_the_order_of_services(names: list[str]) -> None:
    """Managing machines worldwide is worse than managing Front Door, wherever it stands in the list."""
    found = signals(impactedServices=impacted(**{name: ["Global"] for name in names}), communication=FINE)
    assert nodes(found)[None, "AzureControlPlane"] is Health.RED


@pytest.mark.parametrize(
    "mark",
    [{"isSynthetic": "True"}, {"IsSynthetic": "true"}, {"trackingId": "TEST-TTT"}, {"issynthetic": True}],
)
def test_a_sample_never_acts_and_says_nothing_of_health(mark: dict[str, Any]) -> None:
    """Its red would hold every drain, for nobody would take it back."""
    found = signals(region="Global", **mark)
    assert nodes(found) == {}
    assert [(each.may_act, each.why) for each in found] == [(False, samples.WHY)]


def test_each_update_counts_once_by_whatever_way_it_comes() -> None:
    """`communicationId` makes the identity, and not the way or the moment of delivery."""
    here = signals()
    legacy = read_entry({**an_entry(), "level": "Warning", "eventSource": "ServiceHealth"}, KNOWN)
    body = an_alert_body(
        an_entry(), signalType="ActivityLog", alertTargetIDs=["/subscriptions/6f1d"], monitoringService="x"
    )
    assert here == legacy == azure_monitor.read(body, KNOWN)
    assert [each.id for each in here] == [each.id for each in signals("2026-03-01T03:00:07Z")]
    assert {each.id for each in here}.isdisjoint(each.id for each in signals(communicationId="2"))
    assert len({each.id for each in here}) == len(here)


def test_without_a_communication_id_the_stage_and_moment_tell_updates_apart() -> None:
    """A number counts like a string; none leaves the rest."""
    without: dict[str, Any] = {"communicationId": ...}
    ids = [
        signals(**without)[0].id,
        signals(**without, stage="Resolved")[0].id,
        signals("2026-03-01T03:00:01Z", **without)[0].id,
    ]
    assert len(set(ids)) == 3
    assert signals(**without)[0].id == ids[0]
    assert signals(communicationId=1)[0].id == signals(communicationId="1")[0].id


def test_without_a_tracking_id_it_is_told_and_never_acts() -> None:
    """Its updates are put together by what they are about, which is no more than likely."""
    active, over = signals(trackingId=...), signals(trackingId=None, stage="Resolved")
    assert {each.key for each in active} <= {each.key for each in over}
    assert {each.why for each in active} == {UNTRACKED}


def test_an_update_that_names_nothing_touches_no_node() -> None:
    """Properties that are null leave an alert on each workload."""
    (said,) = read_entry({**an_entry(), "properties": None}, KNOWN)
    assert (said.alert, said.condition, said.may_act) == ("service-health:incident", AlertState.FIRED, False)


def test_properties_may_be_a_string_of_json() -> None:
    """Some ways wrap them."""
    entry = an_entry()
    assert read_entry({**entry, "properties": json.dumps(entry["properties"])}, KNOWN) == signals()


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (1, Severity.CRITICAL),
        ("Error", Severity.ERROR),
        (3, Severity.WARNING),
        ("Informational", Severity.INFO),
        (9, None),
        (None, None),
    ],
)
def test_the_level_is_the_severity(level: object, severity: Severity | None) -> None:
    """Integers in the common schema, words in the legacy one; `Sev4`, which it always says, is not asked."""
    assert alerts(signals(level=level))[0].severity is severity


def test_the_reasons_are_plain_words() -> None:
    """Title, what and where with the tracking id, and the communication without its HTML."""
    assert signals()[0].reasons == (
        "Storage - West Europe",
        "Storage in West Europe: incident, Active; tracking id VT1-000",
        "Requests may fail",
    )


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>One</p>\r\n<p><br></p><p>Two &lt;b&gt; &amp; more</p>", "One. Two <b> & more"),
        ("<strong>Impact</strong>: <td>a</td><td>b</td>", "Impact: a. b"),
        ("no tags at all", "no tags at all"),
        ("<<<<<<", ""),
        ("cut <a href='x", "cut"),
        ("bell\x07", "bell"),
    ],
)
def test_html_becomes_a_line(html: str, words: str) -> None:
    """Tags go, entities are read, blocks end sentences."""
    assert plain(html) == words


@given(st.text(alphabet="<>/p &;.br\n", max_size=400))
def test_any_markup_becomes_a_line(html: str) -> None:
    """Whatever it is, one line comes of it, and what that line speaks of can be asked."""
    assert "\n" not in plain(html)
    only_managing(plain(html), informational=True)


def test_hostile_names_are_bounded() -> None:
    """Tracking ids, services and regions reach keys and pages."""
    found = signals(trackingId="x\x1b" * 500, service="s" * 5000, title="t" * 5000)
    for each in found:
        assert len(each.source) < 300
        assert each.source.isprintable()
        assert all(len(reason) <= 300 for reason in each.reasons)


UPDATES = [
    signal
    for number, (stage, minute) in enumerate([("Active", 0), ("Active", 20), ("Resolved", 40), ("RCA", 50)])
    for signal in signals(f"2026-03-01T03:{minute:02}:00Z", stage=stage, communicationId=str(number))
]


@given(st.permutations(UPDATES), st.lists(st.sampled_from(UPDATES)))
def test_any_order_of_updates_comes_to_the_same(order: list[Signal], again: list[Signal]) -> None:
    """The end stays the end however often and late the rest arrives (P15)."""
    kept = fold({}, [*order, *again])
    assert kept == fold({}, UPDATES)
    at = max(each.observed_at for each in UPDATES)
    assert not facts(kept, at, Policy()).alerts
