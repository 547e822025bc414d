"""The table that Eurostat asks for (crim_thb), as SDMX-CSV: for exchange, in the restricted tier.

Belongs here: its dimensions, and the status of each value. Not here: which category a code of ours
is (collection_codes.csv), or who may have the file.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from orchestration.presentation.area_period import AreaPeriod
from sources.atomic import write_text

#: What a step of ours is for Eurostat (collection_codes.csv has the reason).
_STEPS = {
    "identified": "registered",
    "formally_identified": "identified",
    "initially_identified": "presumed",
}
#: The dimension that a breakdown fills; the other ones are TOTAL.
_DIMENSIONS = {
    "citizenship_group": "CITIZEN",
    "exploitation": "EXPLOIT",
    "registering_organisation": "REG_ORG",
}
_KEY = (
    "FREQ",
    "REF_AREA",
    "STEP",
    "SEX",
    "AGE",
    "CITIZEN",
    "EXPLOIT",
    "REG_ORG",
    "UNIT",
    "TIME_PERIOD",
)
_ATTRIBUTES = ("OBS_STATUS", "CONF_STATUS")
_FREQUENCIES = {"year": "A", "half": "S", "quarter": "Q"}


def eurostat_rows(asked: AreaPeriod) -> pd.DataFrame:
    """Return the rows: a key of ten dimensions, OBS_VALUE in persons, OBS_STATUS and CONF_STATUS.

    A value is empty where none is known; its status says why. No rows where nothing was counted
    for such a period, or in the public tier.
    """
    columns = [*_KEY, "OBS_VALUE", *_ATTRIBUTES]
    if not asked.is_restricted:
        return pd.DataFrame(columns=columns)
    found = asked.rows(
        "select * from marts.identified_persons where county_code = $1 and period = $2 "
        "and list_contains($5, breakdown) and list_contains($6, step) "
        "and (eurostat_category is not null or breakdown = 'total')",
        ["total", "sex_and_age_group", *_DIMENSIONS],
        list(_STEPS),
    )
    # Several of our categories may be one of Eurostat's: they are parts of the same whole.
    cells: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in found:
        cells.setdefault(_key(asked, row), []).append(row)
    rows = [
        (*key, _value(parts), _status(asked, parts), "N") for key, parts in sorted(cells.items())
    ]
    return pd.DataFrame(rows, columns=columns)


def write_eurostat(asked: AreaPeriod, path: Path) -> bool:
    """Write the table as SDMX-CSV 2.0; return whether there was anything to write."""
    from pysdmx.io import write_sdmx
    from pysdmx.io.format import Format
    from pysdmx.io.pd import PandasDataset
    from pysdmx.model import Component, Components, Concept, DataType, Role, Schema

    rows = eurostat_rows(asked)
    if rows.empty:
        return False
    roles = {
        **dict.fromkeys(_KEY, Role.DIMENSION),
        "OBS_VALUE": Role.MEASURE,
        **dict.fromkeys(_ATTRIBUTES, Role.ATTRIBUTE),
    }
    components = [
        Component(
            id=name,
            required=role is Role.DIMENSION,
            role=role,
            concept=Concept(id=name),
            local_dtype=DataType.INTEGER if role is Role.MEASURE else DataType.STRING,
            attachment_level="O" if role is Role.ATTRIBUTE else None,
        )
        for name, role in roles.items()
    ]
    structure = Schema(
        context="dataflow",
        agency="KRAT",
        id="CRIM_THB_VICTIMS",
        version="1.0",
        components=Components(components),
    )
    dataset = PandasDataset(structure=structure, data=rows)
    written = write_sdmx(dataset, Format.DATA_SDMX_CSV_2_0_0)
    write_text(path, str(written))
    return True


def _key(asked: AreaPeriod, row: dict[str, Any]) -> tuple[str, ...]:
    values = dict.fromkeys(_KEY, "TOTAL") | {
        "FREQ": _FREQUENCIES[asked.period.kind],
        "REF_AREA": asked.county_code,
        "STEP": _STEPS[row["step"]].upper(),
        "UNIT": "PERSONS",
        "TIME_PERIOD": asked.period.code.replace("-H", "-S"),
    }
    if row["breakdown"] == "sex_and_age_group":
        values["SEX"], values["AGE"] = row["eurostat_category"].upper().split(" ", 1)
    elif row["breakdown"] in _DIMENSIONS:
        values[_DIMENSIONS[row["breakdown"]]] = row["eurostat_category"].upper()
    # SDMX's codes begin with a letter.
    values["AGE"] = {"18_OR_OVER": "Y_GE18", "UNDER_18": "Y_LT18"}.get(values["AGE"], values["AGE"])
    return tuple(values[name] for name in _KEY)


def _value(parts: list[dict[str, Any]]) -> int | None:
    known = [part["persons"] for part in parts]
    return None if None in known else int(sum(known))


def _status(asked: AreaPeriod, parts: list[dict[str, Any]]) -> str:
    """Return SDMX's code of why there is no value, or of what is to be minded."""
    states = {part["value_state"] for part in parts if part["persons"] is None}
    if states:
        return "O" if "not_reported" in states else "L"
    if any(part["is_lower_bound"] for part in parts):
        return "U"
    if any(part["may_fall"] for part in parts):
        return "E"
    return "A" if asked.is_final else "P"
