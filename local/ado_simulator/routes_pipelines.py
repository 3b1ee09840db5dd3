"""Pipeline settings, service connections, the library and pipelines of a project."""

from __future__ import annotations

from typing import Any

from local.ado_simulator.answers import listing, ok
from local.ado_simulator.identity import Identity
from local.ado_simulator.paging import offset_page, with_token
from local.ado_simulator.project import Project
from local.ado_simulator.resources import (
    CHECK_TYPES,
    PROJECT_SETTINGS,
    RESTRICTIVE_SETTINGS,
    Definition,
    ServiceEndpoint,
)
from local.ado_simulator.router import DEV, Call, bad_request, route
from local.ado_simulator.wire import Answer

_DEV_URL = "https://dev.azure.com"


def _person(identity: Identity) -> dict[str, Any]:
    return {
        "displayName": identity.display_name,
        "id": identity.id,
        "uniqueName": identity.account_name,
        "descriptor": identity.descriptor,
    }


def _author(project: Project) -> dict[str, Any]:
    return _person(project.organization.owner or project.organization.world.identity)


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/build/generalsettings",
    scope="vso.project",
    capability="generalsettings",
)
def general_settings(call: Call) -> Answer:
    """Pipeline settings of a project; what the organization enforces is on here too."""
    project = call.project()
    forced = call.organization.pipeline_settings
    return ok(
        {
            name: project.settings[name] or (name in RESTRICTIVE_SETTINGS and forced.get(name, False))
            for name in (*PROJECT_SETTINGS, *(set(project.settings) - set(PROJECT_SETTINGS)))
            if name in project.settings
        }
    )


def _endpoint(project: Project, endpoint: ServiceEndpoint) -> dict[str, Any]:
    projects = project.organization.projects
    return {
        "data": endpoint.data,
        "id": endpoint.id,
        "name": endpoint.name,
        "type": endpoint.type,
        "url": endpoint.url,
        "createdBy": _author(project),
        "description": endpoint.description,
        "authorization": {"parameters": endpoint.parameters, "scheme": endpoint.scheme},
        "isShared": endpoint.is_shared,
        "isReady": endpoint.is_ready,
        "owner": "Library",
        "serviceEndpointProjectReferences": [
            {
                "projectReference": {"id": each, "name": projects[each].name},
                "name": endpoint.name,
                "description": endpoint.description,
            }
            for each in endpoint.project_ids
            if each in projects
        ],
    }


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/serviceendpoint/endpoints",
    scope="vso.serviceendpoint",
    capability="serviceendpoints",
)
def service_endpoints(call: Call) -> Answer:
    """Service connections of a project; failed ones only when asked for."""
    project = call.project()
    failed = call.flag("includeFailed")
    return listing([_endpoint(project, each) for each in project.endpoints if each.is_ready or failed])


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/pipelines/pipelinepermissions/{type}/{id}",
    scope="vso.build",
    capability="pipelinepermissions",
    preview=True,
)
def pipeline_permissions(call: Call) -> Answer:
    """Which pipelines may use a resource; `allPipelines` is there only when it was ever set."""
    project = call.project()
    kind, number = call.parameters["type"].lower(), call.parameters["id"]
    if kind not in {"endpoint", "variablegroup", "securefile", "queue", "environment", "repository"}:
        return bad_request(f"'{kind}' is no type of pipeline resource.")
    document: dict[str, Any] = {"resource": {"type": kind, "id": number}}
    permission = project.permissions.get((kind, number.lower()))
    moment = "2024-09-09T09:09:09.123Z"
    author = _author(project)
    if permission is not None and permission.all_pipelines is not None:
        document["allPipelines"] = {
            "authorized": permission.all_pipelines,
            "authorizedBy": author,
            "authorizedOn": moment,
        }
    document["pipelines"] = [
        {"id": each, "authorized": True, "authorizedBy": author, "authorizedOn": moment}
        for each in (permission.pipelines if permission else ())
    ]
    return ok(document)


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/distributedtask/variablegroups",
    scope="vso.variablegroups_read",
    capability="variablegroups",
)
def variable_groups(call: Call) -> Answer:
    """Variable groups of a project, page by page; secrets are null."""
    project = call.project()
    groups = sorted(project.variable_groups, key=lambda group: group.id)
    if call.query.get("queryorder", "").lower() == "iddescending":
        groups.reverse()
    page, following, number = offset_page(call, groups)
    author = _author(project)
    documents = [
        {
            "variables": {
                name: {"value": None, "isSecret": True} if value.get("isSecret") else value
                for name, value in group.variables.items()
            },
            "id": group.id,
            "type": group.type,
            "name": group.name,
            "description": group.description,
            "createdBy": author,
            "createdOn": group.created,
            "modifiedBy": author,
            "modifiedOn": group.created,
            "isShared": False,
            "variableGroupProjectReferences": None,
        }
        for group in page
    ]
    return with_token(listing(documents), following, number)


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/distributedtask/securefiles",
    scope="vso.securefiles_read",
    capability="securefiles",
    preview=True,
)
def secure_files(call: Call) -> Answer:
    """Secure files of a project."""
    project = call.project()
    author = _author(project)
    return listing(
        [
            {
                "id": file.id,
                "name": file.name,
                "createdBy": author,
                "createdOn": file.created,
                "modifiedBy": author,
                "modifiedOn": file.created,
                "properties": {},
            }
            for file in project.secure_files
        ]
    )


