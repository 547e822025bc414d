-- Where each chain of contacts ends, however long it is: by duplicates alone, and by links of
-- either kind. A circle of them comes to a halt.
{{ config(materialized='table') }}

-- Whoever is linked gets a number, in the order of the keys: numbers are followed faster.
with recursive numbers as (
    select
        linked.key,
        row_number() over (order by linked.key) as number
    from (
        select contact_key as key
        from {{ ref('int_hotline_contacts') }}
        where linked_key is not null
        union
        select linked_key as key
        from {{ ref('int_hotline_contacts') }}
        where linked_key is not null
    ) as linked
),

links as (
    select
        unnest(
            case when contacts.is_marked_duplicate then ['duplicate', 'any'] else ['any'] end
        ) as way,
        own.number,
        linked.number as linked_number
    from {{ ref('int_hotline_contacts') }} as contacts
    inner join numbers as own on contacts.contact_key = own.key
    inner join numbers as linked on contacts.linked_key = linked.key
),

-- `union` keeps each pair once, so a circle ends.
reached as (
    select
        way,
        number,
        linked_number as reached_number
    from links
    union
    select
        reached.way,
        reached.number,
        links.linked_number as reached_number
    from reached
    inner join links
        on
            reached.way = links.way
            and reached.reached_number = links.number
),

circles as (
    select
        way,
        number
    from reached
    where number = reached_number
),

ends as (
    select
        reached.way,
        reached.number,
        bool_or(circles.number is not null) as is_circular,
        -- Of a circle the least key stands for all; else a chain ends where nothing is linked on.
        coalesce(
            min(reached.reached_number) filter (where circles.number is not null),
            min(reached.reached_number) filter (where links.number is null)
        ) as end_number
    from reached
    left join circles
        on
            reached.way = circles.way
            and reached.reached_number = circles.number
    left join links
        on
            reached.way = links.way
            and reached.reached_number = links.number
    group by reached.way, reached.number
)

select
    ends.way,
    own.key as contact_key,
    ends.is_circular,
    circles.number is not null as is_in_circle,
    named.key as end_key
from ends
inner join numbers as own on ends.number = own.number
inner join numbers as named on ends.end_number = named.number
left join circles
    on
        ends.way = circles.way
        and ends.number = circles.number
