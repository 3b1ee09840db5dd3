"""Organizations should not let people connect to repositories by SSH."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-002"),
    title="Organizations should not let people connect to repositories by SSH",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="policy.ssh",
    aliases=(
        "ADO_Organization_AuthN_Disable_SSH_Access",
        "AZDO.1001 Test-AzdoSSHAuthentication",
    ),
    why=(
        "SSH keys know no conditional access and no multi-factor sign-in. A key copied from a "
        "laptop or a backup opens every repository of its owner, from anywhere, and nobody is asked "
        "to sign in."
    ),
    judged=(
        "Healthy when the raw value of `Policy.DisallowSecureShell` is true. For this policy the "
        "value is the opposite of the switch in the portal; where both are told and do not fit, the "
        "answer is unknown. So it is where the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > SSH authentication.",
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
        "Microsoft does not call SSH unsafe; tools disagree on whether it should be off. Where "
        "people need it, exempt this and keep the expiry of keys checked."
    ),
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "DisallowSecureShell",
        should_be=True,
        good="Nobody connects by SSH.",
        bad="People may connect to repositories by SSH.",
    ),
)
