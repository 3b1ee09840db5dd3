"""Organizations should have at most six Project Collection Administrators."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.administrators import ADMINISTRATORS
from shared.posture.people import at_most
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    return at_most(facts, ADMINISTRATORS, None, thresholds.administrators_most)


RULE = Rule(
    id=RuleId("ADO-ORG-060"),
    title="Organizations should have at most six Project Collection Administrators",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="admins.pca-count-and-accounts",
    aliases=(
        "ADO_Organization_AuthZ_Limit_Admin_Count",
        "AZDO.1030 Test-AzdoProjectCollectionAdministrator",
    ),
    why=(
        "Each administrator of the organization may read every secret, change every policy and "
        "delete every project. One phished account among many is enough, and nobody misses one more "
        "name on a long list."
    ),
    judged=(
        "Unhealthy when more people and applications than the setting says are in Project "
        "Collection Administrators, at any depth. Defender for Cloud published this recommendation "
        "on 2024-07-22 with the limit six, withdrew it the same day and has not listed it since; "
        "ADOScanner has the same limit."
    ),
    fix=(
        "Open Organization settings > Permissions > Project Collection Administrators > Members.",
        "Remove who does not need it; grant the single permission instead.",
    ),
    references=(
        (
            "https://learn.microsoft.com/azure/devops/organizations/security/look-up-project- "
            "collection-administrators"
        ),
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1078 Valid Accounts",
        (
            "CIS Software Supply Chain Security Guide: 1.3.3 Ensure minimum number of "
            "administrators are set for the organization"
        ),
    ),
    thresholds=("administrators_most",),
    limits="Members of Entra groups are counted as far as Azure DevOps knows them.",
    needs=frozenset({FactKind.GROUPS, FactKind.ADMINISTRATORS}),
    evaluate=the_organization(_judge),
)
