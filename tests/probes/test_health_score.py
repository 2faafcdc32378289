"""Does a stamp's health score say what Log Analytics knows, and unknown where it knows nothing?"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from remediation.probes.health_score import HealthScore, read_scores, sources
from remediation.probes.rest import Rest
from remediation.probes.rounds import Asked, NotAnsweredError
from remediation.tokens import TokenUnavailableError
from rules.signals import Health, Signal, Subject
from rules.topology import HealthQuery, Workload
from tests.builders import NOW, a_stamp, a_workload, at
from tests.probes.azure_rest import AzureRest, Fault, answers, fails, opened, zulu

WORKSPACE = "20000000-0000-0000-0000-000000000001"
QUERY = HealthQuery(WORKSPACE, "StampHealthScore | take 1")


def score_of(rest: Rest, workload: Workload | None = None) -> HealthScore:
    """The probe of stamp weu."""
    return HealthScore(rest, workload or a_workload(), "weu", QUERY)


async def asked(azure: AzureRest, rest: Rest, *rows: list[Any]) -> Asked:
    """What the probe makes of these rows."""
    azure.rows[WORKSPACE] = list(rows)
    return await score_of(rest).ask(NOW)


def told(signals: tuple[Signal, ...]) -> dict[str | None, Health | None]:
    """Each node and its health."""
    return {signal.subject.node: signal.health for signal in signals}


async def test_the_question_is_log_analytics_own() -> None:
    """Workspace, query, ten minutes and a token go out as the interface wants them."""
    async with opened() as (azure, rest):
        await asked(azure, rest, [zulu(at(-120)), True])
    [question] = azure.asked
    assert (question.method, question.path) == ("POST", f"/v1/workspaces/{WORKSPACE}/query")
    assert question.json == {"query": "StampHealthScore | take 1", "timespan": "PT10M"}
    assert question.headers["Prefer"] == "wait=3"


@pytest.mark.parametrize(
    ("healthy", "health"),
    [
        *((True, Health.GREEN), (1, Health.GREEN), ("True", Health.GREEN)),
        *((False, Health.RED), (0, Health.RED), ("false", Health.RED), (0.0, Health.RED)),
    ],
)
async def test_the_newest_row_decides(healthy: object, health: Health) -> None:
    """Healthy is green and not healthy is red, at the time of the row, about the root."""
    async with opened() as (azure, rest):
        newest: list[Any] = [zulu(at(-120)), healthy]
        rows = [[zulu(at(-300)), None], newest, [zulu(at(-240)), health is Health.RED]]
        [signal] = (await asked(azure, rest, *rows)).signals
    assert (signal.health, signal.observed_at, signal.source) == (health, at(-120), "health-score")
    assert signal.subject == Subject("shop", "weu", "Stamp")
    assert signal.may_act


async def test_no_rows_are_unknown_and_never_green() -> None:
    """The reference's own trap: an empty result says nothing."""
    async with opened() as (azure, rest):
        answer = await asked(azure, rest)
    [signal] = answer.signals
    assert (signal.health, signal.observed_at, answer.failed) == (Health.UNKNOWN, NOW, "")
    assert signal.reasons == ("the query gave no row for the last 10 min",)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([zulu(at(-601)), True], "its newest row is too old, of 2026-11-21 02:49:59"),
        ([zulu(at(-60)), None], "its column Healthy is neither true nor false"),
        ([zulu(at(-60)), "yes"], "its column Healthy is neither true nor false"),
        ([zulu(at(-60)), {"a": []}], "its column Healthy is neither true nor false"),
        ([zulu(at(-60)), 0.5], "its column Healthy is neither true nor false"),
        ([None, True], "a row has no time that can be read"),
        (["yesterday", True], "a row has no time that can be read"),
        (["2026-11-31T03:00:00Z", True], "a row has no time that can be read"),
    ],
)
async def test_a_row_that_does_not_tell_is_unknown(row: list[Any], reason: str) -> None:
    """Too old, without a time, neither true nor false: unknown, now, with the reason."""
    async with opened() as (azure, rest):
        [signal] = (await asked(azure, rest, row)).signals
    assert (signal.health, signal.observed_at, signal.reasons) == (Health.UNKNOWN, NOW, (reason,))


