"""Does a health model of Azure Monitor say how its entities are, and since when?"""

from datetime import timedelta
from typing import Any

import pytest

from remediation.probes.health_model import (
    API_VERSION,
    HealthModelStates,
    health_of,
    sources,
    transitions_in,
)
from remediation.probes.rest import Rest
from remediation.probes.rounds import Asked, NotAnsweredError
from rules.health import fold
from rules.signals import Health, Subject
from rules.topology import HealthModel
from tests.builders import NOW, a_workload, at
from tests.probes.azure_rest import MODEL, AzureRest, Fault, answers, fails, opened, zulu

ENTITIES = {
    "shop-model": (None, "Workload"),
    "weu-root": ("weu", "Stamp"),
    "weu-hub": ("weu", "EventHub"),
}
WELL: dict[str, str | None] = dict.fromkeys((*ENTITIES, "not-ours"), "Healthy")


def states_of(rest: Rest) -> HealthModelStates:
    """The probe of the model of `shop`."""
    return HealthModelStates(rest, "shop", HealthModel(MODEL, ENTITIES))


def a_change(seconds: float, before: str, after: str, reason: str | None = None) -> dict[str, Any]:
    """A row of a history."""
    row = {"previousState": before, "newState": after, "occurredAt": zulu(at(seconds))}
    return row if reason is None else row | {"reason": reason}


def now_of(answer: Asked, node: str) -> tuple[Health | None, tuple[str, ...]]:
    """The last word about a node, and its reasons."""
    signal = [each for each in answer.signals if each.subject.node == node][-1]
    return signal.health, signal.reasons


async def test_one_question_tells_of_all_entities() -> None:
    """While all is well one request is enough, and each entity of the file is green now."""
    async with opened() as (azure, rest):
        azure.states = WELL
        answer = await states_of(rest).ask(NOW)
    assert azure.paths() == ["GET entities"]
    assert azure.asked[0].query == {"api-version": API_VERSION}
    assert {signal.subject: signal.health for signal in answer.signals} == {
        Subject("shop", None, "Workload"): Health.GREEN,
        Subject("shop", "weu", "Stamp"): Health.GREEN,
        Subject("shop", "weu", "EventHub"): Health.GREEN,
    }
    assert {signal.source for signal in answer.signals} == {"health-model:shop-model"}
    assert {signal.observed_at for signal in answer.signals} == {NOW}


@pytest.mark.parametrize(
    ("word", "health"),
    [
        *(("Healthy", Health.GREEN), ("degraded", Health.YELLOW), ("Unhealthy", Health.RED)),
        *(
            ("Unknown", Health.UNKNOWN),
            ("Error", Health.UNKNOWN),
            (None, Health.UNKNOWN),
            ("", Health.UNKNOWN),
        ),
    ],
)
async def test_states_are_healths(word: str | None, health: Health) -> None:
    """Four words are known; a new one, or none, is unknown."""
    async with opened() as (azure, rest):
        azure.states = WELL | {"weu-hub": word}
        answer = await states_of(rest).ask(NOW)
    assert now_of(answer, "EventHub")[0] is health


async def test_an_entity_that_is_not_there_is_unknown() -> None:
    """Renamed, deleted or misspelt in the file: it says so, and the others stand."""
    async with opened() as (azure, rest):
        azure.states = {name: state for name, state in WELL.items() if name != "weu-hub"}
        answer = await states_of(rest).ask(NOW)
    assert now_of(answer, "EventHub") == (
        Health.UNKNOWN,
        ("the health model has no entity of this name",),
    )
    assert now_of(answer, "Stamp")[0] is Health.GREEN
    assert health_of({"healthState": "Healthy", "deletionDate": "2026-11-01T00:00:00Z"}) is Health.UNKNOWN


