"""Extensions should not inject tasks into every pipeline."""

from __future__ import annotations

from shared.model.assessment import ResourceKind, Severity, Verdict
from shared.model.facts import Extension, FactKind, OrganizationFacts
from shared.model.ids import RuleId
from shared.model.thresholds import Thresholds
from shared.posture.rule import Rule
from shared.posture.subjects import the_organization
from shared.posture.verdicts import healthy, unhealthy, unknown, unread


def _judge(facts: OrganizationFacts, _: Thresholds) -> Verdict:
    fact = facts.extensions
    if fact.value is None:
        return unread(FactKind.EXTENSIONS, fact.failure)
    found = sorted(f"{one.publisher}.{one.name}" for one in fact.value if _is_told(one))
    evidence = {"extensions": found[:20], "number": len(found)}
    if any(not one.state for one in fact.value):
        return unknown("The state of an extension is not told.", evidence)
    if found:
        return unhealthy(
            f"These extensions inject tasks into every pipeline: {', '.join(found[:3])}.", evidence
        )
    return healthy("No extension injects tasks into pipelines.", evidence)


def _is_told(extension: Extension) -> bool:
    if extension.is_built_in or "disabled" in extension.state:
        return False
    return any("pipeline-decorator" in kind.casefold() for kind in extension.contributions)


RULE = Rule(
    id=RuleId("ADO-ORG-044"),
    title="Extensions should not inject tasks into every pipeline",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="policy.extensions",
    aliases=("ADO_Organization_SI_Review_Auto_Injected_Extensions",),
    why=(
        "A decorator runs in every job of every pipeline, with its secrets at hand, without any "
        "pipeline naming it. A publisher who is taken over is in all builds at once."
    ),
    judged=(
        "Unhealthy when an enabled extension that is not built in contributes a pipeline decorator "
        "(`ms.azure-pipelines.pipeline-decorator`). The Container Mapping extension of Defender for "
        "Cloud works by one: exempt it where it is wanted."
    ),
    fix=(
        "Open Organization settings > Extensions.",
        "Uninstall extensions whose injected tasks nobody asked for.",
    ),
    references=("https://learn.microsoft.com/azure/devops/marketplace/install-extension",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-8 Ungoverned Usage of 3rd Party Services",
        "MITRE ATT&CK: T1195.001 Supply Chain Compromise: Software Dependencies and Development Tools",
    ),
    limits="What the injected task does is not told.",
    needs=frozenset({FactKind.EXTENSIONS}),
    evaluate=the_organization(_judge),
)
