"""Repositories should have findings of Shai-Hulud 2.0 compromised packages resolved."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.ids import RuleId
from shared.posture.findings import never_scanned
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-FIND-006"),
    assessment_key="70f5bbd7-c8bd-4b6f-a877-fa46b2719606",
    title="Repositories should have findings of Shai-Hulud 2.0 compromised packages resolved",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="repo.findings.code-deps-iac-api",
    why=(
        "A package that was taken over by the worm runs on install, steals the tokens of the build "
        "and publishes itself with them."
    ),
    judged=(
        "Not applicable, and said to be *never scanned*: which package versions a repository locks "
        "is told by no interface of Azure DevOps. Defender for Cloud shows repositories that "
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
    limits="Nothing is told of what such a scanner would find.",
    needs=frozenset(),
    evaluate=each_repository(
        never_scanned("which package versions a repository locks is told by no interface of Azure DevOps.")
    ),
)
