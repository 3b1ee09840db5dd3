"""Repositories should not inherit permissions."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.ids import RuleId
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.access import does_not_inherit, of, repository_tokens
from shared.posture.rule import Rule
from shared.posture.subjects import each_repository


def _judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
    organization, project = of(facts)
    return does_not_inherit(
        organization, FactKind.REPOSITORY_ACCESS, repository_tokens(project, repository.id.lower())
    )


RULE = Rule(
    id=RuleId("ADO-REPO-025"),
    title="Repositories should not inherit permissions",
    resource=ResourceKind.REPOSITORY,
    severity=Severity.LOW,
    topic="acl.inherited-permissions",
    aliases=(
        "ADO_Repository_AuthZ_Disable_Inherited_Permissions",
        "ADO-RP-012 Azure.DevOps.Repos.InheritedPermissions",
    ),
    why=(
        "Permissions granted on all repositories reach this one too, whatever it holds. Whoever "
        "grants them thinks of another repository."
    ),
    judged=(
        "Healthy when `inheritPermissions` of the repository's own access list is false. A list "
        "that is not told inherits."
    ),
    fix=(
        "Open Project settings > Repositories > the repository (or all repositories) > Security.",
        "Set what the build service does not need to Not set or Deny.",
    ),
    references=(("https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference"),),
    standards=(("OWASP CI/CD Top 10: CICD-SEC-5 Insufficient PBAC (Pipeline-Based Access Controls)"),),
    limits="People and groups that are named one by one are not counted, nor are the administrators.",
    needs=frozenset({FactKind.REPOSITORY_ACCESS}),
    evaluate=each_repository(_judge),
)
