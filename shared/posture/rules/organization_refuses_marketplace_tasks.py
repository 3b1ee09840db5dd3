"""Organizations should not run tasks of Marketplace extensions in pipelines unasked."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity
from shared.model.facts import FactKind
from shared.model.ids import RuleId
from shared.posture.rule import Rule
from shared.posture.switches import organization_setting

RULE = Rule(
    id=RuleId("ADO-ORG-031"),
    title="Organizations should not run tasks of Marketplace extensions in pipelines unasked",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.MEDIUM,
    topic="policy.extensions",
    aliases=("AZDO.1023 Test-AzdoOrganizationTaskRestrictionsDisableMarketplaceTask",),
    why=(
        "A task from the Marketplace is code that a publisher may change any day, run with the "
        "secrets of the pipeline. One publisher's stolen account is in every build that uses the "
        "task."
    ),
    judged=(
        "Healthy when `disableMarketplaceTasksVar` is on in the pipeline settings of the "
        "organization. Unknown where it is not told."
    ),
    fix=(
        "Open Organization settings > Pipelines > Settings > Disable Marketplace tasks.",
        "Turn it on.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/security/overview",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-3 Dependency Chain Abuse",
        "MITRE ATT&CK: T1195.001 Supply Chain Compromise: Software Dependencies and Development Tools",
    ),
    limits=(
        "Where tasks of trusted publishers are needed, exempt this and keep the list of extensions short."
    ),
    needs=frozenset({FactKind.ORGANIZATION_PIPELINE_SETTINGS}),
    evaluate=organization_setting(
        "disableMarketplaceTasksVar",
        should_be=True,
        good="Tasks from the Marketplace do not run.",
        bad="Tasks from the Marketplace run in every pipeline that names them.",
    ),
)