async def test_pages_are_followed_until_all_entities_are_found() -> None:
    """The last entity of the file stands on the third page; the fourth is not asked for."""
    async with opened() as (azure, rest):
        azure.states, azure.entities_per_page = WELL, 1
        answer = await states_of(rest).ask(NOW)
    assert azure.paths() == ["GET entities"] * 3
    assert {signal.health for signal in answer.signals} == {Health.GREEN}


async def test_a_list_without_end_is_given_up() -> None:
    """After ten pages nothing is known, and nothing is green."""
    async with opened() as (azure, rest):
        azure.states, azure.entities_per_page = {f"e{i}": "Healthy" for i in range(30)}, 1
        with pytest.raises(NotAnsweredError, match="the list has more than 10 pages"):
            await states_of(rest).ask(NOW)
    assert len(azure.asked) == 10


@pytest.mark.parametrize(
    "link",
    [
        *(
            "http://elsewhere.example/entities",
            "http://localhost:{port}/x",
            "http://x.127.0.0.1.example:{port}/",
        ),
        *("https://127.0.0.1:{port}/x", "http://127.0.0.1:1/x", "//127.0.0.1:{port}/x", "http://[::1", 7),
    ],
)
async def test_a_token_is_shown_to_no_other_place(link: object) -> None:
    """A list that goes on at another host, port or scheme is not followed."""
    async with opened() as (azure, rest):
        port = azure.url.rpartition(":")[2]
        there = link.format(port=port) if isinstance(link, str) else link
        azure.fault = answers({"value": [{"name": "a"}], "nextLink": there})
        with pytest.raises(NotAnsweredError, match="the list goes on at another host"):
            await states_of(rest).ask(NOW)
    assert len(azure.asked) == 1


async def test_azures_own_links_are_followed() -> None:
    """Resource Manager writes its port into links, and names regional hosts beneath its own."""
    async with opened() as (_, rest):
        azures = Rest(rest._send, rest._tokens)
        assert azures._is_ours("https://management.azure.com:443/subscriptions/1?skip=2")
        assert azures._is_ours("https://westeurope.management.azure.com/subscriptions/1")
        assert not azures._is_ours("https://notmanagement.azure.com/subscriptions/1")


async def test_a_change_brings_its_history() -> None:
    """What was between two questions is told too, with times and reasons; the present is the last word."""
    async with opened() as (azure, rest):
        azure.states = WELL
        probe = states_of(rest)
        before = await probe.ask(at(-60))
        azure.states = WELL | {"weu-root": "Unhealthy"}
        azure.history["weu-root"] = [
            a_change(-20, "Degraded", "Unhealthy", "SignalTransition"),
            a_change(-40, "Healthy", "Degraded"),
            a_change(-7200, "Unhealthy", "Healthy"),
        ]
        answer = await probe.ask(NOW)
    assert azure.paths() == ["GET entities", "GET entities", "POST getHistory"]
    assert azure.asked[-1].json == {"startAt": "2026-11-21T02:54:00Z", "endAt": "2026-11-21T03:00:00Z"}
    told = [(s.observed_at, s.health) for s in answer.signals if s.subject.node == "Stamp"]
    assert told == [(at(-40), Health.YELLOW), (at(-20), Health.RED), (NOW, Health.RED)]
    assert now_of(answer, "Stamp")[1] == (
        "since 2026-11-21 02:59:40: Degraded to Unhealthy, SignalTransition",
    )
    after = fold(fold({}, before.signals), reversed(answer.signals))
    [root] = [signal for signal in after.values() if signal.subject.node == "Stamp"]
    assert (root.health, root.observed_at) == (Health.RED, NOW)


async def test_an_entity_that_stays_red_needs_no_further_history() -> None:
    """The reason found once is told again, and is forgotten when the entity is well."""
    async with opened() as (azure, rest):
        azure.states = WELL | {"weu-root": "Unhealthy"}
        azure.history["weu-root"] = [a_change(-40, "Healthy", "Unhealthy", "SignalTransition")]
        probe = states_of(rest)
        await probe.ask(NOW)
        again = await probe.ask(at(60))
        azure.states, azure.history = WELL, {}
        well = await probe.ask(at(120))
    assert azure.paths().count("POST getHistory") == 2
    assert now_of(again, "Stamp") == (
        Health.RED,
        ("since 2026-11-21 02:59:20: Healthy to Unhealthy, SignalTransition",),
    )
    assert now_of(well, "Stamp") == (Health.GREEN, ())


