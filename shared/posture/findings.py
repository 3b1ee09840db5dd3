"""What Advanced Security is switched on for in a repository, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.model.assessment import Verdict
from shared.model.facts import FactKind, ProjectFacts
from shared.model.inventory import Repository
from shared.model.thresholds import Thresholds
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown, unread


def switches(facts: ProjectFacts, repository: Repository) -> Mapping[str, bool] | Verdict:
    """The repository's switches of Advanced Security, or that they are not known."""
    fact = facts.organization.advanced_security
    if fact.value is None:
        return unread(FactKind.ADVANCED_SECURITY, fact.failure)
    found = fact.value.repositories.get(repository.id.lower())
    if found is None:
        return unknown("Advanced Security does not tell of the repository.", {"repository": None})
    return found


def is_on(key: str, *, good: str, bad: str) -> Callable[[ProjectFacts, Repository, Thresholds], Verdict]:
    """Healthy where one switch of the repository is on. One that is not told was never set: it is off."""

    def judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
        found = switches(facts, repository)
        if isinstance(found, Verdict):
            return found
        evidence = {key: found.get(key)}
        return healthy(good, evidence) if found.get(key) else unhealthy(bad, evidence)

    return judge


def no_open_alerts(kind: str, switch: str) -> Callable[[ProjectFacts, Repository, Thresholds], Verdict]:
    """Healthy where a type was scanned for and nothing is open.

    Not applicable, and said to be *never scanned*, where it is switched off or no scan has reported yet.
    """

    def judge(facts: ProjectFacts, repository: Repository, _: Thresholds) -> Verdict:
        found = switches(facts, repository)
        if isinstance(found, Verdict):
            return found
        if not found.get(switch):
            return not_applicable(
                "Never scanned: Advanced Security does not look for it in this repository.",
                {switch: found.get(switch)},
            )
        fact = facts.organization.alerts
        if fact.value is None:
            return unread(FactKind.ALERTS, fact.failure)
        identifier = repository.id.lower()
        scanned = fact.value.scanned.get(identifier, {}).get(kind)
        alerts = fact.value.counts.get(kind, {}).get(identifier)
        evidence = {
            "alertType": kind,
            "lastScanDate": scanned,
            "openAlerts": alerts.open if alerts else None,
            "bySeverity": {key: number for key, number in alerts.by_severity.items() if number}
            if alerts
            else {},
        }
        if alerts is not None and alerts.open:
            return unhealthy(f"{alerts.open} findings are open.", evidence)
        if scanned is None:
            return not_applicable("Never scanned: no scan has reported yet.", evidence)
        return healthy("It was scanned, and no finding is open.", evidence)

    return judge


def never_scanned(what: str) -> Callable[[ProjectFacts, Repository, Thresholds], Verdict]:
    """For recommendations that rest on scanners of whose results no interface of Azure DevOps tells."""

    def judge(_: ProjectFacts, __: Repository, ___: Thresholds) -> Verdict:
        return not_applicable(f"Never scanned: {what}", {"scanner": None})

    return judge
