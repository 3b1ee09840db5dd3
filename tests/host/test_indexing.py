"""An app is read from its decorators; what cannot be hosted is refused with the reason."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from local.host import IndexingError
from local.host.functions import HttpFunction, QueueFunction, TimerFunction, read_functions
from local.host.host_json import HostOptions, read_host_json
from tests.host.conftest import MakeBench


def nothing(_: str) -> str | None:
    return None


def timer_app(schedule: str, **more: Any) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.timer_trigger("timer", schedule, **more)
    def tick(timer: func.TimerRequest) -> None:
        del timer

    return app


def queue_app(queue: str, **more: Any) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.service_bus_queue_trigger("message", connection="Bus", queue_name=queue, **more)
    def work(message: func.ServiceBusMessage) -> None:
        del message

    return app


def test_settings_in_bindings_are_resolved() -> None:
    settings = {"TICKS": "0 */15 * * * *", "PLACE": "inven"}
    (tick,) = read_functions(timer_app("%TICKS%"), settings.get)
    (work,) = read_functions(queue_app("%PLACE%tory"), settings.get)
    assert isinstance(tick, TimerFunction)
    assert tick.schedule.text == "0 */15 * * * *"
    assert isinstance(work, QueueFunction)
    assert work.queue == "inventory"


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_setting_is_told_with_function_binding_and_name(value: str | None) -> None:
    with pytest.raises(IndexingError) as caught:
        read_functions(timer_app("%TICKS%"), lambda _: value)
    assert "tick: binding timer (timerTrigger), schedule: the setting TICKS is not set" in str(caught.value)


def test_settings_come_from_the_host_then_the_runtime_then_the_environment(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKS", "0 0 1 * * *")
    monkeypatch.setenv("REFRESH_POSTURE_SCHEDULE", "0 0 2 * * *")

    def schedule(name: str, settings: dict[str, str] | None = None) -> str:
        return make_bench(timer_app(f"%{name}%"), settings=settings).host._timers["tick"].schedule.text

    assert schedule("TICKS") == "0 0 1 * * *"
    assert schedule("TICKS", {"TICKS": "0 0 3 * * *"}) == "0 0 3 * * *"
    assert schedule("REFRESH_POSTURE_SCHEDULE") == "0 0 2 * * *"
    monkeypatch.delenv("REFRESH_POSTURE_SCHEDULE")
    assert schedule("REFRESH_POSTURE_SCHEDULE") == "50 */5 * * * *"


def test_an_app_may_be_hosted_twice_in_one_process(make_bench: MakeBench) -> None:
    app = timer_app("0 0 * * * *")
    assert make_bench(app).host.functions == make_bench(app).host.functions == ("tick",)


def test_reading_an_app_leaves_logging_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), list(root.filters))
    read_functions(timer_app("0 0 * * * *"), nothing)
    assert (list(root.handlers), list(root.filters)) == before
    assert caplog.records == []


def test_reading_an_app_sets_up_no_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    read_functions(timer_app("0 0 * * * *"), nothing)
    assert root.handlers == []


def http_app(route: str) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.route(route, trigger_arg_name="request", auth_level=func.AuthLevel.ANONYMOUS)
    def answer(request: func.HttpRequest) -> str:
        return str(request.url)

    return app


def test_a_route_may_take_all_that_is_behind_it() -> None:
    (fixed,) = read_functions(http_app("things"), nothing)
    (more,) = read_functions(http_app("things/{*rest}"), nothing)
    assert isinstance(fixed, HttpFunction)
    assert isinstance(more, HttpFunction)
    assert (fixed.route, fixed.takes_more) == ("things", False)
    assert (more.route, more.takes_more) == ("things", True)


@pytest.mark.parametrize(
    ("app", "problem"),
    [
        (func.FunctionApp, "no functions"),
        (lambda: timer_app("0 * * * *"), "tick: binding timer .timerTrigger., schedule: .* no NCRONTAB"),
        (lambda: timer_app("0 0 * * * *", run_on_startup=True), "tick: .* runOnStartup"),
        (lambda: queue_app("inventory", cardinality="many"), "work: takes many messages"),
        (lambda: queue_app("inventory", is_sessions_enabled=True), "work: .* isSessionsEnabled"),
        (lambda: queue_app("inventory", auto_complete_messages=False), "work: .* autoCompleteMessages"),
        (lambda: http_app("things/{name}"), "answer: .* route: .* fixed routes"),
        (lambda: http_app("{*rest}"), "answer: .* route: .* fixed routes"),
    ],
)
def test_what_this_host_cannot_run_as_azure_would_is_refused(
    app: Callable[[], func.FunctionApp], problem: str
) -> None:
    with pytest.raises(IndexingError, match=problem):
        read_functions(app(), nothing)


def test_another_trigger_is_refused() -> None:
    app = func.FunctionApp()

    @app.queue_trigger("message", queue_name="q", connection="Storage")
    def work(message: func.QueueMessage) -> None:
        del message

    with pytest.raises(IndexingError, match="work: has a queueTrigger"):
        read_functions(app, nothing)


def test_a_parameter_without_binding_is_refused() -> None:
    app = func.FunctionApp()

    @app.timer_trigger("timer", "0 0 * * * *")
    def tick(timer: func.TimerRequest, other: str) -> None:
        del timer, other

    with pytest.raises(IndexingError, match="tick: has the parameters other, timer"):
        read_functions(app, nothing)


def test_a_queue_that_is_not_there_is_refused(make_bench: MakeBench) -> None:
    with pytest.raises(IndexingError, match="work: There is no queue 'inventroy'"):
        make_bench(queue_app("inventroy"))


def test_a_context_is_given_to_whom_asks_for_it(make_bench: MakeBench) -> None:
    app = func.FunctionApp()
    contexts: list[func.Context] = []

    @app.timer_trigger("timer", "0 0 * * * *")
    def tick(timer: func.TimerRequest, context: func.Context) -> None:
        del timer
        assert context.thread_local_storage.invocation_id == context.invocation_id  # type: ignore[attr-defined]
        contexts.append(context)

    host = make_bench(app).host
    assert host.fire("tick")
    assert host.fire("tick")
    assert [one.function_name for one in contexts] == ["tick", "tick"]
    assert Path(contexts[0].function_directory) == Path(__file__).parent
    assert contexts[0].invocation_id != contexts[1].invocation_id
    traces = [one.trace_context.trace_parent for one in contexts]
    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", one) for one in traces)
    assert traces[0] != traces[1]
    assert contexts[0].retry_context is None


def test_a_coroutine_function_is_run_to_its_end(make_bench: MakeBench) -> None:
    app = func.FunctionApp()
    ran: list[str] = []

    @app.timer_trigger("timer", "0 0 * * * *")
    async def tick(timer: func.TimerRequest) -> None:
        del timer
        ran.append("to the end")

    assert make_bench(app).host.fire("tick")
    assert ran == ["to the end"]


# --- host.json --------------------------------------------------------------------------------------------


def read(folder: Path, text: str) -> HostOptions:
    file = folder / "host.json"
    file.write_text(text, encoding="utf-8")
    return read_host_json(file)


def test_what_host_json_leaves_out_is_as_the_functions_host_has_it(tmp_path: Path) -> None:
    assert read(tmp_path, '{"version": "2.0"}') == HostOptions()


def test_a_run_may_take_as_long_as_it_likes(tmp_path: Path) -> None:
    assert read(tmp_path, '{"version": "2.0", "functionTimeout": "-1"}').function_timeout is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "is not a JSON object"),
        ('{"version": "1.0"}', "version"),
        ('{"version": "2.0", "functionTimeout": "soon"}', "functionTimeout: .*hh:mm:ss"),
        ('{"version": "2.0", "extensions": {"serviceBus": []}}', "extensions.serviceBus"),
        ('{"version": "2.0", "extensions": {"serviceBus": {"maxConcurrentCalls": 0}}}', "maxConcurrentCalls"),
        ('{"version": "2.0", "extensions": {"http": {"routePrefix": "{x}"}}}', "routePrefix"),
        (
            '{"version": "2.0", "extensions": {"serviceBus": {"maxAutoLockRenewalDuration": 5}}}',
            "maxAutoLockRenewalDuration",
        ),
        (
            '{"version": "2.0", "extensions": {"serviceBus": {"autoCompleteMessages": false}}}',
            "autoCompleteMessages",
        ),
    ],
)
def test_a_wrong_host_json_is_told_by_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(IndexingError, match=f"host.json: .*{problem}"):
        read(tmp_path, text)


def test_a_missing_host_json_is_told(tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match=r"There is no .*host\.json"):
        read_host_json(tmp_path / "host.json")
