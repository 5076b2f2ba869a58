"""What the plugin counts after known traffic, in this process; the text is read by Prometheus' own parser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import flask
import pytest
from framework_metrics import Metrics
from framework_metrics.labels import Names
from prometheus_client import REGISTRY, CollectorRegistry, Gauge
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.middleware.proxy_fix import ProxyFix

from framework import ConnectionRefusedError, Event, EventError, Limits, Namespace, PluginError, SocketIO
from framework.testing import Client, ConnectRefused
from tests.polling_client import PollingClient, wait_until

TOKEN = "a-token-of-this-test"


class Chat(Namespace):
    namespace = "/chat"

    said = Event[str]()
    flood = Event[str]()

    def on_connect(self, auth: str | None = None) -> None:
        if auth == "coded":
            raise EventError("closed", "Closed.")
        if auth == "plain":
            raise ConnectionRefusedError("no")

    def on_say(self, text: str) -> None:
        self.said.broadcast(text)

    def on_join(self, room: str) -> None:
        self.join(room)

    def on_fail(self, code: str) -> None:
        raise EventError(code, "Failed.")

    def on_flood(self) -> None:
        for _ in range(20):
            self.flood.reply("x" * 100)


class Other(Namespace):
    namespace = "/other"


def build(*plugins: Any, **config: Any) -> flask.Flask:
    app = flask.Flask(__name__)
    app.testing = True
    app.config["FRAMEWORK_METRICS_NETWORKS"] = "127.0.0.1/32"
    app.config.update(config)
    limits = Limits(max_send_queue_bytes=1000)
    SocketIO(app, namespaces=[Chat, Other], plugins=plugins or [Metrics], async_mode="threading", limits=limits)
    return app


@pytest.fixture
def app() -> flask.Flask:
    return build()


def read(app: flask.Flask, path: str = "/metrics") -> str:
    response = app.test_client().get(path)
    assert response.status_code == 200, response.text
    return response.text


def samples(app: flask.Flask, name: str) -> dict[tuple[str, ...], float]:
    """The values of one sample, by the values of its labels in the order of their names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(read(app))
        for sample in family.samples
        if sample.name == name
    }


def extension(app: flask.Flask) -> SocketIO:
    found: SocketIO = app.extensions["socketio"]
    return found


# -- what is counted


def test_events_are_counted_by_namespace_event_and_code(app: flask.Flask) -> None:
    client = Client(app, Chat)
    for _ in range(3):
        client.call(Chat.on_say, "hi")
    for name, arguments in (("say", [1]), ("fail", ["room_full"]), ("fail", ["room_full"]), ("nonsense", [])):
        with pytest.raises(EventError):
            client.call(name, *arguments)
    # in the order of the labels' names: code, event, namespace
    assert samples(app, "framework_events_total") == {
        ("ok", "say", "/chat"): 3,
        ("invalid_payload", "say", "/chat"): 1,
        ("room_full", "fail", "/chat"): 2,
        ("unknown_event", "unknown", "/chat"): 1,
    }


def test_names_that_clients_make_up_are_one_series(app: flask.Flask) -> None:
    client = Client(app, Chat)
    for number in range(50):
        client.emit(f"made up {number}")
    assert samples(app, "framework_events_total") == {("unknown_event", "unknown", "/chat"): 50}
    assert samples(app, "framework_event_size_bytes_count") == {("unknown", "/chat"): 50}
    assert "made up" not in read(app)


def test_codes_beyond_the_limit_are_counted_as_other() -> None:
    app = build(FRAMEWORK_METRICS_MAX_NAMES=2)
    client = Client(app, Chat)
    for code in ("first", "second", "third", "fourth", "second", "forbidden"):
        with pytest.raises(EventError):
            client.call(Chat.on_fail, code)
    assert samples(app, "framework_events_total") == {
        ("first", "fail", "/chat"): 1,
        ("second", "fail", "/chat"): 2,
        ("other", "fail", "/chat"): 2,
        ("forbidden", "fail", "/chat"): 1,
    }


def test_duration_and_size_are_observed_once_for_each_event(app: flask.Flask) -> None:
    client = Client(app, Chat)
    client.call(Chat.on_say, "x" * 100)
    client.call(Chat.on_say, "x" * 1000)
    with pytest.raises(EventError):
        client.call("say", 1)
    assert samples(app, "framework_event_duration_seconds_count") == {("say", "/chat"): 3}
    assert samples(app, "framework_event_duration_seconds_sum")["say", "/chat"] > 0
    sizes = samples(app, "framework_event_size_bytes_bucket")
    assert [sizes["say", bound, "/chat"] for bound in ("64.0", "256.0", "1024.0", "+Inf")] == [1, 2, 3, 3]
    assert samples(app, "framework_event_size_bytes_sum") == {
        ("say", "/chat"): len('["say",""]') * 2 + 1100 + len('["say",1]')
    }


