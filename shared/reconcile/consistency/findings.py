"""What can be wrong, what comes of it, and what makes it right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.model.ids import OrganizationId, ProjectId
from shared.model.mapping import Node
from shared.model.record import Record
from shared.model.work import WorkKind


class Code(StrEnum):
    """Stable names of what can be wrong."""

    CLAIM_OF_NO_CONNECTOR = "claim-of-no-connector"
    CLAIM_OF_NO_ORGANIZATION = "claim-of-no-organization"
    CLAIM_WITHOUT_ENROLLMENT = "claim-without-enrollment"
    ENROLLMENT_OF_NO_CONNECTOR = "enrollment-of-no-connector"
    ENROLLMENT_OF_NO_ORGANIZATION = "enrollment-of-no-organization"
    ONBOARDED_WITHOUT_CLAIM = "onboarded-without-claim"
    HELD_BUT_NOT_ONBOARDED = "held-but-not-onboarded"
    PREREQUISITES_OF_NOBODY = "prerequisites-of-nobody"
    SIGN_IN_OF_NOBODY = "sign-in-of-nobody"
    EDGE_OF_NO_NODE = "edge-of-no-node"
    EXEMPTION_OF_NO_ORGANIZATION = "exemption-of-no-organization"
    CLAIM_OF_OTHER_TENANT = "claim-of-other-tenant"
    HELD_BY_NOBODY = "held-by-nobody"
    MERGED_INTO_NOBODY = "merged-into-nobody"
    WAIT_WITHOUT_END = "wait-without-end"
    IMPOSSIBLE_NUMBER = "impossible-number"
    TIMES_OUT_OF_ORDER = "times-out-of-order"
    NAME_LACKING = "name-lacking"
    NAME_TWICE = "name-twice"
    WORK_OF_NO_ORGANIZATION = "work-of-no-organization"
    WORK_LACKING = "work-lacking"
    PREREQUISITES_LACKING = "prerequisites-lacking"
    LEASE_WITHOUT_END = "lease-without-end"
    QUEUED_IN_FUTURE = "queued-in-future"
    DUE_TOO_LATE = "due-too-late"
    RECORDS_OF_NO_ORGANIZATION = "records-of-no-organization"
    REPOSITORY_OF_NO_PROJECT = "repository-of-no-project"
    REPOSITORY_OUTLIVES_PROJECT = "repository-outlives-project"
    TIME_IN_FUTURE = "time-in-future"
    RETIRED_BEFORE_SEEN = "retired-before-seen"
    COUNTS_DIFFER = "counts-differ"
    PROJECT_COUNTS_DIFFER = "project-counts-differ"
    ASSESSMENT_OF_NO_PROJECT = "assessment-of-no-project"
    ASSESSMENT_OF_NO_RESOURCE = "assessment-of-no-resource"
    COPIES_DIFFER = "copies-differ"
    SUMS_DIFFER = "sums-differ"
    SUMS_OF_NO_PROJECT = "sums-of-no-project"
    TOTAL_DIFFERS = "total-differs"
    HISTORY_BEYOND_TOTAL = "history-beyond-total"
    NOTIFIED_BEYOND_HISTORY = "notified-beyond-history"
    FACTS_OF_NO_PROJECT = "facts-of-no-project"
    MERGED_BUT_HELD = "merged-but-held"
    CONNECTOR_NAME_TWICE = "connector-name-twice"
    EXEMPTION_OF_NO_RULE = "exemption-of-no-rule"
    EXEMPTION_OF_NO_RESOURCE = "exemption-of-no-resource"
    HISTORY_LACKING = "history-lacking"
    CONTENT_UNREADABLE = "content-unreadable"
    UNREADABLE = "unreadable"
    FILE_DAMAGED = "file-damaged"
    SCHEMA_LACKING = "schema-lacking"
    ROW_OF_NOTHING = "row-of-nothing"


WHY: Mapping[Code, str] = {
    Code.CLAIM_OF_NO_CONNECTOR: "Nobody works on the organization, and no connector can take it.",
    Code.CLAIM_OF_NO_ORGANIZATION: "It holds what is not known.",
    Code.CLAIM_WITHOUT_ENROLLMENT: "The connector holds the organization and does not know of it.",
    Code.ENROLLMENT_OF_NO_CONNECTOR: "It is told as an organization of a connector that is not there.",
    Code.ENROLLMENT_OF_NO_ORGANIZATION: "It tells of an organization that is not known.",
    Code.ONBOARDED_WITHOUT_CLAIM: "Two connectors may believe that the organization is theirs.",
    Code.HELD_BUT_NOT_ONBOARDED: "Nobody else can take the organization, and it is not worked on.",
    Code.PREREQUISITES_OF_NOBODY: "They tell of a connector or an organization that is not there.",
    Code.SIGN_IN_OF_NOBODY: "A sealed token is kept that no connector uses.",
    Code.EDGE_OF_NO_NODE: "Whoever follows it comes to nothing, and it is missing from lists.",
    Code.EXEMPTION_OF_NO_ORGANIZATION: "It exempts nothing, and is listed as if it did.",
    Code.CLAIM_OF_OTHER_TENANT: "Whoever asks in the organization's own tenant does not find it.",
    Code.HELD_BY_NOBODY: "It is told as held by another connector, and none holds it.",
    Code.MERGED_INTO_NOBODY: "The organization is shown nowhere, as if it was there under another id.",
    Code.WAIT_WITHOUT_END: "Until then nothing is asked of Azure DevOps.",
    Code.IMPOSSIBLE_NUMBER: "Whoever counts on from it decides wrongly.",
    Code.TIMES_OUT_OF_ORDER: "What is reckoned between the two is wrong.",
    Code.NAME_LACKING: "Nobody finds it by its name.",
    Code.NAME_TWICE: "Azure DevOps allows that name once: one of them is told wrongly.",
    Code.WORK_OF_NO_ORGANIZATION: "It is queued again and again, and fails.",
    Code.WORK_LACKING: "The organization is onboarded, and this is never looked at.",
    Code.PREREQUISITES_LACKING: "The organization is onboarded, and nobody sees whether it may be.",
    Code.LEASE_WITHOUT_END: "It looks as if somebody was at it, and nobody is.",
    Code.QUEUED_IN_FUTURE: "A clock was wrong when it was queued; the work waits for a message until then.",
    Code.DUE_TOO_LATE: "No interval is that long: the organization is not looked at until then.",
    Code.RECORDS_OF_NO_ORGANIZATION: "They are shown nowhere, and take up space.",
    Code.REPOSITORY_OF_NO_PROJECT: "No page of a project shows the repository.",
    Code.REPOSITORY_OUTLIVES_PROJECT: "A deleted project has no repositories: one of them is told wrongly.",
    Code.TIME_IN_FUTURE: "A clock was wrong; until then what depends on it is not decided.",
    Code.RETIRED_BEFORE_SEEN: "What was retired was there before.",
    Code.COUNTS_DIFFER: "Lists tell another number than the inventory holds.",
    Code.PROJECT_COUNTS_DIFFER: "Pages of projects tell more repositories than the inventory holds.",
    Code.ASSESSMENT_OF_NO_PROJECT: "Findings are counted of a project that is not known.",
    Code.ASSESSMENT_OF_NO_RESOURCE: "Findings are counted of a resource that is not known.",
    Code.COPIES_DIFFER: "It is listed, or found, as something else than it is.",
    Code.SUMS_DIFFER: "The project's numbers are not those of its assessments.",
    Code.SUMS_OF_NO_PROJECT: "Findings are counted of a project that is not known.",
    Code.TOTAL_DIFFERS: "The organization's numbers are not those of its projects.",
    Code.HISTORY_BEYOND_TOTAL: "The next changes would be written over changes that are kept.",
    Code.NOTIFIED_BEYOND_HISTORY: "The next changes would never be told.",
    Code.FACTS_OF_NO_PROJECT: "They are read for nothing, and take up space.",
    Code.MERGED_BUT_HELD: "Another record stands for the organization, and this one is worked on too.",
    Code.CONNECTOR_NAME_TWICE: "Whoever names the connector may mean either.",
    Code.EXEMPTION_OF_NO_RULE: "It exempts nothing, and is listed as if it did.",
    Code.EXEMPTION_OF_NO_RESOURCE: "It exempts nothing, and is listed as if it did.",
    Code.HISTORY_LACKING: "What the lost changes told is gone; history tells of that time as unknown.",
    Code.CONTENT_UNREADABLE: "What goes on from it begins anew, or stops there.",
    Code.UNREADABLE: "What reads it stops there.",
    Code.FILE_DAMAGED: "What is read from it may be wrong, or missing.",
    Code.SCHEMA_LACKING: "What reads or writes there stops, becomes slow, or takes what it must refuse.",
    Code.ROW_OF_NOTHING: "It takes up space, or keeps a name from whoever has it.",
}


@dataclass(frozen=True, slots=True)
class Replace:
    """Write this in the record's place; None removes it."""

    record: Record
    after: object | None


