"""One thing that was asked outside: its answer, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.model.failure import Failure

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value that was read, or the failure that says why not. Exactly one of the two is set."""

    value: T | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.failure is None):
            raise ValueError("a fact is either read or says why it could not be")

    @classmethod
    def read(cls, value: T) -> Fact[T]:
        """A fact that was read."""
        return cls(value=value)

    @classmethod
    def unread(cls, failure: Failure) -> Fact[T]:
        """A fact that could not be read."""
        return cls(failure=failure)