def test_buckets_are_those_that_are_set() -> None:
    app = build(FRAMEWORK_METRICS_DURATION_BUCKETS_S=[0.5, 1], FRAMEWORK_METRICS_SIZE_BUCKETS_BYTES=[10, 20, 30])
    Client(app, Chat).call(Chat.on_say, "hi")
    assert {bound for _, bound, _ in samples(app, "framework_event_duration_seconds_bucket")} == {"0.5", "1.0", "+Inf"}
    assert {bound for _, bound, _ in samples(app, "framework_event_size_bytes_bucket")} == {
        "10.0",
        "20.0",
        "30.0",
        "+Inf",
    }


def test_emits_are_counted_once_however_many_get_them(app: flask.Flask) -> None:
    clients = [Client(app, Chat) for _ in range(3)]
    clients[0].call(Chat.on_say, "hi")
    extension(app).emit("said", "hi", namespace="/chat")
    extension(app).emit("news", namespace="/other")
    assert samples(app, "framework_emits_total") == {("said", "/chat"): 2, ("news", "/other"): 1}


def test_names_of_emits_beyond_the_limit_are_counted_as_other() -> None:
    app = build(FRAMEWORK_METRICS_MAX_NAMES=2)
    for number in range(10):
        extension(app).emit(f"user-{number}", namespace="/chat")
    assert samples(app, "framework_emits_total") == {
        ("user-0", "/chat"): 1,
        ("user-1", "/chat"): 1,
        ("other", "/chat"): 8,
    }


def test_connects_refusals_and_disconnects_are_counted(app: flask.Flask) -> None:
    Client(app, Chat).disconnect()
    Client(app, Chat).drop()
    Client(app, Other)
    for auth in ("coded", "plain", "coded"):
        with pytest.raises(ConnectRefused):
            Client(app, Chat, auth=auth)
    assert samples(app, "framework_connects_total") == {("/chat",): 2, ("/other",): 1}
    assert samples(app, "framework_connects_refused_total") == {("closed", "/chat"): 2, ("unauthorized", "/chat"): 1}
    assert samples(app, "framework_disconnects_total") == {
        ("/chat", "client disconnect"): 1,
        ("/chat", "transport close"): 1,
    }


def test_client_that_is_dropped_because_it_reads_too_slowly_is_counted(app: flask.Flask) -> None:
    client = PollingClient(app)
    client.join("/chat")
    client.post('42/chat,["flood"]')
    wait_until(lambda: ("/chat", "slow client") in samples(app, "framework_disconnects_total"))
    assert samples(app, "framework_disconnects_total") == {("/chat", "slow client"): 1}
    assert samples(app, "framework_send_queue_bytes") == {(): 0}


def test_namespaces_that_clients_make_up_are_bounded() -> None:
    app = flask.Flask(__name__)
    app.config["FRAMEWORK_METRICS_NETWORKS"] = "127.0.0.1"
    SocketIO(app, namespaces=[Chat, "*"], plugins=[Metrics(max_names=2)], async_mode="threading")
    for number in range(5):
        Client(app, f"/made-up-{number}")
    Client(app, Chat)
    expected = {("/made-up-0",): 1, ("/made-up-1",): 1, ("other",): 3, ("/chat",): 1}
    assert samples(app, "framework_connects_total") == expected
    assert samples(app, "framework_connections") == expected


# -- what is looked at


def test_connections_and_rooms_are_those_of_the_moment(app: flask.Flask) -> None:
    ada, bob = Client(app, Chat), Client(app, Chat)
    for client, room in ((ada, "lobby"), (bob, "lobby"), (bob, "attic")):
        client.call(Chat.on_join, room)
    assert samples(app, "framework_connections") == {("/chat",): 2, ("/other",): 0}
    assert samples(app, "framework_rooms") == {("/chat",): 2, ("/other",): 0}
    bob.disconnect()
    assert samples(app, "framework_connections") == {("/chat",): 1, ("/other",): 0}
    assert samples(app, "framework_rooms") == {("/chat",): 1, ("/other",): 0}