@dataclass(frozen=True, slots=True)
class RemoveAll:
    """Remove every record of an organization that is not known."""

    organization: OrganizationId


@dataclass(frozen=True, slots=True)
class Recount:
    """Make the sums of one project (None: what belongs to no project) anew from its assessments."""

    organization: OrganizationId
    project: ProjectId | None


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Have this work done again from its beginning: it finds out, and writes what is so."""

    organization: OrganizationId
    kind: WorkKind


@dataclass(frozen=True, slots=True)
class EndWait:
    """Forget a wait of the rate limit; Azure DevOps tells it again where it still holds."""

    name: str


@dataclass(frozen=True, slots=True)
class AddNodes:
    """Add these nodes to the graph, which edges lead to and of which nothing more is known."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Discover:
    """Wait for the next discovery: it finds out what organizations are called, and writes it."""


@dataclass(frozen=True, slots=True)
class NumberHistory:
    """Number the kept changes of status so that they follow one another, up to the number of the last.

    What was lost in between is then told as what was forgotten is: unknown.
    """

    organization: OrganizationId
    last: int


@dataclass(frozen=True, slots=True)
class DateJournal:
    """Date entries of the journal that are still to come as of now."""


@dataclass(frozen=True, slots=True)
class MendStorage:
    """Have the store mend what it calls by this name."""

    name: str


Cure = (
    Replace
    | RemoveAll
    | Recount
    | LookAgain
    | EndWait
    | AddNodes
    | Discover
    | NumberHistory
    | DateJournal
    | MendStorage
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `cure` is None where only a person can tell what is right; `fix` says how."""

    code: Code
    what: str
    cure: Cure | None
    organization: OrganizationId | None = None
    fix: str = ""

    @property
    def why(self) -> str:
        """What comes of it."""
        return WHY[self.code]
