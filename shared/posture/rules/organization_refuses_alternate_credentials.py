"""Organizations should not allow alternate authentication credentials."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-004"),
    title="Organizations should not allow alternate authentication credentials",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="identity.entra-auth",
    aliases=("ADO_User_AuthN_Disable_Alternate_Credentials",),
    why=(
        "A user name and a password of their own pass by Microsoft Entra altogether: no multi- "
        "factor sign-in, no conditional access, no lock-out. One phished password is enough."
    ),
    judged=(
        "Healthy when the raw value of `Policy.DisallowBasicAuthentication` is true. For this "
        "policy the value is the opposite of the switch in the portal; where both are told and do "
        "not fit, the answer is unknown. So it is where the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Alternate authentication credentials.",
        "Turn it off.",
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
    limits=(
        "Azure DevOps has retired these credentials; the switch still tells of organizations that "
        "once used them."
    ),
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "DisallowBasicAuthentication",
        should_be=True,
        good="Alternate credentials are refused.",
        bad="Alternate credentials may be used.",
    ),
)
