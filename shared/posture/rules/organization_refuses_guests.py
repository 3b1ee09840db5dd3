"""Organizations should not let external guests in."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-011"),
    title="Organizations should not let external guests in",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="identity.guests-external",
    aliases=(
        "ADO_Organization_AuthN_Disable_Guest_Users",
        "AZDO.1006 Test-AzdoExternalGuestAccess",
    ),
    why=(
        "A guest's account is secured by another company's rules, and stays when the contract ends. "
        "Attackers look for the partner with the weakest sign-in."
    ),
    judged=(
        "Healthy when the raw value of `Policy.DisallowAadGuestUserAccess` is true. For this policy "
        "the value is the opposite of the switch in the portal; where both are told and do not fit, "
        "the answer is unknown. So it is where the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > External guest access.",
        "Turn it off.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/accounts/add-external-user"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1199 Trusted Relationship",
    ),
    limits="Guests who are members already keep their access until they are removed.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "DisallowAadGuestUserAccess",
        should_be=True,
        good="Guests of the tenant are turned away.",
        bad="Guests of the tenant may be let in.",
    ),
)
