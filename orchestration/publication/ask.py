"""Ad-hoc SQL on the reading copy, fenced in.

Belongs here: a read-only question and its answer as text. Not here: any writing.
"""

from typing import Any

import duckdb

from sources.home import Home


def ask(home: Home, query: str, parameters: list[Any]) -> str:
    """Return the answer as a text table, or an empty text when there are no rows.

    The file is opened read-only, external access is off and the configuration locked. Raises
    duckdb.Error for a query that does not run.
    """
    with duckdb.connect(
        str(home.marts), read_only=True, config={"enable_external_access": "false"}
    ) as connection:
        connection.execute("set lock_configuration = true")
        frame = connection.execute(query, parameters).df()
    return "" if frame.empty else frame.to_string(index=False, na_rep="–")
