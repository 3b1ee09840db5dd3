"""Cases of ADO-REPO-001."""

from __future__ import annotations

from shared.model.assessment import AssessmentStatus as Is
from shared.model.facts import FactKind, PolicyScope
from tests.posture.builders import (
    REPOSITORY,
    Row,
    a_policy,
    a_project,
    a_repository,
    some_facts,
    without,
)

MERGE_STRATEGY = "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab"
ONE = {"minimumApproverCount": 1}
TWO = {"minimumApproverCount": 2}
ELSEWHERE = PolicyScope("dddddddd-0000-0000-0000-000000000009", "refs/heads/main", "Exact")
NEW_KIND = PolicyScope(None, "refs/heads/main", "Pattern")

ROWS = (
    Row("two approvals", some_facts(policies=[a_policy(TWO)]), Is.HEALTHY, "need 2 approvals"),
    Row("more than two", some_facts(policies=[a_policy({"minimumApproverCount": 5})]), Is.HEALTHY),
    Row(
        "two, with the requestor's vote",
        some_facts(policies=[a_policy({**TWO, "creatorVoteCounts": True})]),
        Is.HEALTHY,
    ),
    Row(
        "the strictest of several", some_facts(policies=[a_policy(ONE), a_policy(TWO, number=2)]), Is.HEALTHY
    ),
    Row(
        "one in capital letters",
        some_facts(policies=[a_policy(TWO, PolicyScope(REPOSITORY.upper(), "refs/heads/main", "EXACT"))]),
        Is.HEALTHY,
    ),
    Row(
        "the policy type in capital letters",
        some_facts(policies=[a_policy(TWO, type_id="FA4E907D-C16B-4A4C-9DFA-4906E5D171DD")]),
        Is.HEALTHY,
    ),
    Row(
        "one of several scopes covers",
        some_facts(policies=[a_policy(TWO, ELSEWHERE, PolicyScope(None, "refs/heads/", "Prefix"))]),
        Is.HEALTHY,
    ),
    Row(
        "sure of one, unsure of another",
        some_facts(policies=[a_policy(TWO), a_policy({}, number=2)]),
        Is.HEALTHY,
    ),
    Row("only one approval", some_facts(policies=[a_policy(ONE)]), Is.UNHEALTHY, "only 1 approval"),
    Row("no policy at all", some_facts(policies=[]), Is.UNHEALTHY, "No enabled and required policy"),
    Row("disabled", some_facts(policies=[a_policy(TWO, is_enabled=False)]), Is.UNHEALTHY),
    Row("optional", some_facts(policies=[a_policy(TWO, is_blocking=False)]), Is.UNHEALTHY),
    Row("deleted", some_facts(policies=[a_policy(TWO, is_deleted=True)]), Is.UNHEALTHY),
    Row(
        "a wildcard that nobody documents",
        some_facts(policies=[a_policy(TWO, PolicyScope(None, "refs/heads/*", "Exact"))]),
        Is.UNKNOWN,
    ),
    Row(
        "a wildcard for one approval cannot make two",
        some_facts(policies=[a_policy(ONE, PolicyScope(None, "refs/heads/*", "Prefix"))]),
        Is.UNHEALTHY,
    ),
    Row("another repository's", some_facts(policies=[a_policy(TWO, ELSEWHERE)]), Is.UNHEALTHY),
    Row(
        "another branch's",
        some_facts(policies=[a_policy(TWO, PolicyScope(None, "refs/heads/release", "Exact"))]),
        Is.UNHEALTHY,
    ),
    Row(
        "another type's, one digit apart",
        some_facts(policies=[a_policy(TWO, type_id=MERGE_STRATEGY)]),
        Is.UNHEALTHY,
    ),
    Row(
        "an unclear scope that would not suffice",
        some_facts(policies=[a_policy(ONE, NEW_KIND)]),
        Is.UNHEALTHY,
    ),
    Row("a number of approvals that is not there", some_facts(policies=[a_policy({})]), Is.UNKNOWN),
    Row(
        "a number of approvals that is a word",
        some_facts(policies=[a_policy({"minimumApproverCount": "2"})]),
        Is.UNKNOWN,
    ),
    Row(
        "a number of approvals that is a truth value",
        some_facts(policies=[a_policy({"minimumApproverCount": True})]),
        Is.UNKNOWN,
    ),
    Row("a match kind that is new to us", some_facts(policies=[a_policy(TWO, NEW_KIND)]), Is.UNKNOWN),
    Row("policies unread", without(some_facts(), FactKind.BRANCH_POLICIES), Is.UNKNOWN, "refused to answer"),
    Row(
        "empty repository",
        some_facts(repositories=[a_repository(default_branch=None)]),
        Is.NOT_APPLICABLE,
        "empty",
    ),
    Row(
        "disabled repository",
        some_facts(repositories=[a_repository(is_disabled=True)]),
        Is.NOT_APPLICABLE,
        "disabled",
    ),
    Row(
        "empty repository, policies unread",
        without(some_facts(repositories=[a_repository(default_branch=None)]), FactKind.BRANCH_POLICIES),
        Is.NOT_APPLICABLE,
    ),
    Row(
        "project being deleted",
        some_facts(project=a_project(state="deleting")),
        Is.NOT_APPLICABLE,
        "its state is deleting",
    ),
)
