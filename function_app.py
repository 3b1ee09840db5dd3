"""Every trigger of the app: its table of contents. Timers queue what is due, queues carry it out.

This file is loaded on every cold start, so it imports nothing heavy: clients, stores and parsers load when
the first function runs. What each trigger is for, and its files, is told in `docs/functions.md`.
"""

from __future__ import annotations

import json

import azure.functions as func

import handlers.assess_organization
import handlers.change_from_page
import handlers.check_container_mapping
import handlers.check_prerequisites
import handlers.discover_organizations
import handlers.notify_organization
import handlers.onboard_organization
import handlers.queue_due_work
import handlers.read_defender_api
import handlers.read_health
import handlers.receive_container_mapping
import handlers.report_status
import handlers.show_pages
import handlers.sync_organization
import handlers.trace_images
import handlers.unit_of_work
from shared import wiring
from shared.model.command import Command, DoWork, OnboardOrganization
from shared.model.web import WebReply, WebRequest
from shared.model.work import ONBOARDING_QUEUE, WorkKind
from shared.ports import Dependencies

app = func.FunctionApp()

SERVICE_BUS = "ServiceBusConnection"


# --- timers -----------------------------------------------------------------------------------------------


@app.timer_trigger("timer", "%DISCOVER_ORGANIZATIONS_SCHEDULE%", run_on_startup=False, use_monitor=True)
def discover_organizations(timer: func.TimerRequest, context: func.Context) -> None:
    """Find organizations, new ones too, and onboard them as the connector's mode says."""
    _note_past_due(timer, context)
    handlers.discover_organizations.discover_organizations(wiring.dependencies())


@app.timer_trigger("timer", "%REFRESH_PREREQUISITES_SCHEDULE%", run_on_startup=False, use_monitor=True)
def refresh_prerequisites(timer: func.TimerRequest, context: func.Context) -> None:
    """Queue the prerequisite checks that are due."""
    _note_past_due(timer, context)
    handlers.queue_due_work.queue_due_work(WorkKind.PREREQUISITES, wiring.dependencies())


@app.timer_trigger("timer", "%REFRESH_INVENTORY_SCHEDULE%", run_on_startup=False, use_monitor=True)
def refresh_inventory(timer: func.TimerRequest, context: func.Context) -> None:
    """Queue the inventory syncs that are due."""
    _note_past_due(timer, context)
    handlers.queue_due_work.queue_due_work(WorkKind.INVENTORY, wiring.dependencies())


@app.timer_trigger("timer", "%REFRESH_EXTENSIONS_SCHEDULE%", run_on_startup=False, use_monitor=True)
def refresh_extensions(timer: func.TimerRequest, context: func.Context) -> None:
    """Queue the extension checks that are due."""
    _note_past_due(timer, context)
    handlers.queue_due_work.queue_due_work(WorkKind.EXTENSION, wiring.dependencies())


@app.timer_trigger("timer", "%REFRESH_POSTURE_SCHEDULE%", run_on_startup=False, use_monitor=True)
def refresh_posture(timer: func.TimerRequest, context: func.Context) -> None:
    """Queue the posture assessments that are due."""
    _note_past_due(timer, context)
    handlers.queue_due_work.queue_due_work(WorkKind.POSTURE, wiring.dependencies())


@app.timer_trigger("timer", "%REFRESH_NOTIFICATIONS_SCHEDULE%", run_on_startup=False, use_monitor=True)
def refresh_notifications(timer: func.TimerRequest, context: func.Context) -> None:
    """Queue the notifications that are due."""
    _note_past_due(timer, context)
    handlers.queue_due_work.queue_due_work(WorkKind.NOTIFICATIONS, wiring.dependencies())


@app.timer_trigger("timer", "%REFRESH_IMAGES_SCHEDULE%", run_on_startup=False, use_monitor=True)
def refresh_images(timer: func.TimerRequest, context: func.Context) -> None:
    """Queue the tracing of images that is due."""
    _note_past_due(timer, context)
    handlers.queue_due_work.queue_due_work(WorkKind.IMAGES, wiring.dependencies())