async def test_a_row_without_a_time_hides_no_newer_one() -> None:
    """Where one row cannot be dated, an older one that is well does not count."""
    async with opened() as (azure, rest):
        [signal] = (await asked(azure, rest, [zulu(at(-60)), True], ["?", False])).signals
    assert signal.health is Health.UNKNOWN


async def test_of_two_rows_of_one_moment_the_unhealthy_one_counts() -> None:
    """Their order in the result does not matter."""
    async with opened() as (azure, rest):
        rows = [[zulu(at(-60)), True], [zulu(at(-60)), False], [zulu(at(-60)), True]]
        [signal] = (await asked(azure, rest, *rows)).signals
    assert signal.health is Health.RED


async def test_columns_are_found_by_name_in_any_case_and_order() -> None:
    """A query that projects otherwise is read all the same."""
    async with opened() as (azure, rest):
        azure.columns = ["HEALTHY", "RedScore", "timegenerated"]
        [signal] = (await asked(azure, rest, [False, 1.0, zulu(at(-60))])).signals
    assert signal.health is Health.RED


async def test_components_are_nodes() -> None:
    """With a column ComponentName there is one signal for each; `Stamp` is the workload's root."""
    async with opened() as (azure, rest):
        azure.columns = ["TimeGenerated", "ComponentName", "Healthy"]
        azure.rows[WORKSPACE] = [
            [zulu(at(-120)), "Stamp", True],
            [zulu(at(-120)), "EventHub", False],
            [zulu(at(-60)), "EventHub", True],
            [zulu(at(-700)), "Keyvault", True],
            [zulu(at(-60)), None, True],
        ]
        probe = score_of(rest, a_workload(root_node="Root"))
        signals = (await probe.ask(NOW)).signals
        assert told(signals) == {
            "Root": Health.GREEN,
            "EventHub": Health.GREEN,
            "Keyvault": Health.UNKNOWN,
        }
        # What the query no longer tells of is said to be unknown; and so is all of it when it is silent.
        azure.rows[WORKSPACE] = [[zulu(at(-60)), "Stamp", True], [zulu(at(-60)), "EventHub", True]]
        assert told((await probe.ask(NOW)).signals)["Keyvault"] is Health.UNKNOWN
        assert told(probe.blind("?", NOW)) == dict.fromkeys(("Root", "EventHub"), Health.UNKNOWN)
        azure.rows[WORKSPACE] = []
        assert told((await probe.ask(NOW)).signals) == dict.fromkeys(("Root", "EventHub"), Health.UNKNOWN)


async def test_the_same_row_is_the_same_signal() -> None:
    """Asked twice, nothing new is said; the state, the stamp and the time make the identity."""
    async with opened() as (azure, rest):
        first = await asked(azure, rest, [zulu(at(-60)), True])
        again = await asked(azure, rest, [zulu(at(-60)), True])
        other = await asked(azure, rest, [zulu(at(-60)), False])
    assert first == again
    assert first.signals[0].id != other.signals[0].id


@pytest.mark.parametrize(
    ("fault", "reason", "retry_after"),
    [
        (fails(429, "TooManyRequests", 17), "HTTP 429 TooManyRequests", 17.0),
        (fails(401, "InvalidTokenError"), "HTTP 401 InvalidTokenError", None),
        (fails(500), "HTTP 500 Failed", None),
        (lambda _request: web.Response(status=502, text="<html>"), "HTTP 502", None),
        (answers(b"<html>"), "the answer is no JSON object", None),
        (answers(b"[" * 100_000), "the answer is no JSON object", None),
        (answers([]), "the answer is no JSON object", None),
        (answers({"tables": []}), "the answer holds no table", None),
        (answers({"tables": [{"columns": []}]}), "the table has no columns or no rows", None),
        (
            answers({"tables": [{"columns": [{"name": "Healthy"}], "rows": [[True]]}]}),
            "the result has no column TimeGenerated",
            None,
        ),
        (
            answers({"tables": [{"columns": [{"name": "TimeGenerated"}], "rows": []}]}),
            "the result has no column Healthy",
            None,
        ),
        (
            answers(
                {"tables": [{"columns": [{"name": "TimeGenerated"}, {"name": "Healthy"}], "rows": [["x"]]}]}
            ),
            "a row does not fit its columns",
            None,
        ),
        (answers(b'{"tables": "' + b"x" * 5_000_000 + b'"}'), "the answer is too long or broke off", None),
    ],
)
async def test_no_usable_answer_is_told_by_its_reason(
    fault: Fault, reason: str, retry_after: float | None
) -> None:
    """Whatever goes wrong, nothing is said of health, and the reason holds no secret."""
    async with opened() as (azure, rest):
        azure.rows[WORKSPACE] = [[zulu(at(-60)), True]]
        azure.fault = fault
        with pytest.raises(NotAnsweredError) as raised:
            await score_of(rest).ask(NOW)
    assert (raised.value.reason, raised.value.retry_after_seconds) == (reason, retry_after)


