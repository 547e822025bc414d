"""What became of the files that institutions sent, for their page.

Belongs here: the file that a build leaves for it, and reading one institution's part. Not here:
what was sent and has not been taken in (ingestion.receipts), or the page (serving).

The file holds counts and codes, and no value of a report.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import duckdb

from orchestration.runtime.database import read_warehouse
from sources.atomic import replace_file
from sources.custody.home import Home

_SENT = """
with states as (
    select
        deliveries.delivery_id,
        deliveries.county_code,
        deliveries.sender_code as institution_code,
        deliveries.received_at,
        deliveries.layout_id,
        deliveries.reporting_month,
        case
            when deliveries.delivery_status = 'set_aside' then 'set_aside'
            when deliveries.delivery_status = 'refused' then
                case
                    when exists(
                        select 1 from raw.door_findings as found
                        where found.delivery_id = deliveries.delivery_id
                        and found.rule = 'earlier_values_lost'
                    ) then 'to_be_confirmed'
                    else 'refused'
                end
            when exists(
                select 1 from core.fct_submissions as submissions
                where submissions.delivery_id = deliveries.delivery_id
            ) and not exists(
                select 1 from core.fct_submissions as submissions
                where submissions.delivery_id = deliveries.delivery_id
                and submissions.status <> 'superseded'
            ) then 'replaced'
            else 'counts'
        end as state
    from core.dim_deliveries as deliveries
    where deliveries.sender_code is not null
),

reads as (
    select delivery_id, count(*) as row_count, count(value) as read_count
    from raw.submission_values
    group by delivery_id
)

select
    states.*,
    receipts.receipt_number,
    coalesce(reads.row_count, deliveries.row_count, 0) as row_count,
    coalesce(reads.read_count, deliveries.row_count, 0) as read_count
from states
inner join raw.deliveries as deliveries using (delivery_id)
left join reads using (delivery_id)
left join raw.receipts as receipts using (delivery_id)
"""


#: What became of a file: set_aside is a made-up one where real ones are.
State = Literal["counts", "replaced", "refused", "to_be_confirmed", "set_aside"]


@dataclass(frozen=True)
class Fate:
    """What became of a file of an institution; `received_at` is UTC without a zone.

    `receipt_number` is None of what came otherwise than by the page. Of `row_count` values or
    records `read_count` have a number.
    """

    delivery_id: str
    receipt_number: str | None
    received_at: datetime
    layout_id: str | None
    reporting_month: date | None
    row_count: int
    read_count: int
    state: State


def write_fates(home: Home) -> None:
    """Replace `Home.fates` by what the warehouse now knows of files."""
    with (
        read_warehouse(home) as connection,
        replace_file(home.fates) as fresh,
    ):
        connection.execute(
            f"copy (from ({_SENT}) order by all) to '{str(fresh).replace(chr(39), chr(39) * 2)}' "
            "(format parquet)"
        )


def fates_of(home: Home, county_code: str, institution_code: str) -> list[Fate]:
    """Return what became of an institution's files, the newest first; none before a refresh."""
    if not home.fates.exists():
        return []
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select {', '.join(Fate.__dataclass_fields__)} from read_parquet($1) "
            "where county_code = $2 and institution_code = $3 "
            "order by received_at desc, delivery_id",
            [str(home.fates), county_code, institution_code],
        ).fetchall()
    return [Fate(*row) for row in rows]
