"""Projects of the simulated world. Changes go through methods, under the world's lock."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.ado_simulator.clock import wire_time
from local.ado_simulator.repository import Repository
from local.ado_simulator.resources import (
    REVIEWERS_POLICY,
    BranchPolicy,
    Check,
    Definition,
    Environment,
    PipelinePermission,
    Run,
    RunStep,
    SecureFile,
    ServiceEndpoint,
    VariableGroup,
)
from local.ado_simulator.wire import Json

if TYPE_CHECKING:
    from local.ado_simulator.organization import Organization

_DEV_URL = "https://dev.azure.com"


@dataclass(eq=False)
class Project:
    """A team project with everything in it."""

    organization: Organization = field(repr=False)
    id: str
    name: str
    description: str | None
    visibility: str
    last_update: datetime
    state: str = "wellFormed"
    abbreviation: str | None = None
    is_tfvc: bool = False
    revision: int = 11
    repositories: dict[str, Repository] = field(default_factory=dict, repr=False)
    recycle_bin: dict[str, Repository] = field(default_factory=dict, repr=False)
    settings: dict[str, bool] = field(default_factory=dict, repr=False)
    policies: list[BranchPolicy] = field(default_factory=list, repr=False)
    endpoints: list[ServiceEndpoint] = field(default_factory=list, repr=False)
    variable_groups: list[VariableGroup] = field(default_factory=list, repr=False)
    secure_files: list[SecureFile] = field(default_factory=list, repr=False)
    definitions: list[Definition] = field(default_factory=list, repr=False)
    environments: list[Environment] = field(default_factory=list, repr=False)
    checks: list[Check] = field(default_factory=list, repr=False)
    runs: list[Run] = field(default_factory=list, repr=False)
    permissions: dict[tuple[str, str], PipelinePermission] = field(default_factory=dict, repr=False)
    administrators: list[str] = field(default_factory=list, repr=False)
    """Descriptors of the project's administrators."""
    build_administrators: list[str] = field(default_factory=list, repr=False)
    _encoded: tuple[object, str] | None = field(default=None, repr=False)

    def _change(self, *, visible: bool = False) -> AbstractContextManager[None]:
        if visible:
            self.revision += 1
            self.last_update = self.organization.world.now()
        return self.organization.change()

    def repository(self, name_or_id: str) -> Repository:
        """A repository by name (in any case) or id; KeyError when there is none."""
        key = name_or_id.lower()
        if key in self.repositories:
            return self.repositories[key]
        for repository in self.repositories.values():
            if repository.name.lower() == key:
                return repository
        raise KeyError(f"{self.name} has no repository {name_or_id!r}")

    def add_repository(
        self,
        name: str,
        *,
        default_branch: str | None = "refs/heads/main",
        size: int | None = None,
        disabled: bool = False,
        fork: bool = False,
        maintenance: bool | None = False,
    ) -> Repository:
        """Create a repository; without a default branch it is empty."""
        world = self.organization.world
        with self._change():
            actual_size = size if size is not None else (0 if default_branch is None else 4096)
            repository = Repository(
                self, world.new_id(), name, default_branch, actual_size, disabled, fork, maintenance
            )
            repository.created = world.now()
            self.repositories[repository.id] = repository
            repository._audit("RepositoryForked" if fork else "RepositoryCreated", "create")  # noqa: SLF001
        return repository

    def rename(self, name: str) -> None:
        """Give it another name; the id stays."""
        with self._change(visible=True):
            old, self.name = self.name, name
            self._audit("UpdateRenameCompleted", "modify", PreviousProjectName=old)

    def set_visibility(self, visibility: str) -> None:
        """Set `private`, `public` or `organization`."""
        with self._change(visible=True):
            self.visibility = visibility
            self._audit("UpdateVisibilityCompleted", "modify", ProjectVisibility=visibility)

    def set_description(self, description: str | None) -> None:
        """Set the description; None leaves the key out."""
        with self._change(visible=True):
            self.description = description

    def set_state(self, state: str) -> None:
        """Set the state: wellFormed, createPending, deleting, new, unchanged."""
        with self._change(visible=True):
            self.state = state

    def delete(self) -> None:
        """Delete it softly: from now on only the listing of deleted projects shows it."""
        with self._change(visible=True):
            self.organization.deleted_projects[self.id] = self.organization.projects.pop(self.id)
            self.state = "deleted"
            self._audit("SoftDeleteCompleted", "remove")

    def restore(self) -> None:
        """Bring it back, with its repositories."""
        with self._change(visible=True):
            self.organization.projects[self.id] = self.organization.deleted_projects.pop(self.id)
            self.state = "wellFormed"
            self._audit("RestoreCompleted", "modify")

    def destroy(self) -> None:
        """Remove it for good."""
        with self._change(visible=True):
            self.organization.projects.pop(self.id, None)
            self.organization.deleted_projects.pop(self.id, None)
            self._audit("HardDeleteCompleted", "remove")

    def set_setting(self, name: str, *, value: bool | None) -> None:
        """Set a general pipeline setting; None leaves the key out."""
        with self._change():
            if value is None:
                self.settings.pop(name, None)
            else:
                self.settings[name] = value
            self._log("Pipelines.ProjectSettings", "modify", SettingName=name, NewValue=value)

    def add_branch_policy(
        self,
        type_id: str = REVIEWERS_POLICY,
        settings: dict[str, Any] | None = None,
        *,
        scopes: list[dict[str, Any]] | None = None,
        enabled: bool = True,
        blocking: bool = True,
        deleted: bool = False,
    ) -> BranchPolicy:
        """Add a branch policy; without scopes it covers the default branch of every repository."""
        everywhere = [{"repositoryId": None, "refName": None, "matchKind": "DefaultBranch"}]
        with self._change():
            policy = BranchPolicy(
                self.organization.next_number("policy"), type_id, dict(settings or {}), scopes or everywhere,
                enabled, blocking, deleted,
            )  # fmt: skip
            self.policies.append(policy)
            self._log("Policy.PolicyConfigCreated", "create", PolicyTypeId=type_id, ConfigurationId=policy.id)
        return policy

    def update_branch_policy(self, policy_id: int, **changes: Json) -> BranchPolicy:
        """Change fields of a policy (`settings`, `scopes`, `is_enabled`, `is_blocking`, `is_deleted`)."""
        with self._change():
            policy = next(policy for policy in self.policies if policy.id == policy_id)
            for name, value in changes.items():
                if name not in {"settings", "scopes", "is_enabled", "is_blocking", "is_deleted"}:
                    raise ValueError(f"a branch policy has no field {name!r} to change")
                setattr(policy, name, value)
            policy.revision += 1
            self._log("Policy.PolicyConfigModified", "modify", ConfigurationId=policy_id)
        return policy

    def remove_branch_policy(self, policy_id: int) -> None:
        """Remove a policy configuration."""
        with self._change():
            self.policies = [policy for policy in self.policies if policy.id != policy_id]
            self._log("Policy.PolicyConfigRemoved", "remove", ConfigurationId=policy_id)

    def add_service_endpoint(
        self,
        name: str,
        *,
        type: str | None = "azurerm",  # noqa: A002 - the word of the wire
        scheme: str = "WorkloadIdentityFederation",
        url: str = "https://management.azure.com/",
        ready: bool = True,
        all_pipelines: bool | None = None,
        data: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> ServiceEndpoint:
        """Add a service connection."""
        with self._change():
            endpoint = ServiceEndpoint(
                self.organization.world.new_id(), name, type, scheme, url, parameters=dict(parameters or {}),
                data=dict(data or {}), is_ready=ready, project_ids=[self.id],
            )  # fmt: skip
            self.endpoints.append(endpoint)
            self._log("Library.ServiceConnectionCreated", "create", ConnectionId=endpoint.id)
            if all_pipelines is not None:
                self.permissions[("endpoint", endpoint.id)] = PipelinePermission(all_pipelines)
        return endpoint

    def endpoint(self, name_or_id: str) -> ServiceEndpoint:
        """A service connection by name or id."""
        for endpoint in self.endpoints:
            if name_or_id in {endpoint.id, endpoint.name}:
                return endpoint
        raise KeyError(f"{self.name} has no service connection {name_or_id!r}")

    def share_service_endpoint(self, endpoint: ServiceEndpoint, other: Project) -> None:
        """Share a service connection with another project: both list it from now on."""
        with self._change():
            endpoint.is_shared = True
            endpoint.project_ids.append(other.id)
            other.endpoints.append(endpoint)
            self.organization.audit(
                "Library.ServiceConnectionSharedWithMultipleProjects",
                "modify",
                None,
                ConnectionId=endpoint.id,
                ProjectIds=[self.id, other.id],
            )

    def remove_service_endpoint(self, endpoint: ServiceEndpoint) -> None:
        """Remove a service connection from this project."""
        with self._change():
            self.endpoints.remove(endpoint)
            if self.id in endpoint.project_ids:
                endpoint.project_ids.remove(self.id)
            self._log("Library.ServiceConnectionDeleted", "remove", ConnectionId=endpoint.id)

    def update_service_endpoint(self, endpoint: ServiceEndpoint, **changes: Json) -> ServiceEndpoint:
        """Change fields of a service connection (`scheme`, `url`, `is_ready`, `data`, `parameters`)."""
        with self._change():
            for name, value in changes.items():
                if name not in {"scheme", "url", "is_ready", "data", "parameters"}:
                    raise ValueError(f"a service connection has no field {name!r} to change")
                setattr(endpoint, name, value)
            self._log("Library.ServiceConnectionModified", "modify", ConnectionId=endpoint.id)
        return endpoint

    def set_pipeline_permission(
        self,
        resource_type: str,
        resource_id: str,
        *,
        all_pipelines: bool | None = None,
        pipelines: list[int] | None = None,
    ) -> None:
        """Say who may use a resource: endpoint, variablegroup, securefile, queue, environment, repository."""
        with self._change():
            self.permissions[(resource_type.lower(), resource_id.lower())] = PipelinePermission(
                all_pipelines, list(pipelines or [])
            )
            action = "ResourceAuthorizedForProject" if all_pipelines else "ResourceUnauthorizedForProject"
            self._log(f"Pipelines.{action}", "modify", ResourceType=resource_type, ResourceId=resource_id)

    def add_variable_group(
        self,
        name: str,
        variables: dict[str, dict[str, Any]],
        *,
        type: str = "Vsts",  # noqa: A002 - the word of the wire
        description: str = "",
    ) -> VariableGroup:
        """Add a variable group; `{"isSecret": True}` makes a secret."""
        with self._change():
            group = VariableGroup(self.organization.next_number("group"), name, variables, type, description)
            self.variable_groups.append(group)
            self._log("Library.VariableGroupCreated", "create", VariableGroupId=group.id)
        return group

    def add_secure_file(self, name: str) -> SecureFile:
        """Add a secure file."""
        with self._change():
            file = SecureFile(self.organization.world.new_id(), name)
            self.secure_files.append(file)
        return file

    def add_environment(self, name: str, *, description: str = "") -> Environment:
        """Add an environment."""
        with self._change():
            environment = Environment(self.organization.next_number("environment"), name, description)
            self.environments.append(environment)
        return environment

    def add_check(
        self,
        resource_type: str,
        resource_id: str,
        type_id: str,
        settings: dict[str, Any] | None = None,
        *,
        disabled: bool = False,
    ) -> Check:
        """Guard a resource (endpoint, variablegroup, securefile, environment, ...) with a check."""
        with self._change():
            check = Check(
                self.organization.next_number("check"), resource_type.lower(), str(resource_id).lower(),
                type_id, dict(settings or {}), disabled,
            )  # fmt: skip
            self.checks.append(check)
            data = {"ResourceType": resource_type, "ResourceId": resource_id}
            self._log("CheckConfiguration.Created", "create", **data)
        return check

    def add_definition(
        self,
        name: str,
        *,
        process: int = 2,
        repository: Repository | None = None,
        properties: dict[str, Any] | None = None,
    ) -> Definition:
        """Add a pipeline; process 1 is classic, 2 is YAML. `properties` are further fields of the wire."""
        with self._change():
            number = self.organization.next_number("definition")
            repository_id = repository.id if repository else None
            definition = Definition(
                number, name, process, repository_id=repository_id, properties=dict(properties or {})
            )
            self.definitions.append(definition)
            self._log("Pipelines.PipelineCreated", "create", PipelineId=number, PipelineName=name)
        return definition

    def update_definition(self, definition: Definition, **properties: Json) -> Definition:
        """Change fields of a pipeline's definition, by their names on the wire."""
        with self._change():
            definition.properties.update(properties)
            self._log("Pipelines.PipelineModified", "modify", PipelineId=definition.id)
        return definition

    def _log(self, action: str, category: str, **data: object) -> None:
        self.organization.audit(action, category, self, **data)

    def add_run(
        self,
        definition: Definition,
        steps: list[RunStep] | None = None,
        *,
        commit: str = "",
        branch: str = "refs/heads/main",
        finished: datetime | None = None,
        result: str = "succeeded",
        pull_request: int | None = None,
        requested_for: str = "Ada Example",
    ) -> Run:
        """Add a run that has ended, with the steps that it went through."""
        with self._change():
            number = self.organization.next_number("run")
            moment = finished or self.organization.world.now()
            run = Run(
                number, f"{moment:%Y%m%d}.{number}", definition, commit or f"{number:040x}", branch, moment,
                result, repository_id=definition.repository_id, pull_request=pull_request,
                requested_for=requested_for, steps=list(steps or []),
            )  # fmt: skip
            self.runs.append(run)
        return run

    def _audit(self, action: str, category: str, **data: object) -> None:
        self.organization.audit(
            f"Project.{action}", category, self, ProjectId=self.id, ProjectName=self.name, **data
        )

    def encoded(self) -> str:
        """The project as JSON text, kept until something that it shows changes."""
        stamp = (self.revision, self.organization.name)
        if self._encoded is None or self._encoded[0] != stamp:
            text = json.dumps(self.reference(), separators=(",", ":"), ensure_ascii=False)
            self._encoded = (stamp, text)
        return self._encoded[1]

    def reference(self) -> dict[str, Any]:
        """The project as listings and repositories show it."""
        document: dict[str, Any] = {"id": self.id, "name": self.name}
        if self.abbreviation is not None:
            document["abbreviation"] = self.abbreviation
        if self.description is not None:
            document["description"] = self.description
        return document | {
            "url": f"{_DEV_URL}/{self.organization.name}/_apis/projects/{self.id}",
            "state": self.state,
            "revision": self.revision,
            "visibility": self.visibility,
            "lastUpdateTime": wire_time(self.last_update, self.id),
        }
