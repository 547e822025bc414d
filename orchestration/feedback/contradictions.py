"""What contradicts itself in one record of a file: asked before it is sent.

Belongs here: asking of a file's records what the warehouse asks of all. Not here: what a
contradiction is (`contradictions` in dbt_project.yml), its words (quality_messages.csv), or what
takes more than one record (int_record_rules__*).
"""

import json

import duckdb
import pyarrow as pa

from orchestration.runtime.settings import DBT_PROJECT, SEEDS
from sources.custody.landing import SCHEMAS, joined
from sources.datafiles import read_yaml
from sources.problems import MAX_PLACES, Problem
from sources.reading import Reading
from sources.registers import Registers, register_rows


def contradictions(reading: Reading, registers: Registers) -> list[Problem]:
    """Return what can't both be true in one row of a log or of records; of a report nothing.

    At most MAX_PLACES are located a rule.
    """
    declared = read_yaml(DBT_PROJECT / "dbt_project.yml")["vars"]["contradictions"]
    table = reading.table
    if table is None or table not in declared or not reading.columns:
        return []
    terms, rules = declared[table]["terms"], declared[table]["alone"]
    records = pa.table(joined([reading], table), schema=SCHEMAS[table])
    towns = pa.table(
        {
            "municipality_code": list(registers.municipalities),
            "municipality_county_code": list(registers.municipalities.values()),
        }
    )
    judged = ", ".join(f"{term} as {name}" for name, term in terms.items())
    queries = " union all ".join(
        f"(select {number} as number, row_number from judged where {rule['where']} "
        f"order by row_number limit {MAX_PLACES})"
        for number, rule in enumerate(rules)
    )
    with duckdb.connect() as connection:
        # The moment of a contact has the warehouse's name: a file has one at which it came, too.
        names = {"received_at": "contacted_at"}
        connection.register(
            "records",
            records.rename_columns([names.get(name, name) for name in records.column_names]),
        )
        connection.register("towns", towns)
        found = connection.execute(
            f"with judged as (select *, {judged} from records left join towns "
            f"using (municipality_code)) {queries}"
        ).fetchall()
    messages = {row["rule"]: row for row in register_rows(SEEDS, "quality_messages")}
    letters = json.loads(reading.delivery["record_columns"])
    problems = []
    for number, row in found:
        rule, letter = rules[number]["rule"], letters.get(rules[number]["column"])
        problems.append(
            Problem(
                rule,
                sheet=reading.delivery["sheet"],
                cell=letter and f"{letter}{row}",
                row_number=row,
                message_sq=messages[rule]["message_sq"],
                message_en=messages[rule]["message_en"],
            )
        )
    return problems
