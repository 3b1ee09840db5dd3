"""Recommendations as SARIF 2.1.0 (OASIS Standard, https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from cli.output import Row, to_json
from cli.version import program_version
from shared.model.assessment import AssessmentStatus, Severity

if TYPE_CHECKING:
    from shared.posture.rule import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SECURITY_SEVERITIES = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0"}
"""Scores in the middle of what code scanning sites take for high, medium and low."""
_RANKS = {"critical": 95.0, "high": 75.0, "medium": 50.0, "low": 25.0}
_KINDS = {
    AssessmentStatus.UNHEALTHY.value: "fail",
    AssessmentStatus.HEALTHY.value: "pass",
    AssessmentStatus.NOT_APPLICABLE.value: "notApplicable",
}
"""All else is *open*: what was looked at was not enough to tell (SARIF 3.27.9)."""
_TOLD = (
    "status", "lastStatus", "severity", "risk", "riskFactors", "organization", "organizationId",
    "project", "projectId", "resourceKind", "resourceId", "resourceName", "evidence", "permission",
    "owner", "assessedAt", "firstSeen", "changedAt",
)  # fmt: skip


def sarif_text(rows: Iterable[Row], rules: Sequence[Rule], finished: str) -> Iterator[str]:
    """The file in pieces; each recommendation is a result, whatever its status.

    An exempted one is a failure with an accepted suppression. `finished` is the time in ISO 8601, UTC.
    """
    numbers: dict[str, int] = {one.id: number for number, one in enumerate(rules)}
    driver = {
        "name": "ado-connector",
        "version": program_version(),
        "rules": [_rule(one) for one in rules],
    }
    yield f'{{"$schema": {to_json(SCHEMA)}, "version": "2.1.0", "runs": [{{\n"tool": '
    yield to_json({"driver": driver})
    yield ',\n"columnKind": "utf16CodeUnits",\n"automationDetails": {"id": "ado-connector/posture/"},'
    yield f'\n"invocations": [{{"executionSuccessful": true, "endTimeUtc": {to_json(finished)}}}],'
    yield '\n"results": ['
    separator = "\n"
    for row in rows:
        yield separator + to_json(_result(row, numbers))
        separator = ",\n"
    yield "\n]}]}\n"


def _rule(rule: Rule) -> Row:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(rule.fix, start=1))
    told: dict[str, object] = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why, "markdown": rule.why},
        "help": {"text": f"{rule.judged}\n\n{steps}", "markdown": f"{rule.judged}\n\n{steps}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", rule.topic],
            "security-severity": _SECURITY_SEVERITIES[rule.severity],
            "severity": rule.severity.value,
            "assessmentKey": rule.assessment_key or None,
            "aliases": list(rule.aliases),
            "references": list(rule.references),
        },
    }
    if rule.references:
        told["helpUri"] = rule.references[0]
    return told


def _result(row: Row, numbers: dict[str, int]) -> Row:
    kind = _KINDS.get(str(row["status"]), "open")
    result: dict[str, object] = {
        "ruleId": row["rule"],
        "ruleIndex": numbers[str(row["rule"])],
        "kind": kind,
        "level": _LEVELS[Severity(str(row["severity"]))] if kind == "fail" else "none",
        "message": {"text": _message(row)},
        "locations": [_location(row)],
        "partialFingerprints": {"ruleAndResource/v1": _fingerprint(row)},
        "properties": {key: row[key] for key in _TOLD},
    }
    if kind == "fail":
        result["rank"] = _RANKS[str(row["risk"])]
    exemption = row["exemption"]
    if isinstance(exemption, dict) and kind == "fail":
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": exemption["reason"],
                "properties": {key: exemption[key] for key in ("id", "kind", "by", "expiresAt")},
            }
        ]
    return result


def _message(row: Row) -> str:
    """Plain text: brackets and braces are escaped, since SARIF reads links and placeholders in them."""
    told = f"{row['resourceKind']} {row['resourceName']}: {row['reason']}"
    for sign in "\\[]":
        told = told.replace(sign, f"\\{sign}")
    return told.replace("{", "{{").replace("}", "}}")


def _location(row: Row) -> Row:
    parts = [str(row[key]) for key in ("organization", "project") if row[key]]
    name = "/".join([*parts, str(row["resourceKind"]), str(row["resourceName"])])
    url = "https://dev.azure.com/" + "/".join(quote(_encodable(one), safe="") for one in parts)
    if row["resourceKind"] == "repository":
        url += f"/_git/{quote(_encodable(str(row['resourceName'])), safe='')}"
    return {
        "physicalLocation": {"artifactLocation": {"uri": url}},
        "logicalLocations": [
            {"name": row["resourceName"], "fullyQualifiedName": name, "kind": row["resourceKind"]}
        ],
    }


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _fingerprint(row: Row) -> str:
    """The same for the same rule and resource, whatever it is called by then."""
    words = (row["rule"], row["organizationId"], row["resourceKind"], row["resourceId"])
    text = "\0".join(str(one) for one in words)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
