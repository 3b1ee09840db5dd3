"""Organizations should not allow public projects."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-007"),
    title="Organizations should not allow public projects",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="policy.public-projects",
    aliases=(
        "ADO_Organization_DP_Dont_Allow_Public_Projects",
        "AZDO.1003 Test-AzdoPublicProject",
    ),
    why=(
        "One click by one project administrator, and source code, work items and build logs of a "
        "project are on the internet, secrets in them included. Where public projects are not "
        "allowed, that click does nothing."
    ),
    judged=(
        "Healthy when the raw value of `Policy.AllowAnonymousAccess` is false. Where the raw value "
        "and the effective one contradict each other, the answer is unknown. So it is where the "
        "policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Allow public projects.",
        "Turn it off.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/projects/make-project-public"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-7 Insecure System Configuration",
        "MITRE ATT&CK: T1213.003 Data from Information Repositories: Code Repositories",
    ),
    limits="Projects that are public already stay so until somebody changes them.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "AllowAnonymousAccess",
        should_be=False,
        good="Projects cannot be made public.",
        bad="Projects may be made public.",
    ),
)