async def test_a_partial_result_is_none() -> None:
    """Rows beside an error are not all the rows: the red one may be what is missing."""
    async with opened() as (azure, rest):
        azure.partial = {"code": "PartialError", "message": "something was lost"}
        with pytest.raises(NotAnsweredError, match="a part of the result is missing: PartialError"):
            await asked(azure, rest, [zulu(at(-60)), True])


async def test_a_wrong_query_is_explained_to_its_author() -> None:
    """The innermost message says where the query is wrong."""
    wrong = {
        "code": "BadArgumentError",
        "message": "The request had some invalid properties",
        "innererror": {
            "code": "SemanticError",
            "message": "A semantic error occurred.",
            "innererror": {"code": "SEM0100", "message": "'where' failed to resolve 'Healhty'"},
        },
    }
    async with opened() as (azure, rest):
        azure.fault = answers({"error": wrong, "tables": []})
        with pytest.raises(NotAnsweredError, match="'where' failed to resolve 'Healhty'"):
            await score_of(rest).ask(NOW)


async def test_a_slow_answer_is_none() -> None:
    """A workspace that takes too long is given up."""
    async with opened(timeout_seconds=0.2) as (azure, rest):
        azure.slow_seconds = 5
        with pytest.raises(NotAnsweredError, match="timed out"):
            await score_of(rest).ask(NOW)


async def test_a_token_of_somebody_else_is_turned_away_and_not_repeated() -> None:
    """401 is a reason like any other, and the token stands in no reason."""
    async with opened(token="other") as (azure, rest):
        with pytest.raises(NotAnsweredError, match="HTTP 401 InvalidAuthenticationToken") as raised:
            await asked(azure, rest)
        azure.fault = fails(400, "what is other?")
        with pytest.raises(NotAnsweredError) as echoed:
            await asked(azure, rest)
    assert "other" not in raised.value.reason + echoed.value.reason


async def test_without_a_token_nothing_is_sent() -> None:
    """Entra ID is down: the reason says so."""

    class NoTokens:
        async def bearer(self, _scope: str) -> str:
            raise TokenUnavailableError("Entra ID did not answer in time")

    async with opened() as (azure, rest):
        blind = Rest(rest._send, NoTokens(), url=azure.url)
        with pytest.raises(NotAnsweredError, match="no token: Entra ID did not answer in time"):
            await score_of(blind).ask(NOW)
    assert azure.asked == []


async def test_only_stamps_with_a_query_are_asked() -> None:
    """Off where it is not configured."""
    async with opened() as (_, rest):
        weu, neu = a_stamp("weu", health_query=QUERY), a_stamp("neu")
        [source] = sources(rest, Workload("shop", (weu, neu)))
    assert (source.name, source.about, source.every) == ("health-score", "shop/weu", timedelta(seconds=25))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(columns=_json, rows=_json)
def test_no_table_breaks_the_reader(columns: Any, rows: Any) -> None:
    """Any result gives scores or the one stated error."""
    with suppress(NotAnsweredError):
        read_scores({"tables": [{"columns": columns, "rows": rows}]}, "Stamp")


_unhealthy = st.sampled_from([None, False, 0, "no", "", 0.5, -1, [True], {"a": True}])


@given(rows=st.lists(st.tuples(st.sampled_from([zulu(at(-60)), "?", None]), _unhealthy, _json).map(list)))
def test_no_row_is_green_that_does_not_say_so(rows: list[Any]) -> None:
    """Any rows give scores, and no guess makes one of them green."""
    names = [{"name": name} for name in ("TimeGenerated", "Healthy", "ComponentName")]
    scores = read_scores({"tables": [{"columns": names, "rows": rows}]}, "Stamp")
    assert all(score.health is not Health.GREEN for score in scores.values())
