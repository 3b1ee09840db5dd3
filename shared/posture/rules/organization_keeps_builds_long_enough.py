"""Organizations should keep builds long enough to look into what was shipped."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import healthy, unhealthy, unknown, unread


def _judge(facts: OrganizationFacts, thresholds: Thresholds) -> Verdict:
    fact = facts.retention
    if fact.value is None:
        return unread(FactKind.RETENTION, fact.failure)
    days, least = fact.value.days_to_keep, thresholds.retention_days_least
    evidence = {"daysToKeep": days, "least": least}
    if days is None:
        return unknown("The organization does not tell how long builds are kept.", evidence)
    if days < least:
        return unhealthy(f"Builds are kept for {days} days, fewer than {least}.", evidence)
    return healthy(f"Builds are kept for {days} days.", evidence)


RULE = Rule(
    id=RuleId("ADO-ORG-040"),
    title="Organizations should keep builds long enough to look into what was shipped",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.LOW,
    topic="retention",
    aliases=(
        "ADO-RET-001 Azure.DevOps.RetentionSettings.ArtifactMinimumRetentionDays",
        "ADO-RET-002 Azure.DevOps.RetentionSettings.PullRequestRunsMinimumRetentionDays",
    ),
    why=(
        "When a release turns out to be poisoned, its build log and artifacts tell how. Builds that "
        "are gone after a few days take the evidence with them."
    ),
    judged=(
        "Healthy when `defaultRetentionPolicy.daysToKeep` of the organization is at least the "
        "number of days of the setting. PSRule asks for the retention of each project; the "
        "organization's is what Microsoft documents as the default of all."
    ),
    fix=(
        (
            "Open Organization settings > Pipelines > Retention (in new organizations: Project "
            "settings > Pipelines > Settings > Retention policy)."
        ),
        "Keep runs for at least as many days as an investigation takes to begin.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/policies/retention",),
    standards=("OWASP CI/CD Top 10: CICD-SEC-10 Insufficient Logging and Visibility",),
    thresholds=("retention_days_least",),
    limits="Projects may keep runs shorter or longer.",
    needs=frozenset({FactKind.RETENTION}),
    evaluate=the_organization(_judge),
)
