"""Organizations should not take requests for access by mail."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-013"),
    title="Organizations should not take requests for access by mail",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.LOW,
    topic="identity.guests-external",
    aliases=(
        "ADO_Organization_AuthZ_Disable_Request_Access",
        "AZDO.1008 Test-AzdoAllowRequestAccessToken",
    ),
    why=(
        "A request by mail with a link that grants access is what an attacker would write. Where "
        "there are no such mails, nobody learns to click them."
    ),
    judged=(
        "Healthy when the raw value of `Policy.AllowRequestAccessToken` is false. Where the raw "
        "value and the effective one contradict each other, the answer is unknown. So it is where "
        "the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Request access.",
        "Turn it off.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/organizations/accounts/disable-request- access-policy",
    ),
    standards=("OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",),
    limits="People can still ask in other ways.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "AllowRequestAccessToken",
        should_be=False,
        good="Access is not requested by mail.",
        bad="Access may be requested by mail.",
    ),
)
