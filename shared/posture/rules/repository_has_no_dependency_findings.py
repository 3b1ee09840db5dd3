"""Repositories should have dependency vulnerability findings resolved."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.findings import no_open_alerts
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-FIND-003"),
    assessment_key="2ea72208-8558-4011-8dcd-d93375a4003d",
    title="Repositories should have dependency vulnerability findings resolved",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.MEDIUM,
    topic="repo.findings.code-deps-iac-api",
    why=(
        "A package with a known hole comes with a public exploit. It is used against everybody who "
        "has it, without anybody choosing you."
    ),
    judged=(
        "Unhealthy when Advanced Security tells of an open alert of the type dependency. Healthy "
        "when it has scanned for it and none is open. Not applicable, and said to be *never "
        "scanned*, where it is switched off or no scan has reported: Defender for Cloud shows those "
        "as not applicable too."
    ),
    fix=(
        "Open Repos > Advanced Security > the alert.",
        "Update the package to a version without the hole.",
        "Or dismiss it there, with the reason.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/repos/security/github-advanced-security- alerts",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-3 Dependency Chain Abuse",
        "MITRE ATT&CK: T1195.001 Supply Chain Compromise: Software Dependencies and Development Tools",
    ),
    limits="Scanners whose results are not published to Advanced Security are not seen.",
    needs=frozenset({FactKind.ADVANCED_SECURITY, FactKind.ALERTS}),
    evaluate=each_repository(no_open_alerts("dependency", "codeSecurityEnabled")),
)
