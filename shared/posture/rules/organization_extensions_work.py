"""Extensions that failed or wait for authorization should be mended or removed."""

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
        return unhealthy(f"These extensions do not work as installed: {', '.join(found[:3])}.", evidence)
    return healthy("Every extension works.", evidence)


def _is_told(extension: Extension) -> bool:
    return bool(extension.state & {"error", "needsreauthorization", "warning", "versioncheckerror"})


RULE = Rule(
    id=RuleId("ADO-ORG-045"),
    title="Extensions that failed or wait for authorization should be mended or removed",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.LOW,
    topic="policy.extensions",
    aliases=("ADO_Organization_SI_Review_Shared_Extensions",),
    why=(
        "An extension in error or waiting to be authorized anew asks for rights that nobody "
        "remembers granting. What is not used is removed, not left for the day its publisher's "
        "account is stolen."
    ),
    judged="Unhealthy when an extension's state names `error`, `needsReauthorization` or `warning`.",
    fix=(
        "Open Organization settings > Extensions.",
        "Review the new rights and authorize the extension, or uninstall it.",
    ),
    references=("https://learn.microsoft.com/azure/devops/marketplace/install-extension",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-8 Ungoverned Usage of 3rd Party Services",
        "MITRE ATT&CK: T1195.001 Supply Chain Compromise: Software Dependencies and Development Tools",
    ),
    limits="Extensions that work and are not used are not told.",
    needs=frozenset({FactKind.EXTENSIONS}),
    evaluate=the_organization(_judge),
)
