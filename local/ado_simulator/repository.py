"""Git repositories of the simulated world. Changes go through methods, under the world's lock."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from local.ado_simulator.project import Project

_DEV_URL = "https://dev.azure.com"


@dataclass(eq=False)
class Repository:
    """A Git repository."""

    project: Project = field(repr=False)
    id: str
    name: str
    default_branch: str | None
    size: int
    is_disabled: bool = False
    is_fork: bool = False
    is_in_maintenance: bool | None = False
    created: datetime | None = None
    deleted: datetime | None = None
    deleted_by: str | None = None
    security: dict[str, bool] = field(default_factory=dict, repr=False)
    """Switches of Advanced Security, by their names on the wire."""
    alerts: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)
    """Open alerts by type (`secret`, `code`, `dependency`) and severity."""
    scans: dict[str, str] = field(default_factory=dict, repr=False)
    """When each type was last scanned for."""
    authors: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    """Name and address of the author of each commit."""
    merges: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict, repr=False)
    """Of each commit that the merge of a pull request made: its number, and the votes by person."""
    revision: int = 0
    _encoded: tuple[object, str] | None = field(default=None, repr=False)

    def _change(self) -> AbstractContextManager[None]:
        self.revision += 1
        return self.project.organization.change()

    def rename(self, name: str) -> None:
        """Give it another name; the id stays."""
        with self._change():
            old, self.name = self.name, name
            self._audit("RepositoryRenamed", "modify", PreviousRepoName=old)

    def disable(self, *, disabled: bool = True) -> None:
        """Disable it (or enable it again). Listings still show it, direct reads fail."""
        with self._change():
            self.is_disabled = disabled
            self._audit("RepositoryDisabled" if disabled else "RepositoryEnabled", "modify")

    def set_default_branch(self, branch: str | None, *, size: int | None = None) -> None:
        """Set the default branch; None makes it an empty repository."""
        with self._change():
            self.default_branch = branch
            self.size = size if size is not None else (0 if branch is None else max(self.size, 1024))
            self._audit("RepositoryDefaultBranchChanged", "modify", DefaultBranch=branch)

    def set_size(self, size: int) -> None:
        """Set the size in bytes; may exceed 2^31."""
        with self._change():
            self.size = size

    def set_maintenance(self, *, maintenance: bool | None) -> None:
        """Set `isInMaintenance`; None leaves the key out, as older answers do."""
        with self._change():
            self.is_in_maintenance = maintenance

    def set_security(self, **switches: bool) -> None:
        """Set switches of Advanced Security, such as `secretProtectionEnabled`."""
        with self._change():
            self.security.update(switches)

    def scan(self, kind: str, *, at: str = "2025-05-01T06:00:00Z", **alerts: int) -> None:
        """Note that a type was scanned for, with the open alerts of each severity."""
        with self._change():
            self.scans[kind] = at
            self.alerts[kind] = dict(alerts)

    def delete(self) -> None:
        """Move it to the recycle bin of its project."""
        organization = self.project.organization
        with self._change():
            self.project.repositories.pop(self.id)
            self.project.recycle_bin[self.id] = self
            self.deleted = organization.world.now()
            self.deleted_by = organization.world.identity.id
            self._audit("RepositoryDeleted", "remove")

    def restore(self) -> None:
        """Bring it back from the recycle bin."""
        with self._change():
            self.project.repositories[self.id] = self.project.recycle_bin.pop(self.id)
            self.deleted = None
            self._audit("RepositoryUndeleted", "modify")

    def destroy(self) -> None:
        """Remove it for good, from the project or from the recycle bin."""
        with self._change():
            self.project.repositories.pop(self.id, None)
            self.project.recycle_bin.pop(self.id, None)
            self._audit("RepositoryDestroyed", "remove")

    def move(self, target: Project) -> None:
        """Move it to another project of the organization; the id stays."""
        with self._change():
            target.repositories[self.id] = self.project.repositories.pop(self.id)
            self.project = target

    def _audit(self, action: str, category: str, **data: object) -> None:
        self.project.organization.audit(
            f"Git.{action}", category, self.project, RepoId=self.id, RepoName=self.name, **data
        )

    def encoded(self) -> str:
        """The repository as JSON text, kept until something that it shows changes."""
        organization = self.project.organization
        stamp = (self.revision, self.project.revision, self.project.id, organization.name)
        if self._encoded is None or self._encoded[0] != stamp:
            self._encoded = (stamp, json.dumps(self.document(), separators=(",", ":"), ensure_ascii=False))
        return self._encoded[1]

    def document(self) -> dict[str, Any]:
        """The repository as the wire shows it."""
        organization, project = self.project.organization.name, self.project
        path = f"{organization}/{quote(project.name)}/_git/{quote(self.name)}"
        document: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "url": f"{_DEV_URL}/{organization}/{project.id}/_apis/git/repositories/{self.id}",
            "project": project.reference(),
        }
        if self.default_branch is not None:
            document["defaultBranch"] = self.default_branch
        document |= {
            "size": self.size,
            "remoteUrl": f"https://{organization}@dev.azure.com/{path}",
            "sshUrl": f"git@ssh.dev.azure.com:v3/{organization}/{quote(project.name)}/{quote(self.name)}",
            "webUrl": f"{_DEV_URL}/{path}",
        }
        if self.is_fork:
            document["isFork"] = True
        document["isDisabled"] = self.is_disabled
        if self.is_in_maintenance is not None:
            document["isInMaintenance"] = self.is_in_maintenance
        return document
