"""Organizations should not open projects to the whole enterprise."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-010"),
    title="Organizations should not open projects to the whole enterprise",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="acl.broad-groups",
    aliases=("ADO_Organization_AuthZ_Verify_Enterprise_Access_To_Projects",),
    why=(
        "A project that everybody in the enterprise may see is as good as public to whoever takes "
        "over any one account in it."
    ),
    judged=(
        "Healthy when the raw value of `Policy.AllowOrgAccess` is false. Where the raw value and "
        "the effective one contradict each other, the answer is unknown. So it is where the policy "
        "is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Enterprise access to projects.",
        "Turn it off.",
    ),
    references=("https://learn.microsoft.com/azure/devops/organizations/projects/about-projects",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1213.003 Data from Information Repositories: Code Repositories",
    ),
    limits=(
        "Only tells whether projects can be made visible to the enterprise; the rule about "
        "visibility tells which are."
    ),
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "AllowOrgAccess",
        should_be=False,
        good="Projects cannot be made visible to the whole enterprise.",
        bad="Projects may be made visible to the whole enterprise.",
    ),
)
