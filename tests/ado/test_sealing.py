"""What is kept of a sign-in is of no use without its key, nor under another name."""

from __future__ import annotations

import json
import secrets

import pytest

from shared.ado.sealing import SealBroken, seal, unseal

TEXT = '{"AccessToken": "secret-é-token"}'


class Keys:
    """Two versions of a key."""

    def __init__(self) -> None:
        self.versions = {"one": secrets.token_bytes(32), "two": secrets.token_bytes(32)}

    def newest(self) -> tuple[str, bytes]:
        return "two", self.versions["two"]

    def named(self, name: str) -> bytes:
        return self.versions[name]


def test_what_was_sealed_is_unsealed_also_with_an_earlier_version_of_the_key() -> None:
    keys = Keys()
    for version, key in keys.versions.items():
        sealed = seal(TEXT, "a", (version, key))
        assert "secret" not in sealed
        assert unseal(sealed, "a", keys) == TEXT
    assert seal(TEXT, "a", keys.newest()) != seal(TEXT, "a", keys.newest())


@pytest.mark.parametrize("field", ["wrapped", "sealed"])
def test_a_changed_byte_opens_nothing(field: str) -> None:
    keys = Keys()
    document = json.loads(seal(TEXT, "a", keys.newest()))
    document[field] = ("B" if document[field][20] == "A" else "A").join(
        (document[field][:20], document[field][21:])
    )
    with pytest.raises(SealBroken):
        unseal(json.dumps(document), "a", keys)


@pytest.mark.parametrize(
    "sealed",
    ["", "{}", "[]", "null", '{"version": 2}', '{"version": 1, "key": "two", "wrapped": 1, "sealed": 2}'],
)
def test_what_is_no_seal_is_said_to_be_none(sealed: str) -> None:
    with pytest.raises(SealBroken):
        unseal(sealed, "a", Keys())


def test_one_sign_in_is_not_passed_off_as_another() -> None:
    keys = Keys()
    with pytest.raises(SealBroken):
        unseal(seal(TEXT, "a", keys.newest()), "b", keys)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealBroken):
        unseal(seal(TEXT, "a", Keys().newest()), "a", Keys())
