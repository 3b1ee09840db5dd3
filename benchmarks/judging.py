"""How long judging takes, from facts alone: `python -m benchmarks.judging`.

A thousand projects of twenty repositories and five pipelines each, one of every protected object, judged by
every rule one project after another, as the handler does it. Facts are made as they are needed, so that
memory shows what judging takes; making them is not timed.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from datetime import UTC, datetime

from shared.model.facts import (
    AccessEntry,
    AccessList,
    AdvancedSecurity,
    AgentPool,
    Alerts,
    BranchPolicy,
    Check,
    Environment,
    Fact,
    Group,
    OrganizationFacts,
    Pipeline,
    PipelineSettings,
    PolicyScope,
    ProjectFacts,
    PullRequestTrigger,
    RepositoryAlerts,
    SecureFile,
    ServiceConnection,
    User,
    Variable,
    VariableGroup,
)
from shared.model.identity import OrganizationPolicies
from shared.model.ids import OrganizationId, ProjectId, RepositoryId
from shared.model.inventory import WELL_FORMED, Project, Repository
from shared.model.thresholds import DEFAULTS
from shared.posture.catalogue import RULES
from shared.posture.gathering import nothing_gathered, nothing_of_organization
from shared.posture.judging import judge_facts

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CLOSED: Fact[bool] = Fact.read(False)  # noqa: FBT003 - the answer
_SWITCHES = {"secretProtectionEnabled": True, "codeSecurityEnabled": True, "blockPushes": False}
_REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
_APPROVAL = Check(1, "8c6f20a7-a545-4486-9777-f762fafe0d4d", "Approval", is_disabled=False)


def _guid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-0000-0000-{number:012x}"


def _organization(projects: int, repositories: int) -> OrganizationFacts:
    every = [_guid(2, number) for number in range(projects * repositories)]
    groups = tuple(
        Group(f"vssgp.{number}.{name}", f"S-1-9-1551374245-{number}-{end}", name, _guid(1, number))
        for number in range(projects)
        for end, name in (("0-0-0-0-1", "Project Administrators"), ("1-1-2-3-4", "Contributors"))
    )
    access = {
        f"repov2/{_guid(1, number)}": AccessList(
            inherits=True,
            entries=(
                AccessEntry(f"Microsoft.TeamFoundation.Identity;S-1-9-1551374245-{number}-1-1-2-3-4", 4, 0),
            ),
        )
        for number in range(projects)
    }
    alerts = dict.fromkeys(every, RepositoryAlerts(1, {"high": 1}))
    pool = AgentPool(
        1,
        "Default",
        is_hosted=False,
        is_legacy=False,
        auto_provision=True,
        auto_update=True,
        size=2,
        pool_type="automation",
    )
    user = User(
        "ada@example.com",
        "aad",
        is_guest=False,
        status="active",
        licence="express",
        last_accessed=_NOW,
        created=_NOW,
    )
    return replace(
        nothing_of_organization(OrganizationId("o"), "contoso", _NOW),
        organization_policies=Fact.read(OrganizationPolicies()),
        organization_pipeline_settings=Fact.read(PipelineSettings({})),
        agent_pools=Fact.read((pool,)),
        users=Fact.read((user,)),
        groups=Fact.read(groups),
        administrators=Fact.read({one.descriptor: ("ada@example.com",) for one in groups}),
        advanced_security=Fact.read(AdvancedSecurity({}, dict.fromkeys(every, _SWITCHES))),
        alerts=Fact.read(Alerts(dict.fromkeys(("secret", "code", "dependency"), alerts), {})),
        repository_access=Fact.read(access),
        pipeline_access=Fact.read(access),
        service_connection_access=Fact.read(access),
        library_access=Fact.read(access),
        environment_access=Fact.read(access),
        agent_pool_access=Fact.read(access),
    )


def _project(number: int, organization: OrganizationFacts, repositories: int, pipelines: int) -> ProjectFacts:
    identifier = ProjectId(_guid(1, number))
    inside = tuple(
        Repository(
            RepositoryId(_guid(2, number * repositories + each)),
            f"repository {each}",
            identifier,
            "refs/heads/main",
            is_disabled=False,
            is_fork=False,
            url="",
            first_seen=_NOW,
        )
        for each in range(repositories)
    )
    trigger = PullRequestTrigger(
        forks_enabled=True,
        allow_secrets=False,
        allow_full_access_token=False,
        comment_required=False,
        from_yaml=False,
    )
    variable = Variable("region", is_secret=False, settable_at_queue_time=True)
    runs = tuple(
        Pipeline(
            each,
            f"pipeline {each}",
            "\\",
            is_yaml=True,
            repository_type="TfsGit",
            repository_id=inside[0].id,
            repository_name="repository",
            authorization_scope="projectCollection",
            badge_enabled=False,
            pool_is_hosted=True,
            queue_status="enabled",
            variables=(variable,),
            pull_requests=trigger,
            ci_branches=("+refs/heads/main",),
            is_scheduled=False,
            last_queued=_NOW,
            created=_NOW,
        )
        for each in range(pipelines)
    )
    reviewers = {"minimumApproverCount": 1, "creatorVoteCounts": False}
    policies = tuple(
        BranchPolicy(
            each,
            _REVIEWERS,
            is_enabled=True,
            is_blocking=True,
            is_deleted=False,
            scopes=(PolicyScope(one.id, "refs/heads/main", "Exact"),),
            settings=reviewers,
        )
        for each, one in enumerate(inside)
    )
    connection = ServiceConnection(
        _guid(3, number),
        "prod azure",
        "azurerm",
        "ServicePrincipal",
        is_shared=False,
        open_to_all_pipelines=_CLOSED,
        url_scheme="https",
    )
    group = VariableGroup(str(number), "prod", "Vsts", "", (variable,), _CLOSED)
    file = SecureFile(_guid(4, number), "key.pfx", _CLOSED)
    environment = Environment(str(number), "prod", "", _CLOSED)
    guarded = (
        ("endpoint", connection.id),
        ("variablegroup", group.id),
        ("securefile", file.id),
        ("environment", environment.id),
    )
    return replace(
        nothing_gathered(
            Project(identifier, f"project {number}", WELL_FORMED, "private", _NOW), inside, organization, _NOW
        ),
        pipeline_settings=Fact.read(PipelineSettings({"enforceJobAuthScope": False})),
        branch_policies=Fact.read(policies),
        pipelines=Fact.read(runs),
        service_connections=Fact.read((connection,)),
        variable_groups=Fact.read((group,)),
        secure_files=Fact.read((file,)),
        environments=Fact.read((environment,)),
        checks=Fact.read(dict.fromkeys(guarded, (_APPROVAL,))),
    )


def main() -> None:
    """Judge, and tell how long it took on one core and how much memory the process had at most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--repositories", type=int, default=20)
    parser.add_argument("--pipelines", type=int, default=5, help="in each project")
    options = parser.parse_args()
    organization = _organization(options.projects, options.repositories)
    before = time.process_time()
    verdicts = sum(len(one.verdicts) for one in judge_facts(organization, RULES, (), DEFAULTS).values())
    seconds = time.process_time() - before
    for number in range(options.projects):
        facts = _project(number, organization, options.repositories, options.pipelines)
        before = time.process_time()
        judged = judge_facts(facts, RULES, (), DEFAULTS)
        seconds += time.process_time() - before
        verdicts += sum(len(one.verdicts) for one in judged.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(RULES)} rules, {verdicts} verdicts, {seconds:.1f} s, {seconds / verdicts * 1e6:.1f} us each,"
        f" {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
