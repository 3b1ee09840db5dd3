"""Repositories should have infrastructure as code findings resolved."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.ids import RuleId
from shared.posture.findings import never_scanned
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-FIND-004"),
    assessment_key="6588c4d4-fbbb-4fb8-be45-7c2de7dc1b3b",
    title="Repositories should have infrastructure as code findings resolved",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="repo.findings.code-deps-iac-api",
    why="A template that opens a port or leaves a store public does so in every environment that it makes.",
    judged=(
        "Not applicable, and said to be *never scanned*: no interface of Azure DevOps tells "
        "findings of templates apart from other code alerts. Defender for Cloud shows repositories "
        "that nothing scans as not applicable too. The rule stands here so that its key is "
        "answered, and never as healthy."
    ),
    fix=(
        (
            "Connect the organization to Defender for Cloud and run its scanners, or publish "
            "results to Advanced Security, where they become code alerts."
        ),
    ),
    references=(("https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops"),),
    limits="Nothing is told of what such a scanner would find.",
    needs=frozenset(),
    evaluate=each_repository(
        never_scanned(
            "no interface of Azure DevOps tells findings of templates apart from other code alerts."
        )
    ),
)
