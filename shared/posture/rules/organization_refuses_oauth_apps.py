"""Organizations should not let third-party applications in through Azure DevOps OAuth."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-001"),
    title="Organizations should not let third-party applications in through Azure DevOps OAuth",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="policy.third-party-oauth",
    aliases=(
        "ADO_Organization_AuthZ_Disable_OAuth_App_Access",
        "AZDO.1000 Test-AzdoThirdPartyAccessViaOauth",
    ),
    why=(
        "An application that one user consented to acts with that user's rights, from outside, "
        "without multi-factor sign-in. An attacker who tricks somebody into consenting, or who "
        "takes over the application, reads every repository that person can."
    ),
    judged=(
        "Healthy when the raw value of `Policy.DisallowOAuthAuthentication` is true. For this "
        "policy the value is the opposite of the switch in the portal; where both are told and do "
        "not fit, the answer is unknown. So it is where the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Third-party application access via OAuth.",
        "Turn it off.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/accounts/change-application- "
            "access-policies"
        ),
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-8 Ungoverned Usage of 3rd Party Services",
        "MITRE ATT&CK: T1528 Steal Application Access Token",
    ),
    limits=(
        "Applications registered in Microsoft Entra are not held by this policy. Defender for Cloud "
        "asks for it to be on while its connector is authorized; that prerequisite is shown with "
        "the prerequisites."
    ),
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "DisallowOAuthAuthentication",
        should_be=True,
        good="Azure DevOps OAuth applications are turned away.",
        bad="Azure DevOps OAuth applications may act for users of the organization.",
    ),
)
