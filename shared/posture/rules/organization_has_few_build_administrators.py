"""Organizations should have few Project Collection Build Administrators."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import BUILD_ADMINISTRATORS
from shared.posture.people import at_most
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    return at_most(facts, BUILD_ADMINISTRATORS, None, thresholds.administrators_most)


RULE = Rule(
    id=RuleId("ADO-ORG-065"),
    title="Organizations should have few Project Collection Build Administrators",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="admins.pca-count-and-accounts",
    aliases=("ADO_Organization_AuthZ_Review_Group_Members",),
    why=(
        "Whoever administers builds of the organization may change what every pipeline runs, and "
        "with it what is shipped."
    ),
    judged=(
        "Unhealthy when more people and applications than the setting for administrators says are "
        "in Project Collection Build Administrators, at any depth."
    ),
    fix=(
        "Open Organization settings > Permissions > Project Collection Build Administrators > Members.",
        "Remove who does not need it.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- "
            "collection-administrators"
        ),
    ),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    thresholds=("administrators_most",),
    limits="Permissions that were granted one by one are not counted.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS}),
    evaluate=the_organization(_judge),
)