def test_bytes_that_wait_are_counted_once_for_a_connection_of_two_namespaces(app: flask.Flask) -> None:
    client = PollingClient(app)
    client.join("/chat")
    client.join("/other")
    extension(app).emit("news", "x" * 100, namespace="/chat")
    assert samples(app, "framework_send_queue_bytes") == {(): len('2/chat,["news",""]') + 100}
    client.receive()
    assert samples(app, "framework_send_queue_bytes") == {(): 0}


# -- registries


def test_two_applications_in_one_process_count_for_themselves(app: flask.Flask) -> None:
    other = build()
    Client(app, Chat).call(Chat.on_say, "hi")
    assert samples(app, "framework_events_total") == {("ok", "say", "/chat"): 1}
    assert samples(other, "framework_events_total") == {}
    assert not [name for name in REGISTRY._names_to_collectors if name.startswith("framework_")]


def test_registry_may_be_given_and_hold_metrics_of_ones_own() -> None:
    registry = CollectorRegistry()
    Gauge("temperature", "Of the room.", registry=registry).set(21)
    app = build(Metrics(registry=registry))
    assert samples(app, "temperature") == {(): 21}
    assert samples(app, "framework_connections") == {("/chat",): 0, ("/other",): 0}
    assert extension(app).plugin(Metrics).registry is registry


def test_applications_that_share_a_registry_need_prefixes() -> None:
    registry = CollectorRegistry()
    first = build(Metrics(registry=registry))
    with pytest.raises(PluginError) as raised:
        build(Metrics(registry=registry))
    assert "Duplicated timeseries" in str(raised.value)
    assert "Give each application a registry of its own, or a 'prefix'." in str(raised.value)
    build(Metrics(registry=registry, prefix="second"))
    assert samples(first, "second_connections") == {("/chat",): 0, ("/other",): 0}


def test_application_may_be_given_to_its_socketio_again() -> None:
    registry = CollectorRegistry()
    socketio = SocketIO(namespaces=[Chat], plugins=[Metrics(registry=registry, networks="127.0.0.1")])
    socketio.init_app(flask.Flask(__name__))
    app = flask.Flask(__name__)
    socketio.init_app(app)
    Client(app, Chat).call(Chat.on_say, "hi")
    assert samples(app, "framework_events_total") == {("ok", "say", "/chat"): 1}


# -- the page


def get(app: flask.Flask, address: str = "127.0.0.1", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=named)


def closed_app(**config: Any) -> flask.Flask:
    return build(FRAMEWORK_METRICS_NETWORKS=None, **config)


def test_page_is_closed_until_somebody_says_who_may_read_it(caplog: pytest.LogCaptureFixture) -> None:
    app = closed_app()
    assert get(app).status_code == 403
    assert "FRAMEWORK_METRICS_TOKEN or FRAMEWORK_METRICS_NETWORKS" in get(app).text
    assert "/metrics answers 403" in caplog.text


def test_page_is_open_to_the_machine_itself_in_debug() -> None:
    app = closed_app(DEBUG=True)
    assert (get(app).status_code, get(app, "::1").status_code, get(app, "10.0.0.1").status_code) == (200, 200, 403)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        ("Bearer wrong", 401),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer", 401),
        ("Bearer \xe9", 401),
        (f"Basic {TOKEN}", 401),
        ("Basic YTpi", 401),
        (TOKEN, 401),
        ("", 401),
    ],
)
def test_token_opens_the_page_from_anywhere(authorization: str, status: int) -> None:
    app = closed_app(FRAMEWORK_METRICS_TOKEN=TOKEN)
    response = get(app, "203.0.113.9", Authorization=authorization)
    assert response.status_code == status
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("fd00::7", 200),
        ("11.0.0.1", 403),
        ("127.0.0.1", 403),
        ("fe80::1", 403),
        ("", 403),
        ("nonsense", 403),
    ],
)
def test_page_is_open_to_networks(address: str, status: int) -> None:
    assert get(build(FRAMEWORK_METRICS_NETWORKS="10.0.0.0/8, fd00::/8"), address).status_code == status


def test_token_and_network_are_both_needed_where_both_are_set() -> None:
    app = build(FRAMEWORK_METRICS_TOKEN=TOKEN)
    bearer = f"Bearer {TOKEN}"
    assert get(app, Authorization=bearer).status_code == 200
    assert get(app).status_code == 401
    assert get(app, "10.0.0.1", Authorization=bearer).status_code == 403


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "X_Real_IP"])
def test_address_of_a_proxy_opens_nothing(app: flask.Flask, header: str) -> None:
    assert get(app, **{header: "127.0.0.1"}).status_code == 403


