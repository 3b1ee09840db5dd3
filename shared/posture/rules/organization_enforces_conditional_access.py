"""Organizations should enforce conditional access policies on every sign-in."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-009"),
    title="Organizations should enforce conditional access policies on every sign-in",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="identity.entra-auth",
    aliases=(
        "ADO_Organization_AuthZ_Enable_AAD_Conditional_Access_Policy",
        "AZDO.1005 Test-AzdoEnforceAADConditionalAccess",
    ),
    why=(
        "Conditional access that is checked in the browser only is passed by with a token from "
        "another network or device. An attacker with a stolen token works from wherever they sit."
    ),
    judged=(
        "Healthy when the raw value of `Policy.EnforceAADConditionalAccess` is true. Where the raw "
        "value and the effective one contradict each other, the answer is unknown. So it is where "
        "the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > IP Conditional Access policy validation.",
        "Turn it on.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/accounts/change-application- "
            "access-policies"
        ),
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1078 Valid Accounts",
    ),
    limits="Whether Microsoft Entra has a policy that is worth enforcing is not told by Azure DevOps.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "EnforceAADConditionalAccess",
        should_be=True,
        good="Conditional access is enforced beyond the browser.",
        bad="Conditional access is not enforced on sign-ins other than those of the browser.",
    ),
)
