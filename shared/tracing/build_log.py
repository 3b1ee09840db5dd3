"""Everything that one build log tells of images, in one pass over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.tracing.decorator_block import BLOCK_MOST, DecoratorLog, DockerReport
from shared.tracing.push_logs import PushedImage, PushLog, cleaned


@dataclass(frozen=True, slots=True)
class LogFindings:
    """What push steps printed, and what the decorator reported."""

    pushed: tuple[PushedImage, ...] = ()
    reports: tuple[DockerReport, ...] = ()


def read_build_log(lines: Iterable[str]) -> LogFindings:
    """Read the log to its end, or to the bounds; a line at a time, so that it may be of any size."""
    pushes, decorator = PushLog(), DecoratorLog()
    for number, text in cleaned(lines, BLOCK_MOST):
        pushes.read(number, text)
        decorator.read(number, text)
    return LogFindings(pushes.images, tuple(decorator.reports))
