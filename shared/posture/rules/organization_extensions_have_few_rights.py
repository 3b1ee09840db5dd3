"""Extensions should not hold rights over the whole organization."""

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
            f"These extensions hold rights over the organization: {', '.join(found[:3])}.", evidence
        )
    return healthy("No extension holds rights over the whole organization.", evidence)


def _is_told(extension: Extension) -> bool:
    if extension.is_built_in or "disabled" in extension.state:
        return False
    return any(scope.casefold() in _POWERFUL for scope in extension.scopes)


_POWERFUL = frozenset(
    {
        "user_impersonation",
        "vso.security_manage",
        "vso.identity_manage",
        "vso.graph_manage",
        "vso.memberentitlementmanagement_write",
        "vso.tokenadministration",
        "vso.tokens",
        "vso.extension_manage",
        "vso.project_manage",
        "vso.code_full",
        "vso.serviceendpoint_manage",
        "vso.auditstreams_manage",
    }
)
"""Scopes, in lower case, that give power over others."""


RULE = Rule(
    id=RuleId("ADO-ORG-043"),
    title="Extensions should not hold rights over the whole organization",
    resource=ResourceKind.ORGANIZATION,
    severity=Severity.HIGH,
    topic="policy.extensions",
    aliases=(
        "ADO_Organization_SI_Review_Installed_Extensions",
        "extensions",
    ),
    why=(
        "An extension acts with the scopes it was granted, from its publisher's servers. One that "
        "may manage permissions, tokens or identities is an administrator that nobody counts."
    ),
    judged=(
        "Unhealthy when an enabled extension that is not built in holds a scope that manages "
        "security, identities, entitlements, tokens or extensions, or full access."
    ),
    fix=(
        "Open Organization settings > Extensions > the extension > Permissions.",
        "Uninstall what is not needed, or ask its publisher for one with fewer rights.",
    ),
    references=("https://learn.microsoft.com/azure/devops/marketplace/install-extension",),
    standards=(
        "OWASP CI/CD Top 10: CICD-SEC-8 Ungoverned Usage of 3rd Party Services",
        "MITRE ATT&CK: T1195.001 Supply Chain Compromise: Software Dependencies and Development Tools",
    ),
    limits="What an extension does with its rights is not told.",
    needs=frozenset({FactKind.EXTENSIONS}),
    evaluate=the_organization(_judge),
)
