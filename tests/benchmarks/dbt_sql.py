"""The project's own SQL without dbt: a model or a macro as DuckDB runs it."""

from functools import cache
from typing import Any

import jinja2

from orchestration.runtime.settings import DBT_PROJECT
from sources.datafiles import read_yaml

#: Macros that are dbt's own: a materialization, and the names of schemas.
OF_DBT = ("generate_schema_name", "replaced")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    variables = read_yaml(DBT_PROJECT / "dbt_project.yml")["vars"]
    environment.globals |= {
        "ref": lambda name: name,
        "config": lambda **_: "",
        "var": variables.__getitem__,
    }
    macros = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted((DBT_PROJECT / "macros").glob("*.sql"))
        if path.stem not in OF_DBT
    )
    module = vars(environment.from_string(macros).module)
    environment.globals |= {name: call for name, call in module.items() if name[0] != "_"}
    return environment


def render(text: str, **names: Any) -> str:
    """Return `text`, Jinja with the project's macros, as SQL in which a table goes by its name.

    `names` are what the text may use besides; one that is a macro's takes its place.
    """
    return _environment().from_string(text).render(names)


def model_sql(name: str, **names: Any) -> str:
    """Return the SQL of the model `name` as `render` gives it."""
    (path,) = (DBT_PROJECT / "models").glob(f"*/{name}.sql")
    return render(path.read_text(encoding="utf-8"), **names)
