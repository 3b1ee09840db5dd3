"""The control endpoint: the world's changes and faults, over HTTP, for tools in other processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local.ado_simulator.answers import JSON, encode
from local.ado_simulator.faults import Fault, FaultKind
from local.ado_simulator.identity import Identity, Licence
from local.ado_simulator.organization import Organization
from local.ado_simulator.project import Project
from local.ado_simulator.repository import Repository
from local.ado_simulator.throttle import RateLimit
from local.ado_simulator.wire import Answer, Json
from local.ado_simulator.world import World

if TYPE_CHECKING:
    from local.ado_simulator.server import Simulator

Body = dict[str, Any]
SIMULATOR_ACTIONS = ("fault", "clear_faults", "configure", "reset", "reset_requests", "set_rate_limit")


class Control:
    """Answers `/_control/…`."""

    def __init__(self, simulator: Simulator) -> None:
        """Control one simulator."""
        self._simulator = simulator

    def answer(self, method: str, action: str, content: bytes) -> Answer:
        """Read something (GET), or do something (POST with a JSON object)."""
        action = action.strip("/").partition("?")[0]
        if method == "GET":
            return self._read(action)
        if method != "POST":
            return _json({"error": "GET or POST"}, 405)
        try:
            body = json.loads(content or b"{}")
            if not isinstance(body, dict):
                return _json({"error": "the body must be a JSON object"}, 400)
            return _json({"done": action, "result": self.perform(action, body)})
        except (KeyError, ValueError, TypeError, AttributeError, StopIteration) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)

    def _read(self, what: str) -> Answer:
        simulator = self._simulator
        if what == "requests":
            return _json({**simulator.requests.summary(), "ignoredWaits": simulator.throttle.ignored})
        if what == "world":
            return _json(simulator.world.summary())
        if what == "faults":
            return _json(
                [
                    {"kind": str(each.kind), "path": each.path, "seen": each.seen, "fired": each.fired}
                    for each in simulator.faults
                ]
            )
        if what == "actions":
            return _json(sorted({*ACTIONS, *SIMULATOR_ACTIONS}))
        return _json({"error": f"nothing to read under {what!r}"}, 404)

    def perform(self, action: str, body: Body) -> Json:
        """Do one action; ValueError names what is wrong."""
        simulator = self._simulator
        if action == "fault":
            simulator.add_fault(self._fault(body))
        elif action == "clear_faults":
            simulator.clear_faults()
        elif action == "reset_requests":
            simulator.reset_requests()
        elif action == "set_rate_limit":
            simulator.set_rate_limit(RateLimit(**body) if body else None)
        elif action == "configure":
            return self._configure(body)
        elif action == "reset":
            return self._reset()
        elif action in ACTIONS:
            return ACTIONS[action](simulator.world, body)
        else:
            raise ValueError(f"unknown action {action!r}; GET /_control/actions lists them")
        return None

    def _fault(self, body: Body) -> Fault:
        fields = dict(body)
        if fields.get("kind") == FaultKind.RUN:
            name, arguments = str(fields.pop("run")), dict(fields.pop("arguments", {}))
            fields["action"] = lambda: self.perform(name, arguments)
        return Fault(**fields)

    def _configure(self, body: Body) -> Body:
        options = self._simulator.options
        for name, value in body.items():
            if name not in {"page_size", "entitlement_page_size", "latency", "chunk_above", "clock_ahead"}:
                raise ValueError(f"unknown option {name!r}")
            setattr(options, name, value)
        return {"page_size": options.page_size, "latency": options.latency}

    def _reset(self) -> Body:
        simulator = self._simulator
        simulator.clear_faults()
        simulator.set_rate_limit(None)
        simulator.reset_requests()
        regenerate = simulator.world.regenerate
        if regenerate is not None:
            simulator.world.become(regenerate())
        return {"world": regenerate is not None}


def _json(document: Json, status: int = 200) -> Answer:
    return Answer(status, encode(document), JSON)


def _organization(world: World, body: Body) -> Organization:
    return world.organization(str(body["organization"]))


def _project(world: World, body: Body, key: str = "project") -> Project:
    return _organization(world, body).project(str(body[key]))


def _repository(world: World, body: Body) -> Repository:
    project, name = _project(world, body), str(body["repository"])
    for repository in project.recycle_bin.values():
        if name.lower() in {repository.id, repository.name.lower()}:
            return repository
    return project.repository(name)


def _identity(world: World, body: Body) -> Identity:
    return world.identities[str(body.get("identity") or world.token)]


def _licence(body: Body) -> str | Licence:
    value = body.get("licence", "basic")
    return Licence(**value) if isinstance(value, dict) else str(value)


def _target(world: World, body: Body) -> Project | Repository:
    return _repository(world, body) if "repository" in body else _project(world, body)


def _keyword(body: Body, *names: str) -> Body:
    return {name: body[name] for name in names if name in body}


def _add_organization(world: World, body: Body) -> Body:
    organization = world.add_organization(
        str(body["name"]), licence_name=_licence(body), **_keyword(body, "tenant", "member", "pca")
    )
    return {"instanceId": organization.instance_id, "accountId": organization.account_id}


def _add_project(world: World, body: Body) -> Body:
    options = _keyword(body, "visibility", "description", "state", "tfvc", "abbreviation")
    return {"id": _organization(world, body).add_project(str(body["name"]), **options).id}


def _add_repository(world: World, body: Body) -> Body:
    options = _keyword(body, "default_branch", "size", "disabled", "fork", "maintenance")
    return {"id": _project(world, body).add_repository(str(body["name"]), **options).id}


def _add_endpoint(world: World, body: Body) -> Body:
    options = _keyword(body, "type", "scheme", "url", "ready", "all_pipelines", "data", "parameters")
    return {"id": _project(world, body).add_service_endpoint(str(body["name"]), **options).id}


def _add_policy(world: World, body: Body) -> Body:
    options = _keyword(body, "type_id", "settings", "scopes", "enabled", "blocking", "deleted")
    return {"id": _project(world, body).add_branch_policy(**options).id}


def _update_policy(world: World, body: Body) -> None:
    options = _keyword(body, "settings", "scopes", "is_enabled", "is_blocking", "is_deleted")
    _project(world, body).update_branch_policy(int(body["id"]), **options)


def _add_identity(world: World, body: Body) -> Body:
    options = _keyword(body, "display_name", "email", "kind", "tenant", "expired", "microsoft_account")
    return {"id": world.add_identity(str(body["token"]), **options).id}


def _share_endpoint(world: World, body: Body) -> None:
    project = _project(world, body)
    project.share_service_endpoint(project.endpoint(str(body["endpoint"])), _project(world, body, "target"))


def _remove_endpoint(world: World, body: Body) -> None:
    project = _project(world, body)
    project.remove_service_endpoint(project.endpoint(str(body["endpoint"])))


_ORGANIZATION_ATTRIBUTES = frozenset(
    {
        "listed_in_accounts",
        "direct_denial",
        "provider_failure",
        "empty_token",
        "project_order",
        "extension_lag",
        "retention_days",
        "on_create",
    }
)


def _set_organization(world: World, body: Body) -> None:
    organization = _organization(world, body)
    with organization.change():
        for name, value in body.items():
            if name in _ORGANIZATION_ATTRIBUTES:
                setattr(organization, name, value)
            elif name != "organization":
                raise ValueError(f"unknown attribute {name!r} of an organization")


def _set_project(world: World, body: Body) -> None:
    project = _project(world, body)
    if "visibility" in body:
        project.set_visibility(str(body["visibility"]))
    if "description" in body:
        project.set_description(body["description"])
    if "state" in body:
        project.set_state(str(body["state"]))


def _set_project_administrators(world: World, body: Body) -> None:
    project = _project(world, body)
    with project.organization.change():
        project.administrators[:] = [world.identities[str(token)].descriptor for token in body["tokens"]]


def _set_member(world: World, body: Body) -> None:
    organization = _organization(world, body)
    member = organization.member(_identity(world, body))
    with organization.change():
        for name in ("meta_type", "origin", "last_accessed"):
            if name in body:
                setattr(member, name, str(body[name]))


def _extension(method: str) -> Callable[[World, Body], None]:
    def act(world: World, body: Body) -> None:
        options = _keyword(
            body, "flags", "version", "hidden_reads", "shared", "updated", "published", "message", "state"
        )
        getattr(_organization(world, body), method)(str(body["publisher"]), str(body["name"]), **options)

    return act


ACTIONS: dict[str, Callable[[World, Body], Any]] = {
    "add_organization": _add_organization,
    "rename_organization": lambda w, b: _organization(w, b).rename(str(b["name"])),
    "remove_organization": lambda w, b: w.remove_organization(str(b["organization"])),
    "stop_organization": lambda w, b: _organization(w, b).stop(),
    "start_organization": lambda w, b: _organization(w, b).stop(stopped=False),
    "set_organization": _set_organization,
    "add_project": _add_project,
    "rename_project": lambda w, b: _project(w, b).rename(str(b["name"])),
    "set_project": _set_project,
    "delete_project": lambda w, b: _project(w, b).delete(),
    "restore_project": lambda w, b: _project(w, b).restore(),
    "destroy_project": lambda w, b: _project(w, b).destroy(),
    "set_project_setting": lambda w, b: _project(w, b).set_setting(str(b["name"]), value=b["value"]),
    "add_repository": _add_repository,
    "rename_repository": lambda w, b: _repository(w, b).rename(str(b["name"])),
    "delete_repository": lambda w, b: _repository(w, b).delete(),
    "restore_repository": lambda w, b: _repository(w, b).restore(),
    "destroy_repository": lambda w, b: _repository(w, b).destroy(),
    "move_repository": lambda w, b: _repository(w, b).move(_project(w, b, "target")),
    "disable_repository": lambda w, b: _repository(w, b).disable(),
    "enable_repository": lambda w, b: _repository(w, b).disable(disabled=False),
    "set_default_branch": lambda w, b: _repository(w, b).set_default_branch(b["branch"]),
    "add_branch_policy": _add_policy,
    "update_branch_policy": _update_policy,
    "remove_branch_policy": lambda w, b: _project(w, b).remove_branch_policy(int(b["id"])),
    "add_service_endpoint": _add_endpoint,
    "share_service_endpoint": _share_endpoint,
    "remove_service_endpoint": _remove_endpoint,
    "update_service_endpoint": lambda w, b: _project(w, b)
    .update_service_endpoint(
        _project(w, b).endpoint(str(b["endpoint"])),
        **_keyword(b, "scheme", "url", "is_ready", "data", "parameters"),
    )
    .id,
    "update_definition": lambda w, b: _project(w, b)
    .update_definition(
        {one.id: one for one in _project(w, b).definitions}[int(b["id"])], **b["properties"]
    )
    .id,
    "set_pipeline_permission": lambda w, b: _project(w, b).set_pipeline_permission(
        str(b["type"]), str(b["id"]), **_keyword(b, "all_pipelines", "pipelines")
    ),
    "add_variable_group": lambda w, b: _project(w, b).add_variable_group(str(b["name"]), b["variables"]).id,
    "add_secure_file": lambda w, b: {"id": _project(w, b).add_secure_file(str(b["name"])).id},
    "add_environment": lambda w, b: {
        "id": _project(w, b).add_environment(str(b["name"]), **_keyword(b, "description")).id
    },
    "add_definition": lambda w, b: {
        "id": _project(w, b).add_definition(str(b["name"]), **_keyword(b, "process", "properties")).id
    },
    "add_check": lambda w, b: {
        "id": _project(w, b).add_check(
            str(b["type"]), str(b["id"]), str(b["type_id"]), **_keyword(b, "settings", "disabled")
        ).id
    },
    "set_project_administrators": _set_project_administrators,
    "set_security": lambda w, b: _repository(w, b).set_security(**b["switches"]),
    "scan": lambda w, b: _repository(w, b).scan(str(b["kind"]), **b.get("alerts", {})),
    "add_agent_pool": lambda w, b: {
        "id": _organization(w, b).add_agent_pool(
            str(b["name"]),
            **_keyword(b, "is_hosted", "is_legacy", "auto_provision", "auto_update", "size"),
        ).id
    },
    "add_audit_stream": lambda w, b: {
        "id": _organization(w, b).add_audit_stream(str(b["name"]), **_keyword(b, "status")).id
    },
    "add_service_hook": lambda w, b: {
        "id": _organization(w, b).add_service_hook(str(b["url"]), **_keyword(b, "event", "status")).id
    },
    "set_access": lambda w, b: _organization(w, b).set_access(
        str(b["namespace"]),
        str(b["token"]),
        {name: (int(allow), int(deny)) for name, (allow, deny) in b["entries"].items()},
        **_keyword(b, "inherits"),
    ),
    "set_member": _set_member,
    "add_identity": _add_identity,
    "expire_token": lambda w, b: w.expire_token(b.get("identity")),
    "renew_token": lambda w, b: w.expire_token(b.get("identity"), expired=False),
    "revoke_token": lambda w, b: w.revoke_token(b.get("identity")),
    "set_missing_scopes": lambda w, b: w.set_missing_scopes(set(b["scopes"]), b.get("identity")),
    "add_member": lambda w, b: _organization(w, b).add_member(
        _identity(w, b), licence_name=_licence(b), **_keyword(b, "pca")
    ).identity.id,
    "remove_member": lambda w, b: _organization(w, b).remove_member(_identity(w, b)),
    "set_licence": lambda w, b: _organization(w, b).set_licence(_licence(b), _identity(w, b)),
    "set_pca": lambda w, b: _organization(w, b).set_pca(str(b["pca"]), _identity(w, b)),
    "deny_read": lambda w, b: _organization(w, b).deny_read(_target(w, b), _identity(w, b)),
    "allow_read": lambda w, b: _organization(w, b).allow_read(_target(w, b), _identity(w, b)),
    "deny_capability": lambda w, b: _organization(w, b).deny_capability(
        str(b["capability"]), _identity(w, b)
    ),
    "allow_capability": lambda w, b: _organization(w, b).allow_capability(
        str(b["capability"]), _identity(w, b)
    ),
    "set_policy": lambda w, b: _organization(w, b).set_policy(
        str(b["name"]), **_keyword(b, "value", "explicit", "effective")
    ),
    "set_pipeline_setting": lambda w, b: _organization(w, b).set_pipeline_setting(
        str(b["name"]), value=b["value"]
    ),
    "share_extension": _extension("share_extension"),
    "install_extension": _extension("install_extension"),
    "set_extension_flags": _extension("set_extension_flags"),
    "uninstall_extension": _extension("uninstall_extension"),
    "set_extension_dates": _extension("set_extension_dates"),
    "request_extension": _extension("request_extension"),
    "answer_extension_requests": _extension("answer_extension_requests"),
}  # fmt: skip
