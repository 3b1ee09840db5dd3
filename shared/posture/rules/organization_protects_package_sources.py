"""Organizations should protect feeds against packages that pose as their own."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_policy

RULE = Rule(
    id=RuleId("ADO-ORG-008"),
    title="Organizations should protect feeds against packages that pose as their own",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="policy.artifacts-upstream",
    aliases=(
        "ADO_Organization_SI_Protect_Private_Feeds_Impersonation",
        "AZDO.1004 Test-AzdoArtifactsExternalPackageProtectionToken",
    ),
    why=(
        "A package on a public registry with the name of an internal one and a higher version is "
        "what a build takes, unless the feed prefers its own: dependency confusion runs a "
        "stranger's code in the build."
    ),
    judged=(
        "Healthy when the raw value of `Policy.ArtifactsExternalPackageProtectionToken` is true. "
        "Where the raw value and the effective one contradict each other, the answer is unknown. So "
        "it is where the policy is not told at all."
    ),
    fix=(
        (
            "Open Organization settings > Policies > Additional protections when using public "
            "package registries."
        ),
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/artifacts/concepts/upstream-behavior",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-3 Dependency Chain Abuse",
        "MITRE ATT&CK: T1195.001 Supply Chain Compromise: Software Dependencies and Development Tools",
    ),
    limits="Holds for feeds that did not choose otherwise; each feed may.",
    needs=frozenset({FactKind.ORGANIZATION_POLICIES}),
    evaluate=organization_policy(
        "ArtifactsExternalPackageProtectionToken",
        should_be=True,
        good="Feeds prefer their own packages over public ones of the same name.",
        bad="Feeds take public packages that bear the name of internal ones.",
    ),
)
