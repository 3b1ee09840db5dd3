"""Organizations should reserve invitations to their own administrators."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-012"),
    title="Organizations should reserve invitations to their own administrators",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="identity.guests-external",
    aliases=(
        "ADO_Organization_AuthZ_Review_Invite_Users_Setting",
        "AZDO.1007 Test-AzdoAllowTeamAdminsInvitationsAccessToken",
    ),
    why=(
        "Where every team administrator may invite, people get in whom nobody responsible ever saw: "
        "one taken-over account of a team administrator is a door that keeps itself open."
    ),
    judged=(
        "Healthy when the raw value of `Policy.AllowTeamAdminsInvitationsAccessToken` is false. "
        "Where the raw value and the effective one contradict each other, the answer is unknown. So "
        "it is where the policy is not told at all."
    ),
    fix=(
        (
            "Open Organization settings > Policies > Allow team and project administrators to "
            "invite new users."
        ),
        "Turn it off.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/restrict-invitations"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1098 Account Manipulation",
    ),
    limits="Says nothing of whom administrators invite.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "AllowTeamAdminsInvitationsAccessToken",
        should_be=False,
        good="Only administrators of the organization invite people.",
        bad="Team and project administrators may invite people.",
    ),
)
