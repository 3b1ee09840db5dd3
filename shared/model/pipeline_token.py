"""What the token of a pipeline's job says, and why one is not believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class TokenRefused(ValueError):
    """The token is not believed. `code` is a stable word for machines; the message is for a pipeline's log.

    Neither ever holds anything of the token but names that it is public to know.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class PipelineToken:
    """A job's verified claims. What it does not claim is empty.

    `fingerprint` is a hash of what was signed: one token, one fingerprint. `organization` is the id that
    Azure DevOps knows it by (not ours); `repository` an id that is unique with `repository_url`.
    """

    fingerprint: str
    expires_at: datetime
    organization: str
    organization_name: str
    project: str
    project_name: str
    pipeline: int
    pipeline_name: str
    run: int
    repository: str = ""
    repository_url: str = ""
    commit: str = ""
    branch: str = ""

    @property
    def subject(self) -> str:
        """The job by the names in its token, as its log shows them."""
        return f"{self.organization_name}/{self.project_name}/{self.pipeline_name}"
