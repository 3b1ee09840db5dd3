"""Cases of ADO-ORG-014."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind
from tests.posture.builders import Row, policies, some_organization, without

ROWS = (
    Row("as it should be", some_organization(), Is.HEALTHY),
    Row(
        "the other way",
        some_organization(organization_policies=policies(AllowGitHubInvitationsAccessToken=True)),
        Is.UNHEALTHY,
    ),
    Row(
        "not told",
        some_organization(organization_policies=policies(AllowGitHubInvitationsAccessToken=None)),
        Is.UNKNOWN,
        "does not tell",
    ),
    Row("unread", without(some_organization(), FactKind.ORGANIZATION_POLICIES), Is.UNKNOWN),
)
