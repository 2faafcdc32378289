"""Does an HTTP function see its request, and the caller its answer, as with Azure's host?"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from aiohttp import ClientSession

from local.functions_host import FunctionsHost, HostError

Serve = Callable[..., Awaitable[FunctionsHost]]
WriteHostJson = Callable[[dict[str, Any]], Path]


async def test_a_function_sees_the_whole_request(serve: Serve, http: ClientSession) -> None:
    """Method, URL, route parameters, query, headers and the body's bytes reach the function unchanged."""
    app = func.FunctionApp()
    seen: list[func.HttpRequest] = []

    @app.route(route="alerts/{source}", methods=["POST"])
    async def alerts(req: func.HttpRequest) -> func.HttpResponse:
        seen.append(req)
        return func.HttpResponse(status_code=202)

    host = await serve(app)
    url = f"{host.url}/api/alerts/azure%20monitor?tag=a&tag=b&empty="
    async with http.post(url, data=b"\xff\x00", headers={"X-One": "1"}) as answer:
        assert answer.status == 202
        assert await answer.read() == b""
    (request,) = seen
    assert (request.method, request.url) == ("POST", url)
    assert dict(request.route_params) == {"source": "azure monitor"}
    assert dict(request.params) == {"tag": "a,b", "empty": ""}
    assert request.headers["x-one"] == "1"
    assert request.get_body() == b"\xff\x00"


