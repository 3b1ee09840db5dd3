"""Pipelines should not have secrets available to builds of forks."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts, PullRequestTrigger
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.pipelines import pull_request_trigger
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline
from shared.posture.verdicts import healthy, unhealthy, unknown, unread

_KEY = "enforceNoAccessToSecretsFromForks"
_PROTECTED = "forkProtectionEnabled"
_BUILT = "buildsEnabledForForks"
"""Off, it stops builds of forks; where forks are not protected at all, it says nothing."""


def _judge(facts: ProjectFacts, pipeline: Pipeline, _: Thresholds) -> Verdict:
    trigger = pull_request_trigger(pipeline)
    if isinstance(trigger, Verdict):
        return trigger
    evidence: dict[str, object] = {
        "forks.enabled": trigger.forks_enabled,
        "forks.allowSecrets": trigger.allow_secrets,
    }
    if trigger.forks_enabled is False:
        return healthy("Pull requests of forks are not built.", evidence)
    if trigger.allow_secrets is False:
        return healthy("Builds of forks get no secrets.", evidence)
    if not (trigger.forks_enabled and trigger.allow_secrets):
        return unknown("The pipeline does not tell how it treats forks.", evidence)
    return _settled(facts, trigger, evidence)


def _settled(facts: ProjectFacts, trigger: PullRequestTrigger, evidence: dict[str, object]) -> Verdict:
    """It hands out secrets, unless somebody above forbids it."""
    above, here = facts.organization.organization_pipeline_settings, facts.pipeline_settings
    told = [fact.value.settings if fact.value is not None else {} for fact in (above, here)]
    forbidden = [settings.get(_KEY) for settings in told]
    if True in forbidden or trigger.enforced.get(_KEY):
        return healthy("The project or the organization withholds secrets from forks.", {_KEY: True})
    if any(one.get(_PROTECTED) and one.get(_BUILT) is False for one in (*told, trigger.enforced)):
        evidence = {_PROTECTED: True, _BUILT: False}
        return healthy("The project or the organization does not build forks.", evidence)
    if forbidden == [False, False]:
        return unhealthy("Builds of forks get the secrets of the pipeline.", {**evidence, _KEY: False})
    if here.failure is not None:
        return unread(FactKind.PIPELINE_SETTINGS, here.failure)
    if above.failure is not None:
        return unread(FactKind.ORGANIZATION_PIPELINE_SETTINGS, above.failure)
    return unknown(f"Neither the project nor the organization tells enough of {_KEY}.", evidence)


RULE = Rule(
    id=RuleId("ADO-PIPE-001"),
    assessment_key="d5711372-9b5f-4926-a711-13dcf51565a6",
    title="Pipelines should not have secrets available to builds of forks",
    resource=ResourceKind.PIPELINE,
    severity=Severity.HIGH,
    topic="fork.secrets",
    aliases=(
        "ADO_Build_DP_Dont_Make_Secrets_Available_To_Forked_Builds",
        "secrets-exposure/pull_request_secrets_exposure",
    ),
    why=(
        "A pull request from a fork brings a stranger's code and, with YAML, the stranger's "
        "pipeline file. With secrets at hand it prints them, and nobody had to approve anything."
    ),
    judged=(
        "Unhealthy when the pipeline builds forks and hands them secrets, and neither the project "
        "nor the organization forbids it: by `enforceNoAccessToSecretsFromForks`, or by protecting forks "
        "and not building them (`forkProtectionEnabled` on, `buildsEnabledForForks` off). ADOScanner looks "
        "at the same fields. Not applicable to pipelines without settings for pull requests."
    ),
    fix=(
        "Open the pipeline > Edit > More actions > Triggers > Pull request validation > Forks.",
        "Clear Make secrets available to builds of forks.",
        "Better still, forbid it for the whole project under Project settings > Pipelines > Settings.",
    ),
    references=(
        "https://learn.microsoft.com/azure/devops/pipelines/repos/github#contributions-from- forks",
        "https://learn.microsoft.com/azure/defender-for-cloud/recommendations-reference-devops",
    ),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-4 Poisoned Pipeline Execution",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Code of forks still runs on the agent.",
    needs=frozenset(
        {FactKind.PIPELINES, FactKind.PIPELINE_SETTINGS, FactKind.ORGANIZATION_PIPELINE_SETTINGS}
    ),
    evaluate=each_pipeline(_judge),
)
