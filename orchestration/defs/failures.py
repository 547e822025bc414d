"""Failures of runs in words: the line of a refresh that failed, in place of a stack.

Belongs here: how Dagster is told. Not here: the words (orchestration.refresh.failures).
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import dagster as dg

from orchestration.refresh.failures import ANY_MONTH, told_in_words
from sources.custody.home import Home


def leave_stacks_out() -> None:
    """Keep the stack of what failed in words out of what a run prints; others stay."""
    logging.getLogger("dagster.redacted_errors").addFilter(_is_no_failure)


def _is_no_failure(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], dg.Failure))


def in_words(
    home: Home, step: str, again: str = ANY_MONTH
) -> AbstractContextManager[Callable[[str], None]]:
    """Fail the run with one line where the block raises; `again` is the command that does it.

    Its value is called with each further step of the block, which goes into the run's log.
    """
    return told_in_words(
        home,
        step,
        again,
        lambda text: dg.Failure(text, allow_retries=False),
        dg.get_dagster_logger().info,
    )
