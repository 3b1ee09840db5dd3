"""One check for each permission that something of ours needs: from the table of calls, tried if cheap.

Everything that is tried only reads. What cannot be tried is told from what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.checks import Check, Group, Outcome, Weight, outcome_of
from shared.model.connector import AuthKind, Connector
from shared.model.failure import Failure, ServiceError
from shared.model.identity import IdentityRights
from shared.model.prerequisite import Prerequisite, PrerequisiteStatus
from shared.model.right import CAPABILITY_TITLES, Capability, Right

if TYPE_CHECKING:
    from shared.ado.azure_devops import AzureDevOpsClient
    from shared.ado.calls import Call

_MERELY_SHOWN = {Capability.AUDITING, Capability.ADVANCED_SECURITY}
"""Nothing of ours rests on these yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a permission was found to be, and on what that rests."""

    outcome: Outcome
    evidence: str
    fix: str = ""
    code: str = ""


Known = Callable[[str], Answer]
"""What is known of a right, by its text, from the last time that it was needed."""


@dataclass(slots=True)
class Trial:
    """One organization to try things in, as one identity; the project to try them on is found when needed."""

    client: AzureDevOpsClient
    organization: str
    connector: Connector
    rights: IdentityRights
    access_level: Prerequisite
    known: Known
    _project: str | None = None
    _endpoint: str | None = None

    @property
    def project(self) -> str:
        """Id of the first project that is shown; empty when there is none. Raises `ServiceError`."""
        from shared.ado.calls import LIST_PROJECTS  # noqa: PLC0415 - heavy

        if self._project is None:
            where = {"organization": self.organization}
            self._project = self.client.first_of(LIST_PROJECTS, where, [("$top", "1")])
        return self._project

    @property
    def endpoint(self) -> str:
        """Id of the first service connection of that project; empty when there is none. As `project`."""
        from shared.ado.calls import LIST_ENDPOINTS  # noqa: PLC0415 - heavy

        if self._endpoint is None:
            where = {"organization": self.organization, "project": self.project}
            self._endpoint = self.client.first_of(LIST_ENDPOINTS, where)
        return self._endpoint


Try = Callable[[Trial], Answer]


def permission_checks(trial: Trial) -> Iterator[Check]:
    """The checks, in the order of the table. Requests: at most 9 (none where the identity is not let in)."""
    from shared.ado.calls import CALLS  # noqa: PLC0415 - heavy

    organization, connector = trial.organization, trial.connector
    calls: dict[Right, list[Call]] = {}
    for call in CALLS:
        wanted = {
            Capability.EXTENSION_INSTALLATION: connector.options.install_extension,
            Capability.IMAGE_TRACING: connector.options.read_build_logs,
        }.get(call.capability, True)
        if call.is_of_organization and wanted:
            calls.setdefault(call.right, []).append(call)
    shut_out = trial.rights.connection.failure
    if shut_out is not None:
        yield Check(
            "permissions",
            Group.PERMISSIONS,
            "permissions",
            Outcome.UNKNOWN,
            shut_out.reason,
            "nothing can be told of them",
            shut_out.fix,
            weight=Weight.BLOCKING,
            code=shut_out.code,
            connector=connector.name,
            organization=organization,
        )
        return
    for right, needing in calls.items():
        answer = _tried(right, trial)
        capabilities = tuple(dict.fromkeys(one.capability for one in needing))
        yield Check(
            f"permission.{right.key}",
            Group.PERMISSIONS,
            right.text,
            answer.outcome,
            answer.evidence,
            f"{' and '.join(CAPABILITY_TITLES[one] for one in capabilities)}: "
            + "; ".join(dict.fromkeys(one.lost for one in needing)),
            answer.fix,
            weight=Weight.INFORMATIONAL if set(capabilities) <= _MERELY_SHOWN else Weight.DEGRADING,
            code=answer.code,
            connector=connector.name,
            organization=organization,
            permission=right.text,
            capabilities=tuple(one.value for one in capabilities),
        )


def _tried(right: Right, trial: Trial) -> Answer:
    attempt = _TRIALS.get(right.key)
    if attempt is None:
        return trial.known(right.text)
    try:
        return attempt(trial)
    except ServiceError as error:
        return _answer(error.failure, "")


SCOPE_MISSING = "ScopeMissing"
"""A token that is refused for one thing, and taken by the same organization for others."""


def _answer(failure: Failure | None, good: str) -> Answer:
    if failure is None:
        return Answer(Outcome.MET, good)
    if failure.code == "TokenRefused":
        evidence = f"{failure.reason} The organization takes it for other things, so it lacks the scope."
        scope = failure.permission.partition("token scope: ")[2].rstrip(")")
        return Answer(Outcome.NOT_MET, evidence, f"Give the token the scope {scope}.", SCOPE_MISSING)
    fix = failure.fix
    if failure.permission and failure.permission not in fix:
        fix = f"{fix} It takes: {failure.permission}.".strip()
    return Answer(outcome_of(failure), failure.reason, fix, failure.code)


def _membership(trial: Trial) -> Answer:
    return _answer(trial.rights.connection.failure, "The organization lets the identity in.")


def _own_permissions(trial: Trial) -> Answer:
    return _answer(trial.rights.administrator.failure, "Effective permissions are answered.")


def _own_groups(trial: Trial) -> Answer:
    return _answer(trial.rights.groups.failure, "The groups of the identity are answered.")


def _own_access_level(trial: Trial) -> Answer:
    return _answer(trial.rights.entitlement.failure, "The access level is answered.")


def _settings(trial: Trial) -> Answer:
    policies = trial.rights.policies.failure
    if policies is not None:
        return _answer(policies, "")
    trial.client.organization_pipeline_settings(trial.organization)
    return Answer(Outcome.MET, "Policies and pipeline settings of the organization are answered.")


def _audit_log(trial: Trial) -> Answer:
    return _answer(trial.rights.audit_log.failure, "The audit log is answered.")


def _advanced_security(trial: Trial) -> Answer:
    return _answer(trial.rights.advanced_security.failure, "Advanced Security answers.")


def _extensions(trial: Trial) -> Answer:
    options = trial.connector.options
    trial.client.installed_extension(trial.organization, options.extension_publisher, options.extension_name)
    return Answer(Outcome.MET, "Installed extensions are answered.")


def _install_extensions(trial: Trial) -> Answer:
    """It is never tried: that would write."""
    administrator = trial.rights.administrator
    if administrator.value is None:
        return _answer(administrator.failure, "")
    if not administrator.value:
        return Answer(
            Outcome.NOT_MET,
            '"Edit instance-level information" is not effective for the identity.',
            "Add the identity to Project Collection Administrators: Organization settings > Permissions > "
            "Project Collection Administrators > Members > Add.",
        )
    options = trial.connector.options
    installed = trial.client.installed_extension(
        trial.organization, options.extension_publisher, options.extension_name
    )
    effective = '"Edit instance-level information" is effective'
    if installed is not None:
        return Answer(Outcome.MET, f"{effective}, and the extension is there: nothing is to be installed.")
    if trial.connector.identity.kind in {AuthKind.MANAGED_IDENTITY, AuthKind.SERVICE_PRINCIPAL}:
        return Answer(Outcome.MET, f"{effective}.")
    return Answer(
        Outcome.UNKNOWN,
        f"{effective}; whether the token has the scope shows when something is installed.",
        "Give the token the scope Extensions, read and manage: vso.extension_manage.",
    )


def _projects(trial: Trial) -> Answer:
    if trial.project:
        return Answer(Outcome.MET, "Projects are listed.")
    return Answer(
        Outcome.UNKNOWN,
        "The identity is shown no project: there is none, or it may see none.",
        "If there are projects: make the identity a member of the group Readers of each, in "
        "Project settings > Permissions.",
    )


def _code(trial: Trial) -> Answer:
    from shared.ado.calls import LIST_RECYCLE_BIN  # noqa: PLC0415 - heavy

    access = trial.access_level
    if access.status is PrerequisiteStatus.NOT_MET:
        return Answer(Outcome.NOT_MET, f"Repositories are hidden. {access.evidence}", access.fix)
    return _on_project(trial, LIST_RECYCLE_BIN, "repositories")


def _branch_policies(trial: Trial) -> Answer:
    from shared.ado.calls import LIST_POLICIES  # noqa: PLC0415 - heavy

    return _on_project(trial, LIST_POLICIES, "branch policies")


def _connections(trial: Trial) -> Answer:
    if not trial.project:
        return _NO_PROJECT
    found = "" if trial.endpoint else ", which shows none"
    told = f"Requests for service connections are answered; tried on project {trial.project}{found}."
    return Answer(Outcome.MET, told)


def _connection_use(trial: Trial) -> Answer:
    from shared.ado.calls import READ_ENDPOINT_PERMISSIONS  # noqa: PLC0415 - heavy

    if not trial.project:
        return _NO_PROJECT
    if not trial.endpoint:
        return trial.known(READ_ENDPOINT_PERMISSIONS.permission)
    where = {"organization": trial.organization, "project": trial.project, "endpoint": trial.endpoint}
    trial.client.probe(READ_ENDPOINT_PERMISSIONS, where)
    return Answer(Outcome.MET, f"Which pipelines may use one is answered; tried on project {trial.project}.")


def _runs(trial: Trial) -> Answer:
    from shared.ado.calls import LIST_RUNS  # noqa: PLC0415 - heavy

    return _on_project(trial, LIST_RUNS, "finished runs")


_NO_PROJECT = Answer(
    Outcome.UNKNOWN,
    "It could not be tried: the identity is shown no project.",
    "Make the identity a member of the group Readers of the projects: Project settings > Permissions.",
)


def _on_project(trial: Trial, call: Call, what: str) -> Answer:
    if not trial.project:
        return _NO_PROJECT
    trial.client.probe(call, {"organization": trial.organization, "project": trial.project})
    return Answer(Outcome.MET, f"Requests for {what} are answered; tried on project {trial.project}.")


_TRIALS: dict[str, Try] = {
    "membership": _membership,
    "ownPermissions": _own_permissions,
    "ownGroups": _own_groups,
    "ownAccessLevel": _own_access_level,
    "viewSettings": _settings,
    "viewAuditLog": _audit_log,
    "viewAdvancedSecurity": _advanced_security,
    "viewExtensions": _extensions,
    "installExtensions": _install_extensions,
    "viewProjects": _projects,
    "readCode": _code,
    "readBranchPolicies": _branch_policies,
    "readServiceConnections": _connections,
    "readServiceConnectionUse": _connection_use,
    "readRuns": _runs,
}
"""How each right is tried, by its key. One without a trial of its own is told from what was found last."""
