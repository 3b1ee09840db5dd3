"""Repositories should have secret scanning findings resolved."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.findings import no_open_alerts
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository

RULE = Rule(
    id=RuleId("ADO-FIND-001"),
    assessment_key="b5ef903f-8655-473b-9784-4f749eeb25c6",
    title="Repositories should have secret scanning findings resolved",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="repo.findings.secrets",
    why=(
        "A secret in a repository is everybody's who reads it, and stays in its history. Attackers "
        "search for them first."
    ),
    judged=(
        "Unhealthy when Advanced Security tells of an open alert of the type secret. Healthy when "
        "it has scanned for it and none is open. Not applicable, and said to be *never scanned*, "
        "where it is switched off or no scan has reported: Defender for Cloud shows those as not "
        "applicable too."
    ),
    fix=(
        "Open Repos > Advanced Security > the alert.",
        "Revoke the secret and replace it; removing it from the code is not enough.",
        "Or dismiss it there, with the reason.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/repos/security/github-advanced-security- alerts",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Scanners whose results are not published to Advanced Security are not seen.",
    needs=frozenset({FactKind.ADVANCED_SECURITY, FactKind.ALERTS}),
    evaluate=each_repository(no_open_alerts("secret", "secretProtectionEnabled")),
)