def _definition(project: Project, definition: Definition) -> dict[str, Any]:
    base = f"{_DEV_URL}/{project.organization.name}/{project.id}"
    url = f"{base}/_apis/build/Definitions/{definition.id}?revision={definition.revision}"
    return {
        "_links": {
            "self": {"href": url},
            "web": {"href": f"{base}/_build/definition?definitionId={definition.id}"},
        },
        "quality": "definition",
        "authoredBy": _author(project),
        "drafts": [],
        "queue": {
            "id": 72,
            "name": "Azure Pipelines",
            "pool": {"id": 9, "name": "Azure Pipelines", "isHosted": True},
        },
        "id": definition.id,
        "name": definition.name,
        "url": url,
        "uri": f"vstfs:///Build/Definition/{definition.id}",
        "path": definition.path,
        "type": "build",
        "queueStatus": "enabled",
        "revision": definition.revision,
        "createdDate": definition.created,
        "project": project.reference(),
    }


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/build/definitions",
    scope="vso.build",
    capability="definitions",
)
def definitions(call: Call) -> Answer:
    """Pipelines of a project, page by page."""
    project = call.project()
    page, following, number = offset_page(
        call, sorted(project.definitions, key=lambda definition: definition.name.lower())
    )
    documents = []
    for definition in page:
        document = _definition(project, definition)
        if call.flag("includeAllProperties"):
            document["process"] = {"type": definition.process}
            document["jobAuthorizationScope"] = "projectCollection"
            document["repository"] = {"id": definition.repository_id, "type": "TfsGit"}
            document |= definition.properties
        documents.append(document)
    return with_token(listing(documents), following, number)


@route("GET", DEV, "/{organization}/{project}/_apis/pipelines", scope="vso.build", capability="definitions")
def pipelines(call: Call) -> Answer:
    """Pipelines in the newer shape; ids are those of the definitions."""
    project = call.project()
    page, following, number = offset_page(call, project.definitions)
    base = f"{_DEV_URL}/{project.organization.name}/{project.id}/_apis/pipelines"
    documents = [
        {
            "url": f"{base}/{each.id}?revision={each.revision}",
            "id": each.id,
            "revision": each.revision,
            "name": each.name,
            "folder": each.path,
        }
        for each in page
    ]
    return with_token(listing(documents), following, number)


# --- environments and checks ----------------------------------------------------------------------------


@route(
    "GET",
    DEV,
    "/{organization}/{project}/_apis/distributedtask/environments",
    scope="vso.environment_manage",
    capability="environments",
)
def environments(call: Call) -> Answer:
    """Environments of a project, page by page."""
    project = call.project()
    page, following, number = offset_page(call, project.environments)
    author = _author(project)
    documents = [
        {
            "id": each.id,
            "name": each.name,
            "description": each.description,
            "createdBy": author,
            "createdOn": each.created,
            "lastModifiedBy": author,
            "lastModifiedOn": each.created,
            "project": {"id": project.id},
        }
        for each in page
    ]
    return with_token(listing(documents), following, number)


@route(
    "POST",
    DEV,
    "/{organization}/{project}/_apis/pipelines/checks/queryconfigurations",
    scope="vso.build",
    capability="checks",
    preview=True,
)
def query_checks(call: Call) -> Answer:
    """Checks of the resources in the body; with their settings only when asked for."""
    project = call.project()
    asked = call.document()
    if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
        return bad_request("A list of resources is expected.")
    wanted = {(str(each.get("type", "")).lower(), str(each.get("id", "")).lower()) for each in asked}
    author = _author(project)
    base = f"{_DEV_URL}/{project.organization.name}/{project.id}/_apis/pipelines/checks/configurations"
    documents = []
    for each in project.checks:
        if (each.resource_type, each.resource_id) not in wanted:
            continue
        document: dict[str, Any] = {
            "createdBy": author,
            "createdOn": "2024-11-19T11:21:11.1408948Z",
            "modifiedBy": author,
            "modifiedOn": "2024-11-19T11:21:11.1408948Z",
            "timeout": 43200,
            "id": each.id,
            "type": {"id": each.type_id, "name": CHECK_TYPES.get(each.type_id, "Task Check")},
            "url": f"{base}/{each.id}",
            "resource": {"type": each.resource_type, "id": each.resource_id},
        }
        if each.is_disabled:
            document["isDisabled"] = True
        if call.query.get("$expand", "").lower() == "settings":
            document["settings"] = each.settings
        documents.append(document)
    return listing(documents)


@route("GET", DEV, "/{organization}/_apis/build/settings", scope="vso.build", capability="retention")
def build_settings(call: Call) -> Answer:
    """How long builds of the organization are kept."""
    days = call.organization.retention_days
    policy = {} if days is None else {"daysToKeep": days, "minimumToKeep": 1, "deleteBuildRecord": True}
    return ok(
        {
            "defaultRetentionPolicy": policy,
            "maximumRetentionPolicy": {"daysToKeep": 730, "minimumToKeep": 50, "deleteBuildRecord": True},
            "daysToKeepDeletedBuildsBeforeDestroy": 30,
        }
    )
