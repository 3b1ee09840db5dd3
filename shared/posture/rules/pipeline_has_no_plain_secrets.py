"""Pipelines should not hold secrets in plain text."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import FactKind, Pipeline, ProjectFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.pipelines import no_variable
from shared.posture.rule import Rule
from shared.posture.subjects import each_pipeline


def _judge(_: ProjectFacts, pipeline: Pipeline, __: Thresholds) -> Verdict:
    return no_variable(
        pipeline.variables,
        lambda one: bool(one.looks_like) and not one.is_secret,
        good="No plain variable looks like a secret.",
        bad="These variables look like secrets and are not marked so:",
    )


RULE = Rule(
    id=RuleId("ADO-PIPE-005"),
    title="Pipelines should not hold secrets in plain text",
    resource=ResourceKind.PIPELINE,
    severity=Severity.HIGH,
    topic="pipeline.plaintext-secrets",
    aliases=(
        "ADO_Build_DP_No_PlainText_Secrets_In_Definition",
        "ADO-PL-003 Azure.DevOps.Pipelines.Core.NoPlainTextSecrets",
        "secrets-exposure/unredacted_secrets",
    ),
    why=(
        "A variable that is not marked secret is shown to everybody who may open the pipeline, and "
        "printed into every log."
    ),
    judged=(
        "Unhealthy when a variable that is not marked secret looks like one, by the shape of its "
        "value (keys, tokens, connection strings) or by its name. Values are looked at while they "
        "are read, and kept nowhere."
    ),
    fix=(
        "Open the pipeline > Edit > Variables.",
        "Turn on Keep this value secret, and replace the secret, since it was readable.",
    ),
    references=("https://learn.microsoft.com/azure/devops/pipelines/process/set-secret-variables",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-6 Insufficient Credential Hygiene",
        "MITRE ATT&CK: T1552 Unsecured Credentials",
    ),
    limits="Variables in YAML files are not looked at: scanning code is Advanced Security's part.",
    needs=frozenset({FactKind.PIPELINES}),
    evaluate=each_pipeline(_judge),
)
