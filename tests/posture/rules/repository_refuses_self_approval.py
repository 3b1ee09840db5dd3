"""Cases of ADO-REPO-002."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind, PolicyScope
from tests.posture.builders import Row, a_policy, a_project, a_repository, some_facts, without

OTHERS = {"minimumApproverCount": 1, "creatorVoteCounts": False}
SELF = {"minimumApproverCount": 2, "creatorVoteCounts": True}
NEW_KIND = PolicyScope(None, "refs/heads/main", "Pattern")

ROWS = (
    Row("somebody else's approval", some_facts(policies=[a_policy(OTHERS)]), Is.HEALTHY, "somebody else"),
    Row(
        "the setting is absent, which means no",
        some_facts(policies=[a_policy({"minimumApproverCount": 1})]),
        Is.HEALTHY,
    ),
    Row(
        "one policy lets requestors vote, another still demands somebody else",
        some_facts(policies=[a_policy(SELF), a_policy(OTHERS, number=2)]),
        Is.HEALTHY,
    ),
    Row(
        "the requestor's own approval counts",
        some_facts(policies=[a_policy(SELF)]),
        Is.UNHEALTHY,
        "may approve their own",
    ),
    Row(
        "it counts, among many",
        some_facts(policies=[a_policy({"minimumApproverCount": 9, "creatorVoteCounts": True})]),
        Is.UNHEALTHY,
    ),
    Row("no policy at all", some_facts(policies=[]), Is.UNHEALTHY, "No enabled and required policy"),
    Row(
        "nobody's approval needed",
        some_facts(policies=[a_policy({"minimumApproverCount": 0, "creatorVoteCounts": False})]),
        Is.UNHEALTHY,
    ),
    Row(
        "a policy that demands nobody's does not help",
        some_facts(
            policies=[
                a_policy(SELF),
                a_policy({"minimumApproverCount": 0, "creatorVoteCounts": False}, number=2),
            ]
        ),
        Is.UNHEALTHY,
    ),
    Row("disabled", some_facts(policies=[a_policy(OTHERS, is_enabled=False)]), Is.UNHEALTHY),
    Row("optional", some_facts(policies=[a_policy(OTHERS, is_blocking=False)]), Is.UNHEALTHY),
    Row("deleted", some_facts(policies=[a_policy(OTHERS, is_deleted=True)]), Is.UNHEALTHY),
    Row(
        "an unclear scope that would not help", some_facts(policies=[a_policy(SELF, NEW_KIND)]), Is.UNHEALTHY
    ),
    Row(
        "the setting is not a truth value",
        some_facts(policies=[a_policy({"minimumApproverCount": 1, "creatorVoteCounts": "no"})]),
        Is.UNKNOWN,
    ),
    Row("no number of approvals", some_facts(policies=[a_policy({"creatorVoteCounts": False})]), Is.UNKNOWN),
    Row("a match kind that is new to us", some_facts(policies=[a_policy(OTHERS, NEW_KIND)]), Is.UNKNOWN),
    Row("policies unread", without(some_facts(), FactKind.BRANCH_POLICIES), Is.UNKNOWN, "refused to answer"),
    Row("empty repository", some_facts(repositories=[a_repository(default_branch=None)]), Is.NOT_APPLICABLE),
    Row("disabled repository", some_facts(repositories=[a_repository(is_disabled=True)]), Is.NOT_APPLICABLE),
    Row("project being made", some_facts(project=a_project(state="createPending")), Is.NOT_APPLICABLE),
)
