"""What the Functions host has to see, and how tests look at the app: in a new process, as a worker does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SCRIPT = (Path(__file__).parent / "index_app.py").read_text(encoding="utf-8")


def _timer(setting: str) -> list[dict[str, Any]]:
    return [
        {
            "direction": "IN",
            "type": "timerTrigger",
            "name": "timer",
            "schedule": f"%{setting}%",
            "runOnStartup": False,
            "useMonitor": True,
        }
    ]


def _queue(name: str) -> list[dict[str, Any]]:
    return [
        {
            "direction": "IN",
            "type": "serviceBusTrigger",
            "name": "message",
            "connection": "ServiceBusConnection",
            "queueName": name,
        }
    ]


def _http(route: str, *methods: str) -> list[dict[str, Any]]:
    return [
        {
            "direction": "IN",
            "type": "httpTrigger",
            "name": "request",
            "methods": list(methods),
            "authLevel": "ANONYMOUS",
            "route": route,
        },
        {"direction": "OUT", "type": "http", "name": "$return"},
    ]


BINDINGS = {
    "discover_organizations": _timer("DISCOVER_ORGANIZATIONS_SCHEDULE"),
    "refresh_prerequisites": _timer("REFRESH_PREREQUISITES_SCHEDULE"),
    "refresh_inventory": _timer("REFRESH_INVENTORY_SCHEDULE"),
    "refresh_extensions": _timer("REFRESH_EXTENSIONS_SCHEDULE"),
    "refresh_posture": _timer("REFRESH_POSTURE_SCHEDULE"),
    "refresh_notifications": _timer("REFRESH_NOTIFICATIONS_SCHEDULE"),
    "refresh_images": _timer("REFRESH_IMAGES_SCHEDULE"),
    "report_status": _timer("REPORT_STATUS_SCHEDULE"),
    "onboard_organization": _queue("onboarding"),
    "sync_organization": _queue("inventory"),
    "check_prerequisites": _queue("prerequisites"),
    "check_container_mapping": _queue("extension"),
    "assess_organization": _queue("posture"),
    "notify_organization": _queue("notifications"),
    "receive_container_mapping": _http("api/container-mappings", "POST"),
    "read_defender_api": _http("subscriptions/{*path}", "GET", "POST", "PUT", "PATCH", "DELETE"),
    "show_page": _http("security/{*path}", "GET", "POST"),
    "change_from_page": _http("changes", "POST"),
    "read_health": _http("api/health", "GET"),
    "trace_images": _queue("images"),
}


def index(folder: Path = ROOT, python: Path | None = None, *arguments: str) -> dict[str, Any]:
    """The app in the folder, as a new interpreter sees it that knows nothing of this checkout."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(  # noqa: S603 - our own program
        [str(python or sys.executable), "-B", "-c", SCRIPT, *arguments],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
