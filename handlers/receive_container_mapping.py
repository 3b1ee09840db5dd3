"""HTTP: the report of a pipeline's job about the images that it pushed, as the open-source task sends it.

What is answered is shown in the pipeline's log, so each refusal says what is wrong and what to do. Nothing is
kept of what is refused, and nothing of any token but a hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Final

from shared.model.failure import ServiceError
from shared.model.mapping import Confidence, GraphFacts, Source
from shared.model.organization import Organization
from shared.model.pipeline_token import PipelineToken, TokenRefused
from shared.ports import Dependencies, Intake, ReportOutcome, ReportReceipt, StateUnavailable
from shared.tracing.docker_report import (
    BODY_MOST,
    DockerFindings,
    DockerReport,
    ReportRefused,
    parse_report,
    read_docker_report,
)
from shared.tracing.origins import (
    Origin,
    Saying,
    facts_of_image,
    facts_of_origin,
    facts_of_place,
    repository_key,
)

SKEW: Final = timedelta(minutes=15)
"""A receipt outlasts its token by more than any clock's error: what is forgotten is refused as expired."""

_BEARER: Final = "bearer "
_RETRY_SOON: Final = "30"
_SHOWN_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class IncomingReport:
    """A request as it came in; the names of headers in lower case."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, as JSON."""

    status: int
    document: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


class _Refused(Exception):
    """The request is answered with this."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"error": {"code": code, "message": message}}, headers or {})
        self.code = code


def receive_container_mapping(request: IncomingReport, deps: Dependencies, intake: Intake) -> Reply:
    """Verify the job's token, read its report, keep what it tells, and only then say so."""
    try:
        return _receive(request, deps, intake)
    except _Refused as refused:
        deps.log.warning(
            "report.refused", code=refused.code, status=refused.reply.status, reason=str(refused)
        )
        return refused.reply


def _receive(request: IncomingReport, deps: Dependencies, intake: Intake) -> Reply:
    if not intake.is_on:
        raise _Refused(403, "IntakeOff", "Reports are not taken here: MAPPING_INTAKE is off.")
    _check_form(request)
    now = deps.clock.now()
    try:
        token = intake.tokens.verify(_bearer(request), now)
    except TokenRefused as refused:
        raise _Refused(401, refused.code, str(refused), {"WWW-Authenticate": "Bearer"}) from None
    except ServiceError as error:
        raise _later(
            "KeysUnavailable", f"The token cannot be checked now. {error.failure.sentence()}"
        ) from error
    try:
        organization = _organization(token, deps, intake)
        report = _report(request.body)
        findings = _findings(report)
        facts = _facts(token, organization, report, findings, Saying(Source.REPORT, Confidence.CLAIMED, now))
        receipt = ReportReceipt(
            token.fingerprint, hashlib.sha256(request.body).hexdigest(), now, token.expires_at + SKEW
        )
        outcome = intake.graph.record_report(receipt, facts)
    except StateUnavailable as error:
        raise _later("StateUnavailable", "The report cannot be kept now.") from error
    if outcome is ReportOutcome.CONTRADICTED:
        raise _Refused(
            409,
            "TokenUsed",
            "This token came with another report before. Each report needs a token of its own: let the task "
            "ask Azure DevOps for a new one.",
        )
    deps.log.info(
        "report.kept",
        organization=organization.name,
        run=token.run,
        images=len(findings.pushed),
        repeated=outcome is ReportOutcome.REPEATED,
    )
    return _accepted(findings, repeated=outcome is ReportOutcome.REPEATED)


def _check_form(request: IncomingReport) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _Refused(415, "ContentType", "Content-Type must be application/json.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise _Refused(
            415, "ContentEncoding", "The report must not be compressed: leave Content-Encoding out."
        )
    if len(request.body) > BODY_MOST:
        raise _Refused(413, "TooLarge", f"The report is larger than {BODY_MOST // 1024} KB.")


def _bearer(request: IncomingReport) -> str:
    value = request.headers.get("authorization", "")
    token = value[len(_BEARER) :].strip()
    if not value.lower().startswith(_BEARER) or not token:
        raise TokenRefused(
            "TokenMissing", "Authorization must be Bearer, with the token of the pipeline's job."
        )
    return token


def _organization(token: PipelineToken, deps: Dependencies, intake: Intake) -> Organization:
    organization, is_onboarded = intake.connected.find(token.organization, deps.clock.now())
    if organization is None:
        raise _Refused(
            403,
            "OrganizationUnknown",
            f"Organization {token.organization_name} ({token.organization}) is not connected here. Connect "
            f"it first: ado-connector organizations onboard {token.organization_name}",
        )
    if not is_onboarded:
        raise _Refused(
            403,
            "OrganizationNotOnboarded",
            f"Organization {organization.name} is known here but not onboarded. Why, tells: ado-connector "
            f"organizations list",
        )
    wait = intake.rate.wait(organization.id)
    if wait:
        raise _Refused(
            429,
            "TooManyReports",
            f"Organization {organization.name} sends more reports than MAPPING_REPORTS_PER_MINUTE allows.",
            {"Retry-After": str(ceil(wait))},
        )
    return organization


def _report(body: bytes) -> DockerReport:
    try:
        return parse_report(body)
    except ReportRefused as refused:
        raise _Refused(400, "ReportRefused", f"The report is refused: {refused}.") from None


def _findings(report: DockerReport) -> DockerFindings:
    try:
        return read_docker_report(report.events, report.images)
    except ReportRefused as refused:
        raise _Refused(400, "ReportRefused", f"The report is refused: {refused}.") from None


def _facts(
    token: PipelineToken,
    organization: Organization,
    report: DockerReport,
    findings: DockerFindings,
    saying: Saying,
) -> GraphFacts:
    """The token says who reports, signed by Azure DevOps; the job claims what it pushed."""
    origin = Origin(
        organization=organization.id,
        organization_name=organization.name,
        project=token.project,
        project_name=token.project_name,
        pipeline=token.pipeline,
        pipeline_name=token.pipeline_name,
        run=token.run,
        repository=repository_key(token.repository, token.repository_url),
        commit=token.commit,
        branch=token.branch,
    )
    attested = Saying(saying.source, Confidence.ATTESTED, saying.at)
    facts = facts_of_origin(origin, attested, {"job": token.subject})
    for image in findings.pushed:
        evidence = {
            "job": token.subject,
            "pushed": str(image.place),
            "created": image.created,
            "docker": report.version,
        }
        facts += facts_of_image(image.digest, origin, saying, evidence)
        facts += facts_of_place(image.digest, image.place, saying, evidence)
    return facts


def _accepted(findings: DockerFindings, *, repeated: bool) -> Reply:
    """What is kept now: it is durable."""
    document: dict[str, object] = {"accepted": True, "repeated": repeated, "images": len(findings.pushed)}
    if findings.ignored:
        document["ignored"] = findings.ignored
    if findings.unresolved:
        document["unresolved"] = list(findings.unresolved[:_SHOWN_MOST])
        document["hint"] = (
            "Docker told no digest of these pushes, so they are not mapped by this report. The image must "
            "still be on the agent when the job ends."
        )
    return Reply(200, document)


def _later(code: str, message: str) -> _Refused:
    return _Refused(503, code, f"{message} Send the report again later.", {"Retry-After": _RETRY_SOON})