async def test_an_answer_keeps_status_headers_cookies_and_body(serve: Serve, http: ClientSession) -> None:
    """A response arrives with its status, headers, cookies, media type and bytes; text as text."""
    app = func.FunctionApp()

    @app.route(route="full")
    def full(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse(
            b"\x01", status_code=418, mimetype="application/x-tea", headers={"X-A": "b"}
        )
        response.headers.add("Set-Cookie", "c=d; Path=/")
        return response

    @app.route(route="text")
    def text(req: func.HttpRequest) -> str:
        return "tea"

    host = await serve(app)
    async with http.get(f"{host.url}/api/full") as answer:
        assert (answer.status, await answer.read()) == (418, b"\x01")
        assert answer.headers["Content-Type"] == "application/x-tea"
        assert answer.headers["X-A"] == "b"
        assert answer.cookies["c"].value == "d"
    async with http.get(f"{host.url}/api/text") as answer:
        assert (answer.status, await answer.text()) == (200, "tea")


def _two_doors() -> func.FunctionApp:
    app = func.FunctionApp()  # function level, unless a route says otherwise
    blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

    @app.route(route="open", auth_level=func.AuthLevel.ANONYMOUS)
    def open_door(req: func.HttpRequest) -> str:
        return "open"

    @blueprint.route(route="closed")
    def closed_door(req: func.HttpRequest) -> str:
        return "closed"

    app.register_functions(blueprint)
    return app


async def test_a_key_is_asked_for_where_the_level_says(serve: Serve, http: ClientSession) -> None:
    """With a key set, function-level routes want it in header or query; anonymous ones never ask."""
    host = await serve(_two_doors(), function_key="s3cret")
    for headers, query, expected in [
        ({}, "", 401),
        ({"x-functions-key": "wrong"}, "", 401),
        ({}, "?code=wr%C3%B6ng", 401),
        ({"x-functions-key": "s3cret"}, "", 200),
        ({}, "?code=s3cret", 200),
    ]:
        async with http.get(f"{host.url}/api/closed{query}", headers=headers) as answer:
            assert answer.status == expected
            assert (await answer.read() == b"") == (expected == 401)
        async with http.get(f"{host.url}/api/open{query}", headers=headers) as answer:
            assert answer.status == 200


async def test_without_a_key_loopback_asks_for_none(serve: Serve, http: ClientSession) -> None:
    """On loopback without a key, function-level routes are open."""
    host = await serve(_two_doors(), host="localhost")
    async with http.get(f"{host.url}/api/closed") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104
@pytest.mark.parametrize("key", [None, ""])
async def test_without_a_key_only_loopback_is_listened_on(address: str, key: str | None) -> None:
    """An address beyond this machine is refused without a key, and an empty key is none."""
    host = FunctionsHost(_two_doors(), settings={}, host=address, port=0, function_key=key)
    with pytest.raises(HostError, match="loopback only"):
        await host.start()


async def test_with_a_key_other_addresses_are_allowed(serve: Serve, http: ClientSession) -> None:
    """Together with a key the host listens where it is told."""
    host = await serve(_two_doors(), host="0.0.0.0", function_key="s3cret")  # noqa: S104
    port = host.url.rpartition(":")[2]
    async with http.get(f"http://127.0.0.1:{port}/api/closed") as answer:
        assert answer.status == 401


async def test_a_failing_function_tells_its_caller_nothing(
    serve: Serve, http: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception, and an answer of a wrong type, give a bare 500; the reason stands in the log."""
    app = func.FunctionApp()

    @app.route(route="boom")
    async def boom(req: func.HttpRequest) -> func.HttpResponse:
        raise RuntimeError("the secret inside")

    @app.route(route="odd")
    def odd(req: func.HttpRequest) -> int:
        return 7

    host = await serve(app)
    for name, reason in [("boom", "the secret inside"), ("odd", "answered with int")]:
        caplog.clear()
        async with http.get(f"{host.url}/api/{name}") as answer:
            assert (answer.status, await answer.read()) == (500, b"")
        (record,) = (each for each in caplog.records if each.levelno == logging.ERROR)
        assert name in record.getMessage()
        assert reason in caplog.text


async def test_unknown_routes_and_methods_are_not_found(serve: Serve, http: ClientSession) -> None:
    """A path that no function has, and a method that its function does not take, are answered with 404."""
    app = func.FunctionApp()

    @app.route(route="known", methods=["POST"])
    def known(req: func.HttpRequest) -> str:
        return "here"

    host = await serve(app)
    for method, path in [("GET", "/"), ("GET", "/known"), ("GET", "/api/known"), ("POST", "/api/known/more")]:
        async with http.request(method, host.url + path) as answer:
            assert answer.status == 404
    async with http.post(f"{host.url}/API/Known/") as answer:
        assert answer.status == 200


async def test_templates_match_as_in_azure(serve: Serve, http: ClientSession) -> None:
    """Fixed routes win over parameters, constraints hold, optional and catch-all parameters may be absent."""
    app = func.FunctionApp()

    def add(route: str) -> None:
        @app.function_name("f" + str(abs(hash(route))))
        @app.route(route=route)
        def answer(req: func.HttpRequest) -> str:
            return json.dumps([route, dict(req.route_params)])

    for route in ("{*rest}", "stamps/{id?}", "stamps/{number:int}", "stamps/all", "a.b/{x}/c"):
        add(route)
    host = await serve(app)
    for path, expected in [
        ("stamps/all", ["stamps/all", {}]),
        ("stamps/12", ["stamps/{number:int}", {"number": "12"}]),
        ("stamps/weu", ["stamps/{id?}", {"id": "weu"}]),
        ("stamps", ["stamps/{id?}", {}]),
        ("a.b/1/c", ["a.b/{x}/c", {"x": "1"}]),
        ("a-b/1/c", ["{*rest}", {"rest": "a-b/1/c"}]),
        ("", ["{*rest}", {}]),
    ]:
        async with http.get(f"{host.url}/api/{path}") as answer:
            assert json.loads(await answer.text()) == expected


@pytest.mark.parametrize("route", ["a{b}", "{a}/{b?}/c", "{*a}/b", "{a:colour}", "{a}/{a}", "{a"])
async def test_a_route_that_cannot_be_served_is_refused(route: str) -> None:
    """A malformed template is refused at start with the function's name."""
    app = func.FunctionApp()

    @app.route(route=route)
    def lost(req: func.HttpRequest) -> None: ...

    with pytest.raises(HostError, match="function lost, binding req: the route"):
        await FunctionsHost(app, settings={}, port=0).start()


async def test_two_functions_with_one_route_are_refused() -> None:
    """Two functions that would take the same requests are refused with both names."""
    app = func.FunctionApp()

    @app.route(route="same", methods=["GET", "POST"])
    def first(req: func.HttpRequest) -> None: ...

    @app.route(route="same", methods=["POST"])
    def second(req: func.HttpRequest) -> None: ...

    with pytest.raises(HostError, match="functions first and second share the route /api/same"):
        await FunctionsHost(app, settings={}, port=0).start()


@pytest.mark.parametrize(("prefix", "path"), [("", "/ping"), ("v1/x", "/v1/x/ping")])
async def test_the_route_prefix_is_host_jsons(
    prefix: str, path: str, serve: Serve, http: ClientSession, host_json: WriteHostJson
) -> None:
    """The prefix of host.json stands before every route; an empty one is none."""
    app = func.FunctionApp()

    @app.route(route="ping")
    def ping(req: func.HttpRequest) -> str:
        return "pong"

    host = await serve(app, host_json=host_json({"http": {"routePrefix": prefix}}))
    async with http.get(host.url + path) as answer:
        assert answer.status == 200
    async with http.get(f"{host.url}/api/ping") as answer:
        assert answer.status == 404


async def test_a_body_over_the_limit_is_refused(serve: Serve, http: ClientSession) -> None:
    """A body of the limit's size is taken; one byte more is answered with 413, announced or not."""
    app = func.FunctionApp()

    @app.route(route="up")
    def upload(req: func.HttpRequest) -> str:
        return str(len(req.get_body()))

    async def chunks(size: int) -> AsyncIterator[bytes]:
        for _ in range(size):
            yield b"x"

    host = await serve(app, max_body_bytes=64)
    for data, expected in [(b"x" * 64, 200), (b"x" * 65, 413), (chunks(64), 200), (chunks(65), 413)]:
        async with http.post(f"{host.url}/api/up", data=data) as answer:
            assert answer.status == expected


async def test_stopping_lets_requests_in_flight_finish(http: ClientSession) -> None:
    """A request that is being answered when the host stops gets its answer; afterwards nobody listens."""
    app = func.FunctionApp()
    entered, proceed = asyncio.Event(), asyncio.Event()

    @app.route(route="slow")
    async def slow(req: func.HttpRequest) -> str:
        entered.set()
        await proceed.wait()
        return "done"

    host = FunctionsHost(app, settings={}, port=0)
    await host.start()
    url = host.url

    async def ask() -> str:
        async with http.get(f"{url}/api/slow") as answer:
            return await answer.text()

    asking = asyncio.create_task(ask())
    await entered.wait()
    stopping = asyncio.create_task(host.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    proceed.set()
    assert await asking == "done"
    await stopping
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


async def test_stopping_is_bounded(http: ClientSession) -> None:
    """A request that never ends does not keep the host from stopping."""
    app = func.FunctionApp()
    entered = asyncio.Event()

    @app.route(route="stuck")
    async def stuck(req: func.HttpRequest) -> str:
        entered.set()
        await asyncio.Event().wait()
        return "never"

    async with FunctionsHost(app, settings={}, port=0, stop_within_s=0.1) as host:
        asking = asyncio.create_task(http.get(f"{host.url}/api/stuck").__aenter__())
        await entered.wait()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_plain_function_does_not_hold_up_the_others(serve: Serve, http: ClientSession) -> None:
    """A blocking `def` runs in a thread, so that an `async def` can run, and end it, meanwhile."""
    app = func.FunctionApp()
    released = threading.Event()

    @app.route(route="wait")
    def wait(req: func.HttpRequest) -> str:
        return str(released.wait(5))

    @app.route(route="release")
    async def release(req: func.HttpRequest) -> str:
        released.set()
        return "ok"

    host = await serve(app, settings={"PYTHON_THREADPOOL_THREAD_COUNT": "1"})

    async def ask(path: str) -> str:
        async with http.get(f"{host.url}/api/{path}") as answer:
            return await answer.text()

    assert list(await asyncio.gather(ask("wait"), ask("release"))) == ["True", "ok"]


async def test_a_context_tells_who_is_invoked(serve: Serve, http: ClientSession) -> None:
    """A `context` parameter gets a new invocation id each time, the function's name and the trace header."""
    app = func.FunctionApp()
    seen: list[func.Context] = []

    @app.function_name("named")
    @app.route(route="c")
    def get_context(req: func.HttpRequest, context: func.Context) -> str:
        seen.append(context)
        return ""

    host = await serve(app)
    for _ in range(2):
        await (await http.get(f"{host.url}/api/c", headers={"traceparent": "00-a-b-01"})).read()
    one, two = seen
    assert one.invocation_id != two.invocation_id
    assert one.function_name == "named"
    assert one.trace_context.trace_parent == "00-a-b-01"
    assert (one.retry_context.retry_count, one.retry_context.max_retry_count) == (0, 0)


async def test_an_app_is_served_again_after_a_restart(serve: Serve, http: ClientSession) -> None:
    """One imported app can be served by one host after another, though azure-functions reads it only once."""
    app = _two_doors()
    async with FunctionsHost(app, settings={}, port=0) as host:
        with pytest.raises(HostError, match="already running"):
            await host.start()
    again = await serve(app)
    async with http.get(f"{again.url}/api/open") as answer:
        assert answer.status == 200


async def test_an_address_that_is_taken_is_named(serve: Serve) -> None:
    """A port that something else listens on is refused with the address; later the host can be started."""
    host = await serve(_two_doors())
    other = FunctionsHost(_two_doors(), settings={}, port=int(host.url.rpartition(":")[2]))
    with pytest.raises(HostError, match=host.url):
        await other.start()
    await host.stop()
    await other.start()
    await other.stop()
