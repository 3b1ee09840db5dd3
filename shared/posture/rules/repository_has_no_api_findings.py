"""Repositories should have API security testing findings resolved."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.ids import RuleId
from shared.posture.findings import never_scanned
from shared.posture.rule import Lifecycle, Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-FIND-005"),
    assessment_key="d42301a5-4d23-4457-97c8-f2f2e9eb979e",
    title="Repositories should have API security testing findings resolved",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="repo.findings.code-deps-iac-api",
    why="An interface that forgets to ask who is calling gives everybody everything.",
    judged=(
        "Not applicable, and said to be *never scanned*: results of API testing tools stand in "
        "build artifacts only, which are not read. Defender for Cloud shows repositories that "
        "nothing scans as not applicable too. The rule stands here so that its key is answered, and "
        "never as healthy."
    ),
    fix=(
        (
            "Connect the organization to Defender for Cloud and run its scanners, or publish "
            "results to Advanced Security, where they become code alerts."
        ),
    ),
    references=(("https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops"),),
    lifecycle=Lifecycle.PREVIEW,
    limits="Nothing is told of what such a scanner would find.",
    needs=frozenset(),
    evaluate=each_repository(
        never_scanned("results of API testing tools stand in build artifacts only, which are not read.")
    ),
)
