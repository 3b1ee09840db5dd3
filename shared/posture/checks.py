"""Approvals and checks that guard protected resources, and which resources need them most."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.model.assessment import Verdict
from shared.model.facts import (
    Check,
    Environment,
    FactKind,
    ProjectFacts,
    SecureFile,
    ServiceConnection,
    VariableGroup,
)
from shared.model.thresholds import Thresholds
from shared.posture.access import BROAD_NAMES
from shared.posture.verdicts import healthy, not_applicable, unhealthy, unknown, unread

APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"
TASK_CHECK = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
TEMPLATE = "4020e66e-b0f3-47e1-bc88-48f3cc59b5f3"
EXCLUSIVE_LOCK = "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563"
_BRANCH_CONTROL = "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b"
"""Definition of the task check *Branch control*."""

Guarded = ServiceConnection | VariableGroup | SecureFile | Environment

_WORDS = re.compile(r"[A-Za-z]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def is_production(name: str, thresholds: Thresholds) -> bool:
    """Whether a word of the name begins as those of production do; `preprod` does not."""
    words = _WORDS.findall(_CAMEL.sub(" ", name))
    return any(word.casefold().startswith(thresholds.production_names) for word in words)


def not_production(one: Guarded, thresholds: Thresholds) -> Verdict | None:
    """That the question is not asked, by its name; None where it is."""
    if is_production(one.name, thresholds):
        return None
    return not_applicable("Its name is not one of production.", {"name": one.name})


def checks_of(facts: ProjectFacts, one: Guarded) -> tuple[Check, ...] | Verdict:
    """The checks of a resource that are switched on, or that they are not known."""
    if facts.checks.failure is not None:
        return unread(FactKind.CHECKS, facts.checks.failure)
    found = (facts.checks.value or {}).get((_TYPES[type(one)], one.id.lower()))
    if found is None:
        return unknown("Azure DevOps was not asked for its checks.", {"checks": None})
    return tuple(check for check in found if not check.is_disabled)


_TYPES: dict[type[object], str] = {
    ServiceConnection: "endpoint",
    VariableGroup: "variablegroup",
    SecureFile: "securefile",
    Environment: "environment",
}


def told(checks: Iterable[Check]) -> dict[str, object]:
    """Which checks there are, as evidence."""
    return {"checks": [{"id": one.id, "type": one.type_name} for one in checks]}


def has_approval(facts: ProjectFacts, one: Guarded) -> Verdict:
    """Healthy where somebody has to approve each use."""
    checks = checks_of(facts, one)
    if isinstance(checks, Verdict):
        return checks
    if any(check.type_id == APPROVAL for check in checks):
        return healthy("Somebody has to approve each use.", told(checks))
    return unhealthy("Nobody has to approve its use.", told(checks))


def has_branch_control(facts: ProjectFacts, one: Guarded) -> Verdict:
    """Healthy where only runs of named branches may use it."""
    checks = checks_of(facts, one)
    if isinstance(checks, Verdict):
        return checks
    controls = [control for check in checks if (control := _branch_control(check)) is not None]
    # All checks must pass: one that names branches is enough, whatever another one allows.
    for identifier, branches in controls:
        if isinstance(branches, str) and _names_branches(branches):
            evidence = {"checkId": identifier, "allowedBranches": branches}
            return healthy("Only runs of named branches may use it.", evidence)
    for identifier, branches in controls:
        evidence = {"checkId": identifier, "allowedBranches": branches}
        if not isinstance(branches, str):
            return unknown("Its branch control does not tell which branches it allows.", evidence)
    if any(check.type_id == TASK_CHECK and not _is_told(check) for check in checks):
        return unknown("It has a check that is not understood.", told(checks))
    if controls:
        identifier, branches = controls[0]
        return unhealthy(
            "Its branch control allows every branch.", {"checkId": identifier, "allowedBranches": branches}
        )
    return unhealthy("Runs of every branch may use it.", told(checks))


def _is_told(check: Check) -> bool:
    return isinstance(check.settings.get("definitionRef"), dict)


def _branch_control(check: Check) -> tuple[int, object] | None:
    """The id of a branch control and the branches it allows; None for another check."""
    definition = check.settings.get("definitionRef")
    if check.type_id != TASK_CHECK or not isinstance(definition, dict):
        return None
    if str(definition.get("id", "")).casefold() != _BRANCH_CONTROL:
        return None
    inputs = check.settings.get("inputs")
    return check.id, inputs.get("allowedBranches") if isinstance(inputs, dict) else None


def _names_branches(allowed: str) -> bool:
    names = [name.strip() for name in allowed.split(",") if name.strip()]
    return bool(names) and not any(name in {"*", "refs/*", "refs/heads/*"} for name in names)


def has_template_check(facts: ProjectFacts, one: Guarded) -> Verdict:
    """Healthy where only pipelines that extend an approved template may use it."""
    checks = checks_of(facts, one)
    if isinstance(checks, Verdict):
        return checks
    if any(check.type_id == TEMPLATE for check in checks):
        return healthy("Only pipelines that extend an approved template may use it.", told(checks))
    return unhealthy("Pipelines of any shape may use it.", told(checks))


def refuses_own_approval(facts: ProjectFacts, one: Guarded) -> Verdict:
    """Healthy where whoever starts a run cannot approve it. Not applicable without approvals."""
    approvals = _approvals(facts, one)
    if isinstance(approvals, Verdict):
        return approvals
    values = [check.settings.get("requesterCannotBeApprover", False) for check in approvals]
    evidence = {"approvals": [check.id for check in approvals], "requesterCannotBeApprover": values}
    # All approvals must be given: one that refuses the requester is enough.
    if True in values:
        return healthy("Whoever starts a run cannot approve it.", evidence)
    if any(not isinstance(value, bool) for value in values):
        return unknown("Its approval does not tell who may not approve.", evidence)
    return unhealthy("Whoever starts a run may approve it.", evidence)


def names_few_approvers(facts: ProjectFacts, one: Guarded) -> Verdict:
    """Healthy where no group that holds nearly everybody approves. Not applicable without approvals."""
    approvals = _approvals(facts, one)
    if isinstance(approvals, Verdict):
        return approvals
    broad: list[str] = []
    for check in approvals:
        approvers = check.settings.get("approvers")
        if not isinstance(approvers, list) or not approvers or not all(map(_is_named, approvers)):
            return unknown(
                "Its approval does not tell who approves.", {"checkId": check.id, "approvers": None}
            )
        names = [str(each["displayName"]) for each in approvers]
        broad += [name for name in names if name.rpartition("\\")[2].casefold() in BROAD_NAMES]
    evidence = {"approvals": [check.id for check in approvals], "broadApprovers": sorted(set(broad))}
    if broad:
        return unhealthy(f"Nearly everybody may approve: {', '.join(sorted(set(broad)))}.", evidence)
    return healthy("Only named people and small groups approve.", evidence)


def _is_named(approver: object) -> bool:
    return isinstance(approver, dict) and isinstance(approver.get("displayName"), str)


def _approvals(facts: ProjectFacts, one: Guarded) -> list[Check] | Verdict:
    checks = checks_of(facts, one)
    if isinstance(checks, Verdict):
        return checks
    found = [check for check in checks if check.type_id == APPROVAL]
    return found or not_applicable("It has no approval.", told(checks))