def test_address_behind_a_proxy_counts_where_the_application_knows_it(app: flask.Flask) -> None:
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    assert get(app, "203.0.113.9", X_Forwarded_For="127.0.0.1").status_code == 200
    assert get(app, "127.0.0.1", X_Forwarded_For="203.0.113.9").status_code == 403


def test_page_may_be_elsewhere_or_nowhere() -> None:
    moved = build(FRAMEWORK_METRICS_PATH="/internal/metrics")
    assert "framework_connections" in read(moved, "/internal/metrics")
    assert get(moved).status_code == 404
    assert get(build(FRAMEWORK_METRICS_ENDPOINT=False)).status_code == 404


def test_openmetrics_is_served_to_who_asks_for_it(app: flask.Flask) -> None:
    Client(app, Chat).call(Chat.on_say, "hi")
    response = get(app, Accept="application/openmetrics-text; version=1.0.0")
    assert response.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert response.text.endswith("# EOF\n")
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(response.text)}  # type: ignore[no-untyped-call]
    assert families["framework_events"].type == "counter"
    assert get(app).content_type.startswith("text/plain")


def test_head_has_the_headers_and_no_body(app: flask.Flask) -> None:
    response = app.test_client().head("/metrics")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Cache-Control"] == "no-store"


# -- settings


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"PATH": "metrics"}, "FRAMEWORK_METRICS_PATH is 'metrics' in app.config"),
        ({"PATH": "/<name>"}, "FRAMEWORK_METRICS_PATH"),
        ({"TOKEN": "short"}, "FRAMEWORK_METRICS_TOKEN in app.config"),
        ({"TOKEN": "with a space, and long"}, "FRAMEWORK_METRICS_TOKEN in app.config: its value is not allowed"),
        ({"TOKEN": ""}, "FRAMEWORK_METRICS_TOKEN in app.config"),
        ({"NETWORKS": "10.0.0.1/8"}, "has host bits set"),
        ({"NETWORKS": ["localhost"]}, "FRAMEWORK_METRICS_NETWORKS[0]"),
        ({"PREFIX": "my-app"}, "FRAMEWORK_METRICS_PREFIX is 'my-app' in app.config"),
        ({"MAX_NAMES": 0}, "FRAMEWORK_METRICS_MAX_NAMES is 0 in app.config"),
        ({"DURATION_BUCKETS_S": [1, 1]}, "each above the one before"),
        ({"SIZE_BUCKETS_BYTES": []}, "at least one number"),
        ({"REFRESH_S": "soon"}, "FRAMEWORK_METRICS_REFRESH_S is 'soon' in app.config"),
        ({"REGISTRY": "default"}, "FRAMEWORK_METRICS_REGISTRY is 'default' in app.config"),
    ],
)
def test_bad_setting_is_named_with_its_place_and_reason(settings: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(PluginError, match=re.escape(reason)) as raised:
        build(**{f"FRAMEWORK_METRICS_{name}": value for name, value in settings.items()})
    assert "plugin metrics" in str(raised.value)
    assert "short" not in str(raised.value)


def test_settings_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEWORK_METRICS_NETWORKS", "10.0.0.0/8,192.168.0.0/16")
    monkeypatch.setenv("FRAMEWORK_METRICS_DURATION_BUCKETS_S", "[0.1, 0.2]")
    settings = extension(closed_app()).plugin(Metrics).settings
    assert [str(network) for network in settings.networks] == ["10.0.0.0/8", "192.168.0.0/16"]
    assert settings.duration_buckets_s == (0.1, 0.2)


def test_folder_of_several_processes_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere/at/all")
    with pytest.raises(PluginError, match="PROMETHEUS_MULTIPROC_DIR is '/nowhere/at/all', which is no folder"):
        build()


def test_folder_of_several_processes_has_to_be_named_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with pytest.raises(PluginError, match="was set after prometheus_client was imported"):
        build()


# -- labels


def test_names_are_bounded() -> None:
    names = Names(2, known=["ok"])
    given: list[object] = ["a", "b", "c", "ok", "a", None, 7, ["x"]]
    assert [names.label(name) for name in given] == ["a", "b", "other", "ok", "a", "unknown", "unknown", "unknown"]
    names.know("c")
    assert names.label("c") == "c"


def test_name_that_is_very_long_is_no_label() -> None:
    assert Names(2).label("x" * 101) == "other"
    assert Names(2).label("x" * 100) == "x" * 100
