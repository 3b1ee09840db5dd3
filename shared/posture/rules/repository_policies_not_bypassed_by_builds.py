"""Repositories should not let build accounts bypass branch policies."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.access import GIT_BYPASS, no_build_account, of, repository_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository


def _judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return no_build_account(
        organization,
        FactKind.REPOSITORY_ACCESS,
        repository_tokens(project, repository.id.lower()),
        GIT_BYPASS,
        good="No build account may bypass policies.",
        bad="A build account may bypass policies.",
    )


RULE = Rule(
    id=RuleId("ADO-REPO-024"),
    title="Repositories should not let build accounts bypass branch policies",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.HIGH,
    topic="acl.build-service-account",
    aliases=("ADO_Repository_AuthZ_Dont_Grant_BuildSvc_Permission_On_Branch",),
    why=(
        "A build account that may bypass policies lets every pipeline file of the project write to "
        "the default branch without review."
    ),
    judged=(
        "Unhealthy when a build account of the project or of the organization is allowed to bypass "
        "policies when pushing or completing pull requests, on the repository itself or on what it "
        "inherits from."
    ),
    fix=(
        "Open Project settings > Repositories > the repository (or all repositories) > Security.",
        "Set what the build service does not need to Not set or Deny.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)",
        "MITRE ATT&CK: T1195.002 Supply Chain Compromise: Compromise Software Supply Chain",
    ),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.REPOSITORY_ACCESS}),
    evaluate=each_repository(_judge),
)
