"""Every event that is logged, by its stable name: alerts, queries and people rely on these names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How severe an event is; the value is what LOG_LEVEL is set to."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """A log event: its name, its level, what it means, and the fields that it carries of its own."""

    name: str
    level: Level
    meaning: str
    fields: tuple[str, ...] = ()


CONTEXT: dict[str, str] = {
    "event": "the name of the event",
    "level": "its level",
    "timestamp": "when, in UTC",
    "organization": "the name of the organization that the work is on",
    "organization_id": "our own id of the organization that the message names",
    "connector": "the name of the connector that does the work",
    "work": "the work that the message asks for: organization, kind and revision, or the message's id",
    "trace": "the W3C trace context (`traceparent`) that the request or the message came with, else the one "
    "that the host made for the run of the function",
}
"""Fields that any event carries beside its own: the first three always, the others where they exist."""


def _event(level: Level, name: str, meaning: str, *fields: str) -> Event:
    return Event(name, level, meaning, fields)


_DEBUG, _INFO, _WARNING, _ERROR = Level

EVENTS: tuple[Event, ...] = (
    _event(
        _DEBUG,
        "ado.request",
        "A request to Azure DevOps was answered, or failed. The path is a template without query.",
        *("method", "host", "path", "organization", "status", "activity", "seconds", "outcome"),
    ),
    _event(
        _WARNING, "api.refused", "Somebody asked the API without being known, or allowed.", "code", "status"
    ),
    _event(
        _ERROR,
        "authorization.ended",
        "The connector's identity cannot sign in (any more): a person must act. Told at each discovery.",
        *("connector", "status", "code", "reason"),
    ),
    _event(
        _ERROR,
        "authorization.ending",
        "The connector's authorisation ends at a known time that is near. Told at each discovery.",
        *("connector", "reason"),
    ),
    _event(
        _WARNING,
        "budget.exhausted",
        "The requests that the organization may be sent are used up; work waits until then.",
        *("organization", "organization_id", "connector", "reason", "until"),
    ),
    _event(
        _WARNING,
        "discovery.contended",
        "Another worker changed the connector again and again; the next discovery tries anew.",
        "connector",
    ),
    _event(
        _INFO,
        "discovery.done",
        "The organizations of a connector were looked for.",
        "connector",
        "organizations",
    ),
    _event(
        _ERROR,
        "discovery.failed",
        "The organizations of a connector could not be listed.",
        *("connector", "code", "reason"),
    ),
    _event(
        _ERROR,
        "discovery.late",
        "The organizations of a connector were not looked for longer than DISCOVERY_LATE_AFTER.",
        *("connector", "seconds"),
    ),
    _event(
        _WARNING,
        "function.abandoned",
        "Local host: a function did not end in time when it stopped.",
        "function",
    ),
    _event(
        _ERROR, "function.failed", "Local host: a timer or a request ended in an error.", "function", "error"
    ),
    _event(
        _ERROR, "function.timeout", "Local host: a function runs longer than host.json allows.", "function"
    ),
    _event(
        _DEBUG,
        "function.traceback",
        "Local host: where in the code the function failed.",
        *("function", "traceback"),
    ),
    _event(_ERROR, "host.eventFailed", "Local host: whoever is told of runs failed.", "function", "error"),
    _event(_ERROR, "host.queueUnavailable", "Local host: the queues do not answer.", "error"),
    _event(_ERROR, "http.notServed", "Local host: the port cannot be served.", "port", "error"),
    _event(_INFO, "http.served", "Local host: where HTTP is served.", "url"),
    _event(
        _WARNING,
        "message.failed",
        "Local host: a message could not be handled the first time; it is delivered again.",
        *("function", "error", "delivery_count"),
    ),
    _event(
        _INFO,
        "message.failedAgain",
        "Local host: a message could not be handled again; it is delivered once more.",
        *("function", "error", "delivery_count"),
    ),
    _event(
        _ERROR,
        "message.givenUp",
        "Local host: a message could not be handled the last time; it is a dead letter now.",
        *("function", "error", "delivery_count"),
    ),
    _event(
        _WARNING,
        "message.lockLost",
        "Local host: a message was delivered to somebody else meanwhile.",
        *("function", "sequence_number"),
    ),
    _event(
        _WARNING,
        "message.notPutOff",
        "Neither our own state nor the queues answer; the message is held, and sending tried again.",
        *("queue", "error", "outage"),
    ),
    _event(
        _ERROR,
        "message.notSettled",
        "Local host: a message could not be completed or given back; it is delivered again.",
        *("function", "error"),
    ),
    _event(
        _WARNING,
        "message.putOff",
        "Our own state, queues or secrets are away; the message comes again at that time.",
        *("queue", "until", "deferrals", "outage"),
    ),
    _event(
        _WARNING,
        "metrics.unavailable",
        "Metrics cannot be sent, since the setting is wrong; all else goes on.",
        *("setting", "error"),
    ),
    _event(
        _WARNING,
        "onboarding.refused",
        "A forced onboarding cannot be.",
        *("organization", "requested_by", "reason"),
    ),
    _event(
        _ERROR,
        "organization.unknown",
        "For a day (or twice the interval of the work, if longer) the organization's prerequisites or "
        "inventory could not be read, or a required prerequisite could not be told.",
        *("organization", "organization_id", "connector", "kind", "since", "code", "reason"),
    ),
    _event(_INFO, "page.changed", "Somebody changed something from a page.", "change", "by"),
    _event(
        _WARNING,
        "page.refused",
        "Somebody asked for a page without being known, or allowed.",
        "code",
        "status",
    ),
    _event(
        _WARNING,
        "posture.interrupted",
        "An assessment stopped half-way; it goes on behind that project.",
        *("organization", "after_project", "code", "reason"),
    ),
    _event(
        _INFO,
        "posture.looked",
        "The audit log was read for what has changed.",
        *("organization", "entries", "projects"),
    ),
    _event(
        _INFO,
        "posture.notified",
        "A webhook was told of changes.",
        *("organization", "unhealthy", "recovered", "unknown"),
    ),
    _event(
        _WARNING,
        "posture.readInFull",
        "The audit log cannot tell what has changed, so that everything is read.",
        *("organization", "reason"),
    ),
    _event(
        _ERROR,
        "queue.deadLetters",
        "Messages of a queue were given up: a bug, or one that cannot be read. At most 1,000 are counted.",
        *("queue", "messages"),
    ),
    _event(
        _ERROR,
        "queue.late",
        "Work of this kind was due for longer than four times REQUEUE_AFTER, and nobody took it.",
        *("queue", "seconds", "organization", "organization_id", "connector"),
    ),
    _event(_WARNING, "queue.unread", "The queues did not tell how many messages they hold."),
    _event(
        _INFO,
        "report.kept",
        "The report of a pipeline's job was kept.",
        *("organization", "run", "images", "repeated"),
    ),
    _event(
        _WARNING, "report.refused", "The report of a pipeline's job was refused.", "code", "status", "reason"
    ),
    _event(_INFO, "timer.pastDue", "The app was away when the timer should have fired.", "function"),
    _event(_ERROR, "timer.notNoted", "Local host: that a timer ran could not be noted.", "function", "error"),
    _event(_WARNING, "trace.runUnread", "A run could not be read for its images.", "run", "reason"),
    _event(
        _WARNING,
        "trace.unread",
        "Something of the tracing of images could not be read.",
        "what",
        "code",
        "reason",
    ),
    _event(
        _INFO,
        "work.done",
        "A piece of work succeeded; `seconds` is how long its last slice took.",
        *("organization", "connector", "kind", "seconds"),
    ),
    _event(
        _INFO,
        "work.dropped",
        "The organization of the work has no connector any more.",
        *("organization_id", "kind"),
    ),
    _event(
        _WARNING,
        "work.failed",
        "A piece of work failed, or waits for the rate limit; it is tried again at that time.",
        *("organization", "connector", "kind", "seconds", "code", "reason", "activity", "next_try"),
    ),
    _event(
        _WARNING,
        "work.leaseLost",
        "Somebody else took the work over; nothing of the last write took effect.",
        *("organization", "connector", "kind"),
    ),
    _event(
        _INFO,
        "work.outdated",
        "A message asked for work that is done, or that somebody does.",
        *("organization_id", "kind", "revision"),
    ),
    _event(_INFO, "work.queued", "Messages were sent for work that is due.", "kind", "count"),
    _event(
        _INFO,
        "work.wasLeftBehind",
        "A lease of this very process was freed.",
        *("organization_id", "kind"),
    ),
)
