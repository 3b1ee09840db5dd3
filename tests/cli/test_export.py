"""`recommendations export`: whatever things are called, each format is what it says and does no harm."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from cli import keys
from cli.export_csv import COLUMNS, csv_text
from local.ado_simulator import Simulator
from shared.posture.catalogue import RULES
from tests.cli.conftest import CommandLine

SCHEMA = Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json"
SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"
NASTY = (
    SCRIPT,
    FORMULA,
    "</td></tr></table><img src=x onerror=alert(1)>",
    "\"'><a href=javascript:alert(1)>x</a>",
    "+1", "-1", "@SUM(A1)", "\tTAB", "\r=CR", " =1", "\uff1d1",
    'quote"; =1', "a,b;c\nd", "[link](https://example.com) {0}", "\u202eoverride", "\x07bell",
    "naïve 名前 🚀",
)  # fmt: skip


@pytest.fixture
def rows(ado: CommandLine, simulator: Simulator) -> list[dict[str, Any]]:
    """A world in which things are called what no test would dare, and one finding is exempted."""
    organization = simulator.world.organizations[0]
    project = organization.add_project(SCRIPT)
    for name in NASTY:
        project.add_repository(name)
    other = organization.add_project(FORMULA)
    other.add_repository("plain")
    ado("connector", "create", "--name", "one")
    ado("run", "--once", code=None)
    soon = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    ado(
        "exemptions", "add", "--rule", "ADO-REPO-001", "--project", FORMULA, "--reason", SCRIPT,
        "--by", FORMULA, "--expires", soon,
    )  # fmt: skip
    listed: list[dict[str, Any]] = ado.json("recommendations", "list")
    assert {SCRIPT, FORMULA} <= {one["project"] for one in listed}
    assert {one["resourceName"] for one in listed}.issuperset(NASTY)
    return listed


def export(ado: CommandLine, format_: str, *options: str) -> str:
    return ado("recommendations", "export", "--format", format_, *options).out


# --- JSON -------------------------------------------------------------------------------------------------


def test_json_is_what_the_list_says(ado: CommandLine, rows: list[dict[str, Any]]) -> None:
    exported = json.loads(export(ado, "json"))
    assert exported == rows
    name = rows[0]["organization"]
    assert all(list(one) == list(keys.RECOMMENDATION) for one in exported)
    assert json.loads(export(ado, "json", "--organization", name, "--rule", "ADO-REPO-001")) == [
        one for one in rows if (one["organization"], one["rule"]) == (name, "ADO-REPO-001")
    ]
    some = json.loads(export(ado, "json", "--status", "healthy", "--status", "unknown"))
    assert some == [one for one in rows if one["status"] in {"healthy", "unknown"}]


@pytest.mark.parametrize("format_", ["json", "csv", "sarif", "html"])
def test_the_same_state_is_exported_the_same(
    ado: CommandLine, rows: list[dict[str, Any]], format_: str
) -> None:
    assert rows

    def without_time(text: str) -> str:
        return re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "", text)

    assert without_time(export(ado, format_)) == without_time(export(ado, format_))


# --- CSV --------------------------------------------------------------------------------------------------


def test_csv_holds_every_recommendation_and_no_live_formula(
    ado: CommandLine, rows: list[dict[str, Any]]
) -> None:
    text = export(ado, "csv")
    read = list(csv.DictReader(io.StringIO(text), strict=True))
    assert list(read[0]) == [heading for heading, _ in COLUMNS]
    assert [(one["rule"], one["status"], one["resourceId"]) for one in read] == [
        (one["rule"], one["status"], one["resourceId"]) for one in rows
    ]
    for line in read:
        for cell in line.values():
            assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]", cell), cell
            assert not any(ord(one) < ord(" ") for one in cell), cell
    names = {one["resourceName"] for one in read}
    assert {f"'{FORMULA}", SCRIPT, "'+1", "'-1", "'@SUM(A1)", "' =1", "'\uff1d1"} <= names
    exempted = [one for one in read if one["exemptionKind"]]
    assert {one["exemptionBy"] for one in exempted} == {f"'{FORMULA}"}
    assert json.loads(read[0]["evidence"]) == rows[0]["evidence"]


def test_csv_of_nothing_is_its_headings() -> None:
    assert list(csv_text([])) == [",".join(f'"{heading}"' for heading, _ in COLUMNS) + "\r\n"]


# --- SARIF ------------------------------------------------------------------------------------------------


@pytest.fixture
def sarif(ado: CommandLine, rows: list[dict[str, Any]]) -> dict[str, Any]:
    assert rows
    exported: dict[str, Any] = json.loads(export(ado, "sarif"))
    return exported


def validate(log: object) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft4Validator.check_schema(schema)
    Draft4Validator(schema).validate(log)


def test_sarif_is_valid_against_the_published_schema(ado: CommandLine, sarif: dict[str, Any]) -> None:
    validate(sarif)
    validate(json.loads(export(ado, "sarif", "--status", "stale", "--severity", "low")))
    assert sarif["$schema"] == json.loads(SCHEMA.read_text(encoding="utf-8"))["id"]


def test_sarif_tells_every_outcome_by_its_kind(sarif: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    (run,) = sarif["runs"]
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == [one.id for one in RULES]
    kinds = {"unhealthy": "fail", "healthy": "pass", "notApplicable": "notApplicable"}
    assert len(run["results"]) == len(rows)
    for result, row in zip(run["results"], rows, strict=True):
        assert result["ruleId"] == row["rule"] == RULES[result["ruleIndex"]].id
        assert result["kind"] == kinds.get(row["status"], "open")
        assert (result["level"] == "none") is (result["kind"] != "fail")
        assert ("rank" in result) is (result["kind"] == "fail")
        suppressed = "suppressions" in result
        assert suppressed is (row["status"] == "unhealthy" and row["exemption"] is not None)
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"https://dev\.azure\.com/[A-Za-z0-9._~%/-]+", uri), uri
    fingerprints = {one["partialFingerprints"]["ruleAndResource/v1"] for one in run["results"]}
    assert len(fingerprints) == len(rows)


def test_sarif_takes_no_name_for_a_link_or_a_placeholder(sarif: dict[str, Any]) -> None:
    told = " ".join(one["message"]["text"] for one in sarif["runs"][0]["results"])
    assert "\\[link\\](https://example.com) {{0}}" in told


# --- HTML -------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would make of it: elements with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_html_shows_names_as_text_and_has_one_script_of_its_own(
    ado: CommandLine, rows: list[dict[str, Any]]
) -> None:
    page = Page(export(ado, "html"))
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("script"), tags.count("style"), tags.count("img")) == (1, 1, 0)
    shown = "".join(page.text)
    assert SCRIPT in shown
    assert FORMULA in shown
    assert "onerror" not in {name for _, attributes in page.elements for name in attributes}
    assert tags.count("tr") > len(rows)
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name in {"src", "style"} for name in attributes), tag
        href = attributes.get("href") or ""
        assert re.match(r"#|https://|data:,$|$", href), href
    (policy,) = [one["content"] for _, one in page.elements if "http-equiv" in one]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_html_counts_what_is_exempted_apart(ado: CommandLine, rows: list[dict[str, Any]]) -> None:
    text = export(ado, "html")
    exempted = sum(one["status"] == "unhealthy" and one["exemption"] is not None for one in rows)
    unhealthy = sum(one["status"] == "unhealthy" for one in rows) - exempted
    assert exempted > 0
    assert f'<li><b class="exempted">{exempted}</b>exempted</li>' in text
    assert f'<li><b class="unhealthy">{unhealthy}</b>unhealthy</li>' in text
    assert text.count('<tr data-status="exempted"') == exempted
    assert text.count("<tr data-status=") == len(rows)
    some = export(ado, "html", "--status", "unhealthy")
    assert some.count("<tr data-status=") == exempted + unhealthy
    assert some.split("<h2>Recommendations")[0].split("<h2>In short")[1] in text


# --- the file ---------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_in_place_of_what_is_there(
    ado: CommandLine, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "out.json"
    file.write_text("before", encoding="utf-8")
    told = ado("recommendations", "export", "--file", str(file))
    assert (told.out, told.err) == ("", f"Wrote {file}.\n")
    assert json.loads(file.read_text(encoding="utf-8")) == rows
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith((".out", "out"))] == ["out.json"]
    assert stat.S_ISREG(file.stat().st_mode)


def test_a_file_that_cannot_be_written_is_told(ado: CommandLine, tmp_path: Path) -> None:
    told = ado("recommendations", "export", "--file", str(tmp_path / "nowhere" / "out.json"), code=2)
    assert "--file: " in told.err
    assert "cannot be written" in told.err


def test_nothing_is_exported_as_nothing(ado: CommandLine) -> None:
    assert json.loads(export(ado, "json")) == []
    validate(json.loads(export(ado, "sarif")))
    assert export(ado, "csv").count("\r\n") == 1
    assert "<tbody>\n</tbody>" in export(ado, "html")