@app.timer_trigger("timer", "%REPORT_STATUS_SCHEDULE%", run_on_startup=False, use_monitor=True)
def report_status(timer: func.TimerRequest, context: func.Context) -> None:
    """Tell how all is: metrics, and an event for each thing that needs somebody."""
    _note_past_due(timer, context)
    handlers.report_status.report_status(wiring.dependencies(), _reporting())


# --- queues -----------------------------------------------------------------------------------------------


@app.service_bus_queue_trigger("message", connection=SERVICE_BUS, queue_name=ONBOARDING_QUEUE)
def onboard_organization(message: func.ServiceBusMessage, context: func.Context) -> None:
    """Onboard one organization now, because somebody asked for it."""

    def onboard(command: Command, deps: Dependencies) -> None:
        if not isinstance(command, OnboardOrganization):
            raise TypeError(type(command).__name__)
        handlers.onboard_organization.onboard_organization(command, deps)

    wiring.deliver(ONBOARDING_QUEUE, message, onboard, _trace(context))


@app.service_bus_queue_trigger("message", connection=SERVICE_BUS, queue_name=WorkKind.INVENTORY.value)
def sync_organization(message: func.ServiceBusMessage, context: func.Context) -> None:
    """Bring projects and repositories of one organization up to date."""
    _perform(WorkKind.INVENTORY, message, context, handlers.sync_organization.sync_organization)


@app.service_bus_queue_trigger("message", connection=SERVICE_BUS, queue_name=WorkKind.PREREQUISITES.value)
def check_prerequisites(message: func.ServiceBusMessage, context: func.Context) -> None:
    """Check whether one organization may be, or may stay, onboarded."""
    _perform(WorkKind.PREREQUISITES, message, context, handlers.check_prerequisites.check_prerequisites)


@app.service_bus_queue_trigger("message", connection=SERVICE_BUS, queue_name=WorkKind.EXTENSION.value)
def check_container_mapping(message: func.ServiceBusMessage, context: func.Context) -> None:
    """Check the Container Mapping extension of one organization."""
    _perform(WorkKind.EXTENSION, message, context, handlers.check_container_mapping.check_container_mapping)


@app.service_bus_queue_trigger("message", connection=SERVICE_BUS, queue_name=WorkKind.POSTURE.value)
def assess_organization(message: func.ServiceBusMessage, context: func.Context) -> None:
    """Assess the recommendations for one organization."""
    _perform(WorkKind.POSTURE, message, context, handlers.assess_organization.assess_organization)


@app.service_bus_queue_trigger("message", connection=SERVICE_BUS, queue_name=WorkKind.NOTIFICATIONS.value)
def notify_organization(message: func.ServiceBusMessage, context: func.Context) -> None:
    """Tell a webhook what became unhealthy, and what recovered, of one organization."""
    _perform(WorkKind.NOTIFICATIONS, message, context, handlers.notify_organization.notify_organization)


@app.service_bus_queue_trigger("message", connection=SERVICE_BUS, queue_name=WorkKind.IMAGES.value)
def trace_images(message: func.ServiceBusMessage, context: func.Context) -> None:
    """Read where the images of one organization came from, and where they run."""
    _perform(WorkKind.IMAGES, message, context, handlers.trace_images.trace_images)


# --- HTTP -------------------------------------------------------------------------------------------------


