"""Organizations should not invite people by their GitHub accounts."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-014"),
    title="Organizations should not invite people by their GitHub accounts",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="identity.entra-auth",
    why=(
        "A GitHub account is not in the tenant: it does not end with the employment, and no "
        "conditional access holds it."
    ),
    judged=(
        "Healthy when the raw value of `Policy.AllowGitHubInvitationsAccessToken` is false. Where "
        "the raw value and the effective one contradict each other, the answer is unknown. So it is "
        "where the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Invite GitHub users.",
        "Turn it off.",
    ),
    references=("https://learn.microsoft.com/azure/devops/organizations/accounts/set-up-github",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1199 Trusted Relationship",
    ),
    limits="Says nothing of GitHub users who were invited before.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "AllowGitHubInvitationsAccessToken",
        should_be=False,
        good="People are not invited by GitHub accounts.",
        bad="People may be invited by GitHub accounts.",
    ),
)
