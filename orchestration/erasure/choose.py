"""Which records are erased: all that a pseudonym is linked with, or all whose time is over.

Belongs here: choosing records in the warehouse's raw schema. Not here: erasing them
(sources.custody.erasure), or linking (orchestration.linkage).
"""

from collections.abc import Collection
from datetime import date

import duckdb

from sources.custody.erasure import Records


class NobodyToErase(ValueError):
    """A pseudonym names no record, or more persons than one."""


#: A person as a sender knows it: by its code, or where it has none by its case; and who it is by
#: the links, which have no row for what a later file replaced.
_EVENTS = """
with events as (
    select
        records.*,
        coalesce(person_key, case_key) as known_as,
        coalesce(linked_person_key, known_as) as linked_key
    from raw.referral_events as records
    left join (select person_key as linked_as, linked_person_key from raw.person_links)
        on linked_as = coalesce(person_key, case_key)
),
"""

#: Cases in which nobody is but the chosen, with the numbers that they had before.
_OWN_CASES = (
    _EVENTS
    + """
chosen as (select unnest($linked::varchar[]) as linked_key),
own as (
    select case_key, list(distinct former_case_key) as former_keys
    from events
    left join chosen using (linked_key)
    group by case_key
    having bool_and(person_key is null or chosen.linked_key is not null)
       and bool_or(chosen.linked_key is not null)
)
select case_key from own
union
select unnest(former_keys) from own
"""
)

#: Codes of the chosen, and of those in the cases that are theirs alone.
_CODES = (
    _EVENTS
    + """
chosen as (select unnest($linked::varchar[]) as linked_key),
own as (select unnest($cases::varchar[]) as case_key)
select person_key from events semi join chosen using (linked_key)
union
select person_key from events semi join own using (case_key)
"""
)

#: Cases of the hotline that no other case names, and all contacts of the same matter.
_CONTACTS = """
with recursive own as (select unnest($cases::varchar[]) as case_key),
hotline_cases as (
    select hotline_case_key as case_key
    from raw.referral_events
    left join own using (case_key)
    where hotline_case_key is not null
    group by hotline_case_key
    having bool_and(own.case_key is not null)
    union
    from own
),
pairs as (
    select contact_key as one, unnest([repeat_of_key, duplicate_of_key]) as other
    from raw.hotline_contacts
),
matters as (
    select contact_key from raw.hotline_contacts
    where case_key in (from hotline_cases) or contact_key = $contact
    union
    select case when pairs.one = matters.contact_key then pairs.other else pairs.one end
    from matters
    inner join pairs on pairs.one = matters.contact_key or pairs.other = matters.contact_key
    where pairs.other is not null
)
select contact_key, null from matters
union all
select null, case_key from hotline_cases
"""


def linked_records(connection: duckdb.DuckDBPyConnection, pseudonym: str) -> Records:
    """Return the records of the one person whom the pseudonym of a code or case names.

    Raises NobodyToErase where it names none, or a case of several persons.
    """
    persons = _column(
        connection,
        _EVENTS
        + """
        named as (
            select linked_key from events
            where $pseudonym in (person_key, case_key, former_case_key)
        )
        select distinct linked_key from named
        """,
        pseudonym=pseudonym,
    )
    if len(persons) > 1:
        raise NobodyToErase(
            f"{pseudonym[:16]} is a case of {len(persons)} persons: name the code of one of them."
        )
    if persons:
        return records_of(connection, persons)
    records = _contacts(connection, _cases_of_contact(connection, pseudonym), pseudonym)
    if not records.contacts:
        raise NobodyToErase(f"nothing is kept of {pseudonym[:16]}.")
    return records


def records_of(connection: duckdb.DuckDBPyConnection, linked: Collection[str]) -> Records:
    """Return the records of persons, each by the key that all its codes are linked under."""
    cases = _column(connection, _OWN_CASES, linked=sorted(linked))
    codes = _column(connection, _CODES, linked=sorted(linked), cases=sorted(cases))
    return Records(persons=codes) | _contacts(connection, cases)


def is_linked(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether a warehouse holds the raw tables that records are chosen by."""
    [[count]] = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'raw' and table_name in "
        "('deliveries', 'hotline_contacts', 'person_links', 'referral_events')"
    ).fetchall()
    return bool(count == 4)


def due_records(
    connection: duckdb.DuckDBPyConnection, steps_since: date, contacts_since: date
) -> Records:
    """Return the records of persons without a step since a day, and of contacts before one.

    A contact stays while a record of its case does.
    """
    persons = _column(
        connection,
        _EVENTS
        + """
        steps as (
            select linked_key, max(event_date) as last_step, max(received_at) as came
            from events
            inner join raw.deliveries as deliveries using (delivery_id)
            group by linked_key
        )
        select linked_key from steps where coalesce(last_step, came) < $since
        """,
        since=steps_since,
    )
    records = records_of(connection, persons) if persons else Records()
    contacts = _column(
        connection,
        """
        select contact_key from raw.hotline_contacts
        where case_key is null or case_key not in (
            select hotline_case_key from raw.referral_events where hotline_case_key is not null
        )
        group by contact_key having max(received_at) < $since
        """,
        since=contacts_since,
    )
    return records | Records(contacts=contacts)


def _cases_of_contact(connection: duckdb.DuckDBPyConnection, pseudonym: str) -> frozenset[str]:
    """Return the hotline's case that a pseudonym names, itself or by one of its contacts."""
    return _column(
        connection,
        "select case_key from raw.hotline_contacts where $pseudonym in (case_key, contact_key)",
        pseudonym=pseudonym,
    )


def _contacts(
    connection: duckdb.DuckDBPyConnection, cases: frozenset[str], contact: str | None = None
) -> Records:
    """Return cases with the hotline's that only they name, and the contacts of these."""
    values = {"cases": sorted(cases), "contact": contact}
    found = connection.execute(_CONTACTS, values).fetchall()
    contacts = frozenset(key for key, _ in found if key)
    return Records(cases=frozenset(key for _, key in found if key), contacts=contacts)


def _column(connection: duckdb.DuckDBPyConnection, query: str, **values: object) -> frozenset[str]:
    return frozenset(value for (value,) in connection.execute(query, values).fetchall() if value)