@app.route(
    "api/container-mappings",
    trigger_arg_name="request",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
def receive_container_mapping(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Take the report of a pipeline's job about its images. The job's token, not a key, says who it is."""
    asked = _incoming(request, context)
    incoming = handlers.receive_container_mapping.IncomingReport(asked.headers, asked.body)
    reply = handlers.receive_container_mapping.receive_container_mapping(
        incoming, wiring.dependencies(), wiring.intake()
    )
    body = json.dumps(reply.document)
    return func.HttpResponse(
        body, status_code=reply.status, headers=dict(reply.headers), mimetype="application/json"
    )


@app.route(
    "subscriptions/{*path}",
    trigger_arg_name="request",
    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
def read_defender_api(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Tell what is known in the shape of Defender's own API, to whom App Service Authentication names."""
    return _answer(
        handlers.read_defender_api.read_defender_api(
            _incoming(request, context), wiring.dependencies(), wiring.viewers()
        )
    )


@app.route(
    "security/{*path}",
    trigger_arg_name="request",
    methods=["GET", "POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
def show_page(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Show a page of what is known, to whom App Service Authentication names."""
    return _answer(
        handlers.show_pages.show_page(
            _incoming(request, context),
            wiring.dependencies(),
            wiring.viewers(),
            wiring.sheets(),
            wiring.current().state,
            wiring.queue_counts,
            wiring.new_token,
        )
    )


@app.route(
    "changes",
    trigger_arg_name="request",
    methods=["POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
def change_from_page(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Change what a form of a page asks for, for whom App Service Authentication names, if they may."""
    runtime = wiring.current()
    return _answer(
        handlers.change_from_page.change_from_page(
            _incoming(request, context),
            runtime.dependencies,
            runtime.viewers,
            runtime.sheets,
            handlers.onboard_organization.remove_organization,
            runtime.settings.longest_exemption,
        )
    )


@app.route(
    "api/health",
    trigger_arg_name="request",
    methods=["GET"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
def read_health(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Tell everybody whether the app is healthy, and whoever may look what is wrong."""
    return _answer(handlers.read_health.read_health(_incoming(request, context), _means, _HEALTH))


# --- what triggers of a kind have in common ---------------------------------------------------------------


_HEALTH = handlers.read_health.Kept()


def _reporting() -> handlers.report_status.Reporting:
    runtime = wiring.current()
    return handlers.report_status.Reporting(
        wiring.queue_counts,
        runtime.state,
        runtime.meters.record,
        runtime.settings.discovery_late_after,
        runtime.settings.hourly_request_cap,
    )


def _means() -> handlers.read_health.Means | None:
    if not wiring.is_able_to_start():
        return None
    return handlers.read_health.Means(wiring.dependencies(), _reporting(), wiring.viewers())


def _incoming(request: func.HttpRequest, context: func.Context) -> WebRequest:
    headers = {name.lower(): value for name, value in request.headers.items()}
    wiring.begin(trace=wiring.trace_of(headers.get("traceparent")) or _trace(context))
    return WebRequest(request.method, request.url, headers, request.get_body())


def _answer(reply: WebReply) -> func.HttpResponse:
    headers = {**reply.headers, "Content-Type": reply.media_type}
    return func.HttpResponse(
        reply.body, status_code=reply.status, headers=headers, mimetype=reply.media_type.partition(";")[0]
    )


def _trace(context: func.Context) -> str:
    """The trace that the host made for this run."""
    return wiring.trace_of(getattr(context.trace_context, "trace_parent", None))


def _note_past_due(timer: func.TimerRequest, context: func.Context) -> None:
    """The app was away when it should have run. Nothing is lost by it, but somebody may wonder."""
    wiring.begin(trace=_trace(context))
    if timer.past_due:
        wiring.dependencies().log.info("timer.pastDue", function=context.function_name)


def _perform(
    kind: WorkKind,
    message: func.ServiceBusMessage,
    context: func.Context,
    body: handlers.unit_of_work.Body,
) -> None:
    """Do the work that the message names. What raises here is delivered again, and in the end put aside."""

    def do(command: Command, deps: Dependencies) -> None:
        if not isinstance(command, DoWork):
            raise TypeError(type(command).__name__)
        handlers.unit_of_work.perform(command, deps, body)

    wiring.deliver(kind.value, message, do, _trace(context))
