"""Organizations should restrict the creation of personal access tokens."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-005"),
    title="Organizations should restrict the creation of personal access tokens",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="policy.pat",
    aliases=("AZDO.1037 Test-AzdoDisablePATCreation",),
    why=(
        "A personal access token is a password that a script holds: it passes by multi-factor sign- "
        "in, lives up to a year, and is found in logs, shell histories and repositories. Where "
        "nobody can make one without being allowed to, there is none to steal."
    ),
    judged=(
        "Healthy when the raw value of `Policy.DisablePATCreation` is true. Where the raw value and "
        "the effective one contradict each other, the answer is unknown. So it is where the policy "
        "is not told at all."
    ),
    fix=(
        "Open Organization settings > Policies > Restrict personal access token creation.",
        "Turn it on.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/accounts/manage-pats-with- "
            "policies-for-administrators"
        ),
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1550.001 Use Alternate Authentication Material: Application Access Token",
    ),
    limits=(
        "Tokens that exist already stay valid. The tenant's own token policies (global tokens, full "
        "scope, lifespan) are not told by any interface that an organization may read."
    ),
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "DisablePATCreation",
        should_be=True,
        good="Only allowed people make personal access tokens.",
        bad="Everybody may make personal access tokens.",
    ),
)
