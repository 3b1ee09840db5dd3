"""What the caller may do: effective permissions, one at a time or in a batch."""

from __future__ import annotations

from typing import Any

from local.ado_simulator.answers import Refusal, failure, listing, ok
from local.ado_simulator.router import DEV, FULL_ACCESS, Call, bad_request, route
from local.ado_simulator.wire import Answer

COLLECTION = "3e65f728-f8bc-4ecd-8764-7e378b19bfa7"
PROJECT = "52d39943-cb85-4d7f-8fa8-c6baac873819"
GIT = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
AUDIT_LOG = "a6cc6381-a1ca-4b36-b3c1-4e65211e82b6"
BUILD_ADMINISTRATION = "302acaca-b667-436d-a946-87133492041c"
SERVICE_HOOKS = "cb594ebe-87dd-4fc9-ac2c-6a10a4c92046"
_READ_BIT = {COLLECTION: 1, PROJECT: 1, GIT: 2}
_PROJECT_TOKEN = "$project:vstfs:///classification/teamproject/"  # noqa: S105 - a security token, no secret


@route(
    "GET",
    DEV,
    "/{organization}/_apis/permissions/{namespace}/{bits}",
    "/{organization}/_apis/permissions/{namespace}",
    scope=FULL_ACCESS,
    capability="permissions",
)
def permissions(call: Call) -> Answer:
    """Whether the caller has all the bits, for each token."""
    bits = _bits(call.parameters.get("bits", "0"))
    delimiter = call.query.get("delimiter") or ","
    tokens = call.query.get("tokens", call.query.get("token", "")).split(delimiter)
    namespace = call.parameters["namespace"].lower()
    always = call.flag("alwaysAllowAdministrators") and call.member.pca.is_member
    return listing([always or _evaluate(call, namespace, token, bits) for token in tokens])


def _bits(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refusal(bad_request(f"'{text}' are no permission bits.")) from None


@route(
    "POST",
    DEV,
    "/{organization}/_apis/security/permissionevaluationbatch",
    scope=FULL_ACCESS,
    capability="permissions",
)
def evaluation_batch(call: Call) -> Answer:
    """Several permissions at once; the answer repeats the questions, each with its value."""
    document = call.document()
    evaluations = document.get("evaluations") if isinstance(document, dict) else None
    if not isinstance(evaluations, list) or not all(isinstance(each, dict) for each in evaluations):
        return bad_request("evaluations are missing.")
    always = bool(document.get("alwaysAllowAdministrators"))
    answered: list[dict[str, Any]] = []
    for each in evaluations:
        namespace = str(each.get("securityNamespaceId", "")).lower()
        bits = _bits(str(each.get("permissions", 0)))
        value = _evaluate(call, namespace, str(each.get("token", "")), bits)
        answered.append({**each, "value": value or (always and call.member.pca.is_member)})
    return ok({"evaluations": answered, "alwaysAllowAdministrators": always})


def _evaluate(call: Call, namespace: str, token: str, bits: int) -> bool:
    if namespace not in {COLLECTION, PROJECT, GIT, AUDIT_LOG, BUILD_ADMINISTRATION, SERVICE_HOOKS}:
        raise Refusal(
            failure(
                404,
                "InvalidSecurityNamespaceException",
                f"TF50660: The security namespace {namespace} does not exist.",
            )
        )
    if namespace == PROJECT:
        return _project_permission(call, token.lower(), bits)
    if namespace == GIT:
        return _git_permission(call, token.lower(), bits)
    only_reading = bits & ~_READ_BIT.get(namespace, 0) == 0
    return call.is_administrator or (namespace == COLLECTION and only_reading)


def _project_permission(call: Call, token: str, bits: int) -> bool:
    if not token.startswith(_PROJECT_TOKEN):
        return call.is_administrator
    project_id = token.removeprefix(_PROJECT_TOKEN).split(":")[0]
    if project_id in call.member.denied_projects:
        return False
    if project_id not in call.organization.projects:
        return call.is_administrator
    return call.is_administrator or bits & ~_READ_BIT[PROJECT] == 0


def _git_permission(call: Call, token: str, bits: int) -> bool:
    member = call.member
    parts = token.split("/")
    if not member.licence.reads_code() or parts[0] != "repov2":
        return False
    if len(parts) > 1 and parts[1] in member.denied_projects:
        return False
    if len(parts) > 2 and parts[2] in member.denied_repositories:  # noqa: PLR2004 - the third part
        return False
    return call.is_administrator or bits & ~_READ_BIT[GIT] == 0
