"""The troubleshooting page knows every code and check that there is, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from shared.ado import errors
from shared.ado.errors import AzureDevOpsError
from shared.model.failure import Denied
from shared.model.prerequisite import PrerequisiteName

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
TOLD = set(re.findall(r"`([A-Za-z.*_]+)`", PAGE))
SOURCES = "".join(one.read_text(encoding="utf-8") for one in (ROOT / "cli").glob("*check*.py")) + (
    ROOT / "cli" / "doctor.py"
).read_text(encoding="utf-8")


def classes() -> dict[str, type[AzureDevOpsError]]:
    return {
        name: one
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, AzureDevOpsError) and one is not AzureDevOpsError
    }


def test_every_refusal_that_a_person_must_mend_is_explained() -> None:
    assert {name for name, one in classes().items() if issubclass(one, Denied)} <= TOLD


def test_every_code_that_is_explained_exists() -> None:
    ours = {"SecretUnavailable", "NoOrganizations", "ClockSkew", "ScopeMissing"}
    codes = {one for one in TOLD if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", one)}
    assert codes <= set(classes()) | ours


def test_every_prerequisite_is_explained() -> None:
    named = {one.removeprefix("prerequisite.") for one in TOLD if one.startswith("prerequisite.")}
    assert named == {one.value for one in PrerequisiteName}


def test_every_check_that_is_explained_exists() -> None:
    ids = {one for one in TOLD if re.fullmatch(r"[a-z]+[A-Za-z]*", one)} - {"informational", "id", "code"}
    assert ids
    for one in ids:
        assert f'"{one}"' in SOURCES, one


def test_its_own_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z -]", "", one.lower()).replace(" ", "-")
        for one in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([a-z-]+)\)", PAGE)) <= headings
    for link in re.findall(r"\]\(([a-z/-]+\.md)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link
