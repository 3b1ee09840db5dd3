"""Repositories should have code scanning findings resolved."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.findings import no_open_alerts
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-FIND-002"),
    assessment_key="99232bb2-9b21-4bbb-8e3c-763673b9923d",
    title="Repositories should have code scanning findings resolved",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="repo.findings.code-deps-iac-api",
    aliases=("Vulnerabilities",),
    why="A flaw that a scanner has found is one that an attacker with the same scanner finds.",
    judged=(
        "Unhealthy when Advanced Security tells of an open alert of the type code. Healthy when it "
        "has scanned for it and none is open. Not applicable, and said to be *never scanned*, where "
        "it is switched off or no scan has reported: Defender for Cloud shows those as not "
        "applicable too."
    ),
    fix=(
        "Open Repos > Advanced Security > the alert.",
        "Mend the code; the next scan closes the alert.",
        "Or dismiss it there, with the reason.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/repos/security/github-advanced-security- alerts",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-1 Insufficient Flow Control Mechanisms",),
    limits="Scanners whose results are not published to Advanced Security are not seen.",
    needs=frozenset({FactKind.ADVANCED_SECURITY, FactKind.ALERTS}),
    evaluate=each_repository(no_open_alerts("code", "codeSecurityEnabled")),
)
