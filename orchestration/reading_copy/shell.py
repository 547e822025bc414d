"""The dialogue of `krat sql`: questions typed at a prompt, answers below them.

Belongs here: reading questions, completing names, and the commands that begin with a point. Not
here: how a question is fenced in (ask) or how an answer becomes a file (export).
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from orchestration.reading_copy.ask import describe, listing, relation, tables
from orchestration.reading_copy.export import export
from sources.custody.home import Home

HELP = """End a question with a semicolon. Commands:
  .tables             what there is
  .describe TABLE     what a table and its columns mean
  .export FILE        the last answer as .csv, .xlsx or .parquet
  .help               this
  .quit               leave (or Ctrl-D)"""

MISTAKE = "Error: "

NEWER = "A newer reading copy is there: leave and start again to ask it."

#: Rows shown of an answer; .export writes them all.
MAX_ROWS = 200


class Shell:
    """One person's questions to the reading copy that was there when they began."""

    def __init__(self, home: Home, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._marts = home.marts
        self._opened = home.marts.stat().st_ino
        self._last: str | None = None
        self._is_announced = False

    def answer(self, line: str) -> str:
        """Return the answer to a question or a command; a mistake is an answer too."""
        line = line.strip()
        try:
            if line.startswith("."):
                return self._command(line)
            return self._question(line.rstrip("; \n"))
        except (duckdb.Error, ValueError, OSError) as mistake:
            return f"{MISTAKE}{mistake}"

    def newer(self) -> str | None:
        """Return, once, that a refresh has swapped the reading copy."""
        if (
            self._is_announced
            or not self._marts.exists()
            or self._marts.stat().st_ino == self._opened
        ):
            return None
        self._is_announced = True
        return NEWER

    def _question(self, query: str) -> str:
        if not query:
            return ""
        answer = relation(self._connection, query)
        if answer is None:
            return "Done."
        self._last = query
        frame = answer.limit(MAX_ROWS + 1).df()
        text = frame.head(MAX_ROWS).to_string(index=False, na_rep="–") if len(frame) else "No rows."
        if len(frame) > MAX_ROWS:
            text += f"\n… the first {MAX_ROWS} rows; .export FILE writes all of them."
        return text

    def _command(self, line: str) -> str:
        name, _, argument = line.partition(" ")
        argument = argument.strip().rstrip(";")
        if name == ".tables":
            return listing(self._connection)
        if name == ".describe" and argument:
            return describe(self._connection, argument)
        if name == ".export" and argument:
            if self._last is None:
                return f"{MISTAKE}ask something first."
            rows = export(relation(self._connection, self._last), Path(argument).expanduser())
            return f"Wrote {rows} rows to {argument}."
        if name == ".help":
            return HELP
        return f"{MISTAKE}{name} is no command here, or lacks its name.\n{HELP}"


def run(home: Home, connection: duckdb.DuckDBPyConnection, show: Callable[[str], None]) -> int:
    """Answer questions until the person leaves, or standard input ends.

    Returns the exit status: 1 where standard input is no terminal and a question did not run.
    """
    shell = Shell(home, connection)
    interactive = sys.stdin.isatty()
    if interactive:
        show(f"The reading copy of {home.root}, read-only. {HELP}")
    failed = False
    for line in _prompted(connection) if interactive else _piped():
        if line.strip() in (".quit", ".exit"):
            break
        answer = shell.answer(line)
        failed |= answer.startswith(MISTAKE)
        if answer:
            show(answer)
        if interactive and (news := shell.newer()):
            show(news)
    return int(failed and not interactive)


def _piped() -> Iterator[str]:
    """Yield commands, and questions up to their semicolon, from standard input."""
    question = ""
    for line in sys.stdin:
        if not question and line.lstrip().startswith("."):
            yield line
            continue
        question += line
        if line.rstrip().endswith(";"):
            yield question
            question = ""
    if question.strip():
        yield question


def _prompted(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.lexers import PygmentsLexer
    from pygments.lexers.sql import SqlLexer

    meanings = {full: " ".join(comment.split())[:60] for full, _, comment in tables(connection)}
    columns = connection.execute(
        "select column_name, any_value(comment) from duckdb_columns() "
        "where database_name = current_database() group by all"
    ).fetchall()
    meanings |= {name: " ".join((comment or "").split())[:60] for name, comment in columns}
    words = ["select", "from", "where", "group by all", "order by all", "limit", "describe"]
    session: PromptSession[str] = PromptSession(
        lexer=PygmentsLexer(SqlLexer),
        completer=WordCompleter(
            [*words, *sorted(meanings)], meta_dict=meanings, ignore_case=True, WORD=True
        ),
        complete_while_typing=False,
        # A file of questions would be one more thing to keep from strangers.
        history=InMemoryHistory(),
        multiline=Condition(lambda: not _is_whole(session.default_buffer.text)),
    )
    while True:
        try:
            yield session.prompt("krat> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _is_whole(text: str) -> bool:
    """Tell whether Enter ends what was typed: a command, or a question with its semicolon."""
    text = text.strip()
    return not text or text.startswith(".") or text.endswith(";")
