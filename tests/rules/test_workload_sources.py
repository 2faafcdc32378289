"""Does a workload file say where facts come from and whom they are about, and is what cannot be refused?"""

import pytest

from rules.load import load_workload
from rules.stamp_file import HEALTH_SCORE_QUERY
from rules.topology import (
    BlobContainer,
    Deployment,
    Endpoint,
    EventHub,
    HealthModel,
    HealthQuery,
    SecretRef,
    SubjectRow,
)
from tests.rules.test_workload_file import NEU, WEU, a_file, told

ORIGIN = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Cdn/profiles/p/originGroups/o/origins/weu"
FULL = f"""\
    front_door_origin: {ORIGIN}
    event_hub:
      namespace: shop-weu.servicebus.windows.net
      checkpoints: {{account_url: https://shopweu.blob.core.windows.net}}
    health_query: {{workspace: 00000000-0000-0000-0000-000000000001}}
    capacity: 120
"""


def test_a_stamp_with_everything_that_can_be_asked() -> None:
    """Names that are not given are the reference architecture's."""
    weu = load_workload(a_file(stamps=WEU + FULL + NEU), "w.yaml").stamp("weu")
    assert weu.front_door_origin == ORIGIN
    assert weu.event_hub == EventHub(
        hub="backendqueue-eh",
        consumer_group="backendworker-cs",
        checkpoints=BlobContainer("ehcheckpoints", "https://shopweu.blob.core.windows.net"),
        namespace="shop-weu.servicebus.windows.net",
    )
    assert weu.health_query == HealthQuery("00000000-0000-0000-0000-000000000001", HEALTH_SCORE_QUERY)
    assert weu.capacity == 120


def test_connections_are_references_to_secrets() -> None:
    """Neither a hub's nor a container's key may stand in the file."""
    hub = "    event_hub: {connection: env:HUB, checkpoints: {connection: env:STORE, container: here}}\n"
    weu = load_workload(a_file(stamps=WEU + hub + NEU), "w.yaml").stamp("weu")
    assert weu.event_hub
    assert weu.event_hub.connection == SecretRef("HUB")
    assert weu.event_hub.checkpoints == BlobContainer("here", connection=SecretRef("STORE"))


def test_what_may_be_restarted_and_asked_is_named_with_references_to_its_secrets() -> None:
    """They stay references on their way out of the file: whoever acts reads them."""
    here = "api_server: https://k.example, namespace: shop, deployment: bp, token: env:TOKEN, ca: env:CA"
    head = f"deployments:\n  - {{name: processor, stamp: weu, {here}}}\n"
    hook = "webhooks:\n  - {name: scale-out, url: env:HOOK, secret: env:KEY}\n"
    shop = load_workload(a_file(stamps=WEU + NEU) + head + hook, "w.yaml")
    assert shop.deployments == (
        Deployment(
            "https://k.example", "shop", "bp", SecretRef("TOKEN"), SecretRef("CA"), "processor", "weu"
        ),
    )
    assert shop.webhooks == (Endpoint(SecretRef("HOOK"), SecretRef("KEY"), "scale-out"),)


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            "    event_hub: {checkpoints: {connection: env:S}}\n",
            "exactly one of `namespace` and `connection`",
        ),
        (
            "    event_hub: {connection: env:A, checkpoints: {container: here}}\n",
            "exactly one of `account_url` and `connection`",
        ),
        ("    event_hub: {namespace: https://x.y, checkpoints: {connection: env:S}}\n", "a host name"),
        ("    front_door_origin: weu\n", "the id of an Azure resource"),
        ("    health_query: {workspace: mine}\n", "an id of the form"),
        ("    capacity: 0\n", "expected 1 or more"),
    ],
)
def test_what_a_stamp_cannot_be_asked_by(added: str, said: str) -> None:
    """Each fault is told in a sentence, at its place."""
    (problem,) = told(a_file(stamps=WEU + added + NEU))
    assert said in problem


@pytest.mark.parametrize("key", ["front_door_origin", "event_hub"])
def test_stamps_share_neither_origin_nor_hub(key: str) -> None:
    """One look or one drain would be about both."""
    added = {
        "front_door_origin": f"    front_door_origin: {ORIGIN}\n",
        "event_hub": "    event_hub: {namespace: a.b, checkpoints: {connection: env:S}}\n",
    }[key]
    (problem,) = told(a_file(stamps=WEU + added + NEU + added))
    assert f"stamp neu has the same `{key}`" in problem


def test_what_a_workload_says_of_its_sources() -> None:
    """Rows, health model and subscriptions come out as they stand in the file."""
    head = """\
subjects:
  - {resource: "*/mc_shop_weu*", stamp: weu, node: AKSCluster}
  - {resource_type: Microsoft.Cache/redis, node: Cache}
  - {label: cluster, value: "aks-weu*", stamp: weu}
  - {label: place}
  - {alert: "sql *", node: Database}
health_model:
  model: /subscriptions/1/resourceGroups/g/providers/Microsoft.CloudHealth/healthmodels/shop
  entities: [{entity: checkout, stamp: weu, node: CatalogService}, {entity: db, node: CosmosDB}]
fired_alerts: {subscriptions: [00000000-0000-0000-0000-000000000001]}
front_door_url: https://shop.example/health/stamp
"""
    workload = load_workload(a_file(head), "w.yaml")
    assert workload.subjects == (
        SubjectRow(resource="*/mc_shop_weu*", stamp="weu", node="AKSCluster"),
        SubjectRow(resource_type="Microsoft.Cache/redis", node="Cache"),
        SubjectRow(label="cluster", value="aks-weu*", stamp="weu"),
        SubjectRow(label="place"),
        SubjectRow(alert="sql *", node="Database"),
    )
    assert workload.health_model == HealthModel(
        "/subscriptions/1/resourceGroups/g/providers/Microsoft.CloudHealth/healthmodels/shop",
        {"checkout": ("weu", "CatalogService"), "db": (None, "CosmosDB")},
    )
    assert workload.fired_alerts == ("00000000-0000-0000-0000-000000000001",)
    assert workload.front_door_url == "https://shop.example/health/stamp"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("subjects: [{stamp: weu}]\n", "exactly one of"),
        ("subjects: [{alert: a, label: b, stamp: weu}]\n", "exactly one of"),
        ("subjects: [{alert: a, value: b, stamp: weu}]\n", "`value` belongs to `label`"),
        ("subjects: [{resource_type: A.B/c, stamp: weu}]\n", "no clue to a stamp"),
        ("subjects: [{alert: a}]\n", "says nothing"),
        ("subjects: [{label: a, value: b}]\n", "says nothing"),
        ("subjects: [{alert: a, stamp: wue}]\n", "there is no stamp wue; did you mean 'weu'?"),
        (
            (
                "fired_alerts: {subscriptions: [00000000-0000-0000-0000-000000000001, "
                "00000000-0000-0000-0000-000000000001]}\n"
            ),
            "stands twice",
        ),
        (
            (
                "health_model: {model: /subscriptions/1/resourceGroups/g/providers/x/y/z, "
                "entities: [{entity: a, node: A}, {entity: a, node: B}]}\n"
            ),
            "the entity a stands twice",
        ),
        (
            (
                "health_model: {model: /subscriptions/1/resourceGroups/g/providers/x/y/z, "
                "entities: [{entity: a, stamp: eus, node: A}]}\n"
            ),
            "there is no stamp eus",
        ),
    ],
)
def test_rows_that_lead_nowhere_are_refused(head: str, said: str) -> None:
    """With what is wrong, and what was perhaps meant."""
    (problem,) = told(a_file(head))
    assert said in problem
