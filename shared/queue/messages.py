"""The format of queue messages: versioned JSON documents, parsed into typed commands.

Forced onboarding is a public format, for whoever may send to the queue::

    {"version": 1, "organization": "contoso", "connector": "main", "requestedBy": "ana", "reason": "audit"}

`organization` is a name or an address such as `https://dev.azure.com/contoso`; all else may be left out. A
message about recurring work names the work and its revision::

    {"version": 1, "organizationId": "6b1f…", "kind": "inventory", "revision": 7}

Members that this version does not know are ignored.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from shared.model.command import Command, DoWork, OnboardOrganization
from shared.model.ids import OrganizationId
from shared.model.work import ONBOARDING_QUEUE, WorkKind
from shared.queue.receiver import MESSAGE_BYTES

VERSION = 1

_NAME_CHARACTERS = 256
_TEXT_CHARACTERS = 2000
_QUOTED = 40
_LARGEST_REVISION = 2**53
_ADDRESS = re.compile(
    r"(?:https?://)?(?:[^/@]*@)?(?:dev\.azure\.com/(?P<path>[^/?#]+)|(?P<host>[^/.?#]+)\.visualstudio\.com)"
    r"(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_EXAMPLES = {
    "organization": 'Write "organization": "contoso" or its address, https://dev.azure.com/contoso.',
    "organizationId": 'Write "organizationId": "…", the id that the connector state gave the organization.',
    "connector": 'Write "connector": "…", the name or id of a connector, or leave it out.',
    "requestedBy": f'Write "requestedBy": "…", at most {_NAME_CHARACTERS} characters, or leave it out.',
    "reason": f'Write "reason": "…", at most {_TEXT_CHARACTERS} characters, or leave it out.',
    "version": f'Write "version": {VERSION}.',
    "kind": "Send the message to the queue that is named like its kind of work.",
    "revision": 'Write "revision": 7, with the current revision of the work.',
}
_WHOLE = 'Send a JSON object in UTF-8, such as {"version": 1, "organization": "contoso"}.'
_PROBLEMS = {
    "missing": "is missing",
    "string_type": "is not a text",
    "int_type": "is not a whole number",
    "string_too_long": "is too long",
    "too_long": "is too long",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
}

Document = TypeVar("Document", bound=BaseModel)


class MessageRefused(ValueError):
    """A message that is not what its queue carries: which field, what is wrong with it, and what to write."""

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(f"{field}: {problem}. {fix}")
        self.field = field
        self.problem = problem
        self.fix = fix

    def __reduce__(self) -> tuple[type[MessageRefused], tuple[str, str, str]]:
        return type(self), (self.field, self.problem, self.fix)


def _reduced_to_name(value: object) -> object:
    """The name in an organization's address, or the name itself."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    address = _ADDRESS.fullmatch(text)
    name = (address["path"] or address["host"]) if address else text
    if not name:
        raise ValueError("is empty")
    if re.search(r"[/\\?#:@%\s]", name) or name.lower() == "dev.azure.com":
        raise ValueError("is neither a name nor an address of Azure DevOps Services")
    return _without_control_characters(name)


def _without_control_characters(value: object) -> object:
    if not isinstance(value, str):
        return value
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        raise ValueError("holds control characters")
    return value.strip()


def _text_of_people(value: object) -> object:
    """Free text: line breaks and the like become spaces, rather than a reason to refuse."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    return "".join(" " if unicodedata.category(one) in {"Cc", "Cs"} else one for one in value).strip()


def _missing_to_empty(value: object) -> object:
    return "" if value is None else _without_control_characters(value)


def _exactly_one(value: object) -> object:
    if type(value) is not int or value != VERSION:
        raise ValueError(f"is not {VERSION}, the only version there is")
    return value


Version = Annotated[Literal[1], BeforeValidator(_exactly_one)]


class _Message(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    version: Version


class _Onboarding(_Message):
    organization: Annotated[str, BeforeValidator(_reduced_to_name), Field(max_length=_NAME_CHARACTERS)]
    connector: Annotated[str, BeforeValidator(_missing_to_empty), Field(max_length=_NAME_CHARACTERS)] = ""
    requested_by: Annotated[str, BeforeValidator(_text_of_people), Field(max_length=_NAME_CHARACTERS)] = ""
    reason: Annotated[str, BeforeValidator(_text_of_people), Field(max_length=_TEXT_CHARACTERS)] = ""


class _Work(_Message):
    organization_id: Annotated[
        str, BeforeValidator(_without_control_characters), Field(min_length=1, max_length=_NAME_CHARACTERS)
    ]
    kind: str
    revision: Annotated[int, Field(ge=1, le=_LARGEST_REVISION)]


def encode(command: Command) -> bytes:
    """The message for a command. Raises `MessageRefused` rather than send what its receiver would refuse."""
    message: BaseModel
    if isinstance(command, OnboardOrganization):
        message = _validated(
            _Onboarding,
            {
                "version": VERSION,
                "organization": command.organization,
                "connector": command.connector,
                "requestedBy": command.requested_by,
                "reason": command.reason,
            },
        )
    else:
        message = _validated(
            _Work,
            {
                "version": VERSION,
                "organizationId": command.organization,
                "kind": command.kind.value,
                "revision": command.revision,
            },
        )
    return message.model_dump_json(by_alias=True).encode()


def decode(queue: str, body: bytes) -> Command:
    """The command in a message of this queue. Raises `MessageRefused` for anything else."""
    plain = _parsed(body)
    if queue == ONBOARDING_QUEUE:
        onboarding = _validated(_Onboarding, plain)
        return OnboardOrganization(
            organization=onboarding.organization,
            requested_by=onboarding.requested_by or "unknown",
            reason=onboarding.reason,
            connector=onboarding.connector,
        )
    work = _validated(_Work, plain)
    if work.kind != queue:
        raise MessageRefused(
            "kind", f"is {_short(work.kind)}, in the queue {_short(queue)}", _EXAMPLES["kind"]
        )
    try:
        kind = WorkKind(work.kind)
    except ValueError:
        raise MessageRefused("kind", f"{_short(work.kind)} is no kind of work", _EXAMPLES["kind"]) from None
    return DoWork(OrganizationId(work.organization_id), kind, work.revision)


def _parsed(body: bytes) -> dict[str, object]:
    if len(body) > MESSAGE_BYTES:
        raise MessageRefused("body", f"has {len(body):,} bytes, of at most {MESSAGE_BYTES:,}", _WHOLE)
    try:
        # Some senders put a byte order mark first; it says nothing about the message.
        plain = from_json(body.removeprefix(codecs.BOM_UTF8))
    except ValueError as error:
        raise MessageRefused("body", f"is not JSON in UTF-8 ({error})", _WHOLE) from None
    if not isinstance(plain, dict):
        raise MessageRefused("body", "is not a JSON object", _WHOLE)
    return plain


def _validated(kind: type[Document], plain: dict[str, object]) -> Document:
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = str(first["loc"][0])
        problem = _PROBLEMS.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise MessageRefused(field, problem, _EXAMPLES[field]) from None


def _short(text: str) -> str:
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "\u2026")
