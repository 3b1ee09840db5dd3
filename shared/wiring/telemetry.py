"""structlog through the standard library, so that Application Insights and any handler see every event."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

LOGGER = "ado_connector"

_LIBRARIES = ("azure", "msal", "opentelemetry")
"""They would tell of every request to storage and ingestion: the worker asks for all from *info* on."""

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logging(
    level: str, *, stream: bool = False, measure: Processor | None = None
) -> structlog.stdlib.BoundLogger:
    """Set the least severe level that is logged and return the app's logger.

    In Azure the Functions worker owns the root logger and forwards it. With `stream`, for the command line,
    events go to stderr as well, one line each. `measure` sees every event, also those that are not logged.
    Libraries are heard from *warning* on, whatever the level.
    """
    structlog.configure(
        processors=[
            *([measure] if measure else []),
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter
            if stream
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    logger = logging.getLogger(LOGGER)
    logger.setLevel(level.upper())
    logger.handlers = [_stderr_handler()] if stream else []
    logger.propagate = not stream
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(LOGGER)
    return bound


def _stderr_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=list(_SHARED),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(
                    colors=sys.stderr.isatty(),
                    # The default shows local variables, and some of them are secrets.
                    exception_formatter=structlog.dev.plain_traceback,
                ),
            ],
        )
    )
    return handler
