"""Organizations should check that SSH keys have not expired."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-003"),
    title="Organizations should check that SSH keys have not expired",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="policy.ssh",
    aliases=("AZDO.1031 Test-AzdoValidateSshKeyExpiration",),
    why=(
        "A key that was meant to last a year and is never checked lasts forever. Whoever finds it "
        "in an old backup signs in as its owner."
    ),
    judged=(
        "Healthy when the raw value of `Policy.ValidateSshKeyExpiration` is true. Where the raw "
        "value and the effective one contradict each other, the answer is unknown. So it is where "
        "the policy is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Validate SSH key expiration.",
        "Turn it on.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/accounts/change-application- "
            "access-policies"
        ),
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Says nothing of how long keys live.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "ValidateSshKeyExpiration",
        should_be=True,
        good="Expired SSH keys are refused.",
        bad="Expired SSH keys still open repositories.",
    ),
)