async def test_a_history_that_cannot_be_had_hides_nothing() -> None:
    """The right to read histories is another one: without it red is red all the same."""

    def no_history(request: Any) -> Any:
        return fails(403, "AuthorizationFailed")(request) if request.method == "POST" else None

    async with opened() as (azure, rest):
        azure.states, azure.fault = WELL | {"weu-root": "Unhealthy"}, no_history
        answer = await states_of(rest).ask(NOW)
    assert azure.paths() == ["GET entities", "POST getHistory"]
    assert (now_of(answer, "Stamp"), answer.failed) == ((Health.RED, ()), "")


async def test_many_changes_at_once_ask_for_few_histories() -> None:
    """When the whole model turns red, Azure is not asked a question for each entity."""
    entities = {f"e{i}": ("weu", f"Node{i}") for i in range(30)}
    async with opened() as (azure, rest):
        azure.states = dict.fromkeys(entities, "Unhealthy")
        answer = await HealthModelStates(rest, "shop", HealthModel(MODEL, entities)).ask(NOW)
    assert azure.paths().count("POST getHistory") == 5
    assert [signal.health for signal in answer.signals] == [Health.RED] * 30


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (fails(429, "SubscriptionRequestsThrottled", 30), "HTTP 429 SubscriptionRequestsThrottled"),
        (fails(401, "InvalidAuthenticationToken"), "HTTP 401 InvalidAuthenticationToken"),
        (fails(404, "ResourceNotFound"), "HTTP 404 ResourceNotFound"),
        (fails(500), "HTTP 500 Failed"),
        (answers({"value": []}), "the health model has no entities"),
        (answers({"error": "?"}), "the answer holds no list"),
        (answers({"value": ["a", None]}), "the health model has no entities"),
    ],
)
async def test_no_usable_answer_makes_all_entities_unknown(fault: Fault, reason: str) -> None:
    """An error or an empty list is no health, and never green."""
    async with opened() as (azure, rest):
        azure.fault = fault
        probe = states_of(rest)
        with pytest.raises(NotAnsweredError) as raised:
            await probe.ask(NOW)
    assert raised.value.reason == reason
    blind = probe.blind(reason, NOW)
    assert {signal.subject.node for signal in blind} == {"Workload", "Stamp", "EventHub"}
    assert {(signal.health, signal.reasons) for signal in blind} == {(Health.UNKNOWN, (reason,))}


def test_what_is_odd_in_a_history_is_left_out() -> None:
    """No time, a time that lies ahead, no object: the others count, in their order."""
    rows = [
        *(None, "x", {}, {"occurredAt": 7}, a_change(5, "Healthy", "Unhealthy")),
        *(a_change(-1, "Degraded", "What\nis this?"), a_change(-2, "Healthy", "Degraded")),
    ]
    assert transitions_in({"history": rows}, NOW) == [
        (at(-2), Health.YELLOW, "Healthy to Degraded"),
        (at(-1), Health.UNKNOWN, "Degraded to What is this?"),
    ]
    assert transitions_in({"history": None}, NOW) == []
    assert len(transitions_in({"history": [a_change(-i, "a", "b") for i in range(1, 500)]}, NOW)) == 20


async def test_only_a_workload_with_a_model_is_asked() -> None:
    """Off where it is not configured."""
    async with opened() as (azure, rest):
        assert sources(rest, a_workload()) == []
        [source] = sources(rest, a_workload(health_model=HealthModel(MODEL, ENTITIES)))
    assert (source.name, source.about) == ("health-model", "shop/shop-model")
    assert source.every == timedelta(seconds=55)
    assert isinstance(azure, AzureRest)
