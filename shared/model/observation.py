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
    whole and are true, but nothing may be concluded from what they lack.
    """

    items: tuple[T, ...]
    complete: bool
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if self.complete == (self.failure is not None):
            raise ValueError("an observation is either complete or says why it is not")

    @classmethod
    def whole(cls, items: tuple[T, ...]) -> Observation[T]:
        """A listing read to its end."""
        return cls(items, complete=True)

    @classmethod
    def partial(cls, items: tuple[T, ...], failure: Failure) -> Observation[T]:
        """A listing that broke off, with the items that were read before it did."""
        return cls(items, complete=False, failure=failure)
