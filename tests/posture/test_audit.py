"""What entries of the audit log mean for the facts that are kept."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.audit import AuditEntry
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.identity import OrganizationPolicies, PolicyValue
from shared.model.ids import ProjectId
from shared.posture.audit import Changes, changes_of, has_log, matters
from shared.posture.fact_sets import BY_KIND, FACT_SETS, Level
from tests.posture.builders import NOW, policies, some_organization, without

HERE = ProjectId("aaaaaaaa-0000-4000-8000-000000000001")
THERE = ProjectId("aaaaaaaa-0000-4000-8000-000000000002")
GONE = ProjectId("aaaaaaaa-0000-4000-8000-00000000000f")
KNOWN = frozenset({HERE, THERE})
K = FactKind
ACCESS = {kind for kind in FactKind if kind.value.endswith("Access")}
PERMISSIONS = {kind for kind in FactKind if kind.value.endswith("Permissions")}
OF_PROJECT = {one.kind for one in FACT_SETS if one.level is Level.PROJECT}
OF_ORGANIZATION = {one.kind for one in FACT_SETS if one.level is Level.ORGANIZATION}


def entry(
    action: str,
    project: ProjectId | None = None,
    data: Mapping[str, frozenset[str]] | None = None,
    category: str = "modify",
    id: str = "1",  # noqa: A002 - its name
) -> AuditEntry:
    return AuditEntry(id, NOW, action, category, project, data or {})


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("Policy.PolicyConfigModified", {K.BRANCH_POLICIES}),
        ("POLICY.policyconfigremoved", {K.BRANCH_POLICIES}),
        ("Pipelines.PipelineModified", {K.PIPELINES}),
        ("Pipelines.ProjectSettings", {K.PIPELINE_SETTINGS}),
        ("Pipelines.ResourceAuthorizedForPipeline", PERMISSIONS),
        ("Library.ServiceConnectionForProjectModified", {K.SERVICE_CONNECTIONS}),
        ("Library.ServiceConnectionExecuted", set()),
        ("Library.VariableGroupDeleted", {K.VARIABLE_GROUPS}),
        ("CheckConfiguration.Disabled", {K.CHECKS}),
        ("CheckSuite.Completed", set()),
        ("Git.RefUpdatePoliciesBypassed", set()),
        ("Git.RepositoryRenamed", set()),
        ("Process.Rule.Add", set()),
        ("Something.New", OF_PROJECT | PERMISSIONS),
        ("Git.SomethingNew", OF_PROJECT | PERMISSIONS),
    ],
)
def test_what_an_action_in_a_project_makes_uncertain(action: str, kinds: set[FactKind]) -> None:
    changes = changes_of([entry(action, HERE)], KNOWN)
    assert {kind for kind, _ in changes.projects.get(HERE, ())} == kinds
    assert changes.organization == frozenset()
    assert set(changes.projects) <= {HERE}
    assert matters(entry(action, HERE)) == bool(kinds)


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("OrganizationPolicy.PolicyValueUpdated", {K.ORGANIZATION_POLICIES}),
        ("Pipelines.OrganizationSettings", {K.ORGANIZATION_PIPELINE_SETTINGS}),
        ("Extension.VersionUpdated", {K.EXTENSIONS}),
        ("Group.UpdateGroupMembership.Add", {K.GROUPS, K.ADMINISTRATORS}),
        ("Licensing.Removed", {K.USERS}),
        ("Library.AgentPoolDeleted", {K.AGENT_POOLS}),
        ("AuditLog.StreamDisabledBySystem", {K.AUDIT_STREAMS}),
        ("AuditLog.AccessLog", set()),
        ("Security.ModifyPermission", ACCESS),
        ("Security.RemoveAllAccessControlLists", ACCESS),
        ("Token.PatCreateEvent", set()),
        ("Something.New", OF_ORGANIZATION),
    ],
)
def test_what_an_action_in_the_organization_makes_uncertain(action: str, kinds: set[FactKind]) -> None:
    assert changes_of([entry(action)], KNOWN) == Changes(frozenset(kinds))


def test_what_only_looks_or_runs_changes_nothing() -> None:
    for category in ("access", "execute"):
        assert changes_of([entry("Something.New", HERE, category=category)], KNOWN) == Changes()


def test_a_namespace_that_is_known_narrows_down_which_permissions() -> None:
    told = {"namespacename": frozenset({"git repositories"})}
    found = changes_of([entry("Security.ModifyPermission", data=told)], KNOWN)
    assert found.organization == {K.REPOSITORY_ACCESS}
    for other in ({"somewhere else"}, {"build", "library"}):
        odd = {"namespacename": frozenset(other)}
        assert changes_of([entry("Security.ModifyPermission", data=odd)], KNOWN).organization == ACCESS


def test_the_object_of_a_permission_is_asked_for_alone() -> None:
    told = {"resourceid": frozenset({"7"}), "pipelineid": frozenset({"8"})}
    found = changes_of([entry("Pipelines.ResourceAuthorizedForPipeline", HERE, told)], KNOWN)
    assert found.projects == {HERE: frozenset((kind, "7") for kind in PERMISSIONS)}


def test_projects_are_found_in_the_data_as_well() -> None:
    told = {"projectids": frozenset({str(HERE), str(THERE), str(GONE), "text"})}
    found = changes_of([entry("Library.VariableGroupCreatedForProjects", data=told)], KNOWN)
    assert set(found.projects) == KNOWN
    shared = changes_of(
        [entry("Library.ServiceConnectionShared", HERE, {"p": frozenset({str(THERE)})})], KNOWN
    )
    assert set(shared.projects) == KNOWN


def test_a_change_in_a_project_that_is_nowhere_to_be_found_is_a_gap() -> None:
    assert changes_of([entry("Library.VariableGroupDeletedFromProjects")], KNOWN).gap
    assert not changes_of([entry("Policy.PolicyConfigCreated", GONE)], KNOWN).gap, "it is not there any more"


def test_a_log_that_was_switched_off_or_on_has_a_gap() -> None:
    told = {"policyname": frozenset({"policy.logauditevents"})}
    assert changes_of([entry("OrganizationPolicy.PolicyValueUpdated", data=told)], KNOWN).gap


ENTRIES = st.builds(
    entry,
    action=st.sampled_from(
        ["Policy.X", "Pipelines.ResourceX", "Group.X", "Security.X", "New.X", "Library.ServiceConnectionX"]
    ),
    project=st.sampled_from([HERE, THERE, GONE]),
    data=st.sampled_from([{}, {"resourceid": frozenset({"1"})}, {"p": frozenset({str(THERE)})}]),
)


@given(st.lists(ENTRIES, max_size=6), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(entries: list[AuditEntry], random: object) -> None:
    shuffled = [*entries, *entries]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert changes_of(shuffled, KNOWN) == changes_of(entries, KNOWN)


def test_everything_that_counts_as_logged_is_made_uncertain_by_something() -> None:
    """A set that the log is said to tell of, and that no known action changes, would never be read again."""
    from shared.posture.audit import _MEANING  # noqa: PLC0415 - the table that is held against the sets

    told = {kind for _, kinds in _MEANING for kind in kinds}
    assert {one.kind for one in FACT_SETS if one.is_logged} <= told
    assert all(kind in BY_KIND for kind in told)


def keeping(*, value: bool | None, effective: bool | None) -> OrganizationFacts:
    """An organization whose policy of keeping a log says so."""
    told = {"Policy.LogAuditEvents": PolicyValue(value, effective)}
    return some_organization(organization_policies=OrganizationPolicies(told))


@pytest.mark.parametrize(
    ("facts", "has"),
    [
        (some_organization(), True),
        (keeping(value=True, effective=None), True),
        (keeping(value=True, effective=False), False),
        (keeping(value=False, effective=True), False),
        (keeping(value=None, effective=None), False),
        (some_organization(organization_policies=policies(LogAuditEvents=None)), False),
        (without(some_organization(), K.ORGANIZATION_POLICIES), False),
        (without(some_organization(), K.AUDIT_STREAMS), False),
        (some_organization(audit_streams=()), True),
    ],
)
def test_there_is_a_log_where_it_is_kept_and_may_be_read(facts: OrganizationFacts, *, has: bool) -> None:
    assert has_log(facts) is has
