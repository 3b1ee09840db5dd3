"""Short words for the four verdicts that a rule may give."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.assessment import AssessmentStatus, Verdict
from shared.model.facts import FactKind
from shared.model.failure import Failure, FailureKind
from shared.posture.permissions import PERMISSIONS

UNREAD = "unread"
"""Key in the evidence of a verdict on facts that could not be read."""

CHANGED_BY = "changedBy"
"""Key in the evidence of who last changed what decided, where the object or the audit tells."""

Evidence = Mapping[str, object]
"""The raw fields that decided. Only what JSON has, so that it is read back from a store as it was written."""


def healthy(reason: str, evidence: Evidence) -> Verdict:
    """As it should be."""
    return Verdict(AssessmentStatus.HEALTHY, reason, evidence)


def unhealthy(reason: str, evidence: Evidence) -> Verdict:
    """Not as it should be."""
    return Verdict(AssessmentStatus.UNHEALTHY, reason, evidence)


def not_applicable(reason: str, evidence: Evidence) -> Verdict:
    """The question makes no sense here, and why."""
    return Verdict(AssessmentStatus.NOT_APPLICABLE, reason, evidence)


def unknown(reason: str, evidence: Evidence) -> Verdict:
    """It was read, but what was read does not tell."""
    return Verdict(AssessmentStatus.UNKNOWN, reason, evidence)


def unread(kind: FactKind, failure: Failure | None) -> Verdict:
    """It could not be read; a fact that has no value has a failure.

    The evidence leaves out what differs from one try to the next (activity, time to retry), so that the same
    failure met again changes nothing. Only a missing right names a permission.
    """
    if failure is None:
        raise ValueError("a fact that was read is not unread")
    refused = failure.kind in {FailureKind.DENIED, FailureKind.GONE}
    return Verdict(
        AssessmentStatus.UNKNOWN,
        failure.sentence(),
        {
            UNREAD: kind.value,
            "failure": failure.kind.value,
            "code": failure.code,
            "httpStatus": failure.status,
        },
        failure.permission or (PERMISSIONS[kind] if refused else ""),
    )
