"""Organizations should have no guest members that nobody vouches for."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.people import is_guest, nobody
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import unread


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    if facts.users.value is None:
        return unread(FactKind.USERS, facts.users.failure)
    return nobody(facts.users.value, facts, thresholds, is_guest, "are guests")


RULE = Rule(
    id=RuleId("ADO-ORG-070"),
    title="Organizations should have no guest members that nobody vouches for",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="identity.guests-external",
    aliases=("ADO_Organization_AuthZ_Review_Guest_Members",),
    why=(
        "A guest keeps what was granted when the work is done. Attackers come through the partner "
        "with the weakest sign-in."
    ),
    judged=(
        "Unhealthy when anybody with an access level is a guest by `metaType`. Exempt guests who "
        "are wanted, with who vouches for them and until when."
    ),
    fix=(
        "Open Organization settings > Users and filter by guests.",
        "Remove who is not needed any more.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/accounts/add-external-user"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-2 Inadequate Identity and Access Management",
        "MITRE ATT&CK: T1199 Trusted Relationship",
    ),
    limits="People of the tenant who work for somebody else are not told.",
    needs=frozenset({FactKind.USERS}),
    evaluate=the_organization(_judge),
)
