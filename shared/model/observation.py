"""What a listing told us, and whether it told us everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.model.failure import Failure

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Observation(Generic[T]):
    """The items of a listing. Absence is not evidence unless `complete` is true.

    A partial observation carries the failure that cut it short; its items come from answers that were read
    whole and are true, but nothing may be concluded from what they lack. `next_start` is where a listing that
    was cut goes on; one that was cut because its time was up has it, and no failure.
    """

    items: tuple[T, ...]
    complete: bool
    failure: Failure | None = None
    next_start: str = ""

    def __post_init__(self) -> None:
        if self.complete == (self.failure is not None or bool(self.next_start)):
            raise ValueError("an observation is either complete or says why it is not")

    @classmethod
    def whole(cls, items: tuple[T, ...]) -> Observation[T]:
        """A listing read to its end."""
        return cls(items, complete=True)

    @classmethod
    def partial(cls, items: tuple[T, ...], failure: Failure) -> Observation[T]:
        """A listing that broke off, with the items that were read before it did."""
        return cls(items, complete=False, failure=failure)

    @classmethod
    def cut(cls, items: tuple[T, ...], next_start: str) -> Observation[T]:
        """A listing whose time was up, with the items of the pages before `next_start`."""
        return cls(items, complete=False, next_start=next_start)
