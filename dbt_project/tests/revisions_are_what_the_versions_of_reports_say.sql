{{ config(meta={'dagster': {'ref': {'name': 'revisions'}}}) }}
-- Recomputed from the facts by another way: each line of a report adds its number when it came and
-- takes it away when it was superseded, so that what was known is a running sum of both.
with owing as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        list(institution_code) as institutions
    from {{ ref('fct_values_due') }}
    group by all
),

lines as (
    select facts.*
    from {{ ref('fct_actuals') }} as facts
    left join owing
        on
            facts.county_code = owing.county_code
            and facts.plan_code = owing.plan_code
            and facts.indicator_code = owing.indicator_code
            and facts.reporting_month = owing.reporting_month
    where
        facts.frequency = 'month'
        and facts.superseded_at is distinct from facts.received_at
        and (
            owing.institutions is null
            or list_contains(owing.institutions, facts.institution_code)
        )
),

steps as (
    select
        *,
        received_at as moment,
        1 as sign
    from lines
    union all
    select
        *,
        superseded_at as moment,
        -1 as sign
    from lines
    where superseded_at is not null
),

moved as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        moment,
        coalesce(sum(sign * value) filter (where category = 'total'), 0) as total,
        count(value) filter (where category = 'total' and sign = 1)
        - count(value) filter (where category = 'total' and sign = -1) as totals,
        coalesce(sum(sign * value) filter (where breakdown_kind = 'partition'), 0) as parted,
        count(value) filter (where breakdown_kind = 'partition' and sign = 1)
        - count(value) filter (where breakdown_kind = 'partition' and sign = -1) as parts
    from steps
    group by all
),

standing as (
    select
        *,
        sum(total) over so_far as total_known,
        sum(totals) over so_far as totals_known,
        sum(parted) over so_far as parted_known,
        sum(parts) over so_far as parts_known
    from moved
    window
        so_far as (
            partition by county_code, institution_code, plan_code, indicator_code, reporting_month
            order by moment
        )
),

-- Of parts that overlap the largest counts: no sum tells which that is.
overlapping as (
    select
        moved.county_code,
        moved.institution_code,
        moved.plan_code,
        moved.indicator_code,
        moved.reporting_month,
        moved.moment,
        max(lines.value) as largest
    from moved
    inner join lines
        on
            moved.county_code = lines.county_code
            and moved.institution_code = lines.institution_code
            and moved.plan_code = lines.plan_code
            and moved.indicator_code = lines.indicator_code
            and moved.reporting_month = lines.reporting_month
            and moved.moment >= lines.received_at
            and coalesce(moved.moment < lines.superseded_at, true)
    where lines.breakdown_kind = 'overlap'
    group by all
),

-- What each institution's number changed by at a moment, and whether it now is or was a number.
told as (
    select
        standing.*,
        case
            when standing.totals_known > 0 then standing.total_known
            when standing.parts_known > 0 then standing.parted_known
            else overlapping.largest
        end as value
    from standing
    left join overlapping
        using (
            county_code, institution_code, plan_code, indicator_code, reporting_month, moment
        )
),

differences as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        moment,
        coalesce(value, 0) - coalesce(lag(value) over versions, 0) as added,
        cast(value is not null as integer)
        - coalesce(cast(lag(value) over versions is not null as integer), 0) as numbers
    from told
    window
        versions as (
            partition by county_code, institution_code, plan_code, indicator_code, reporting_month
            order by moment
        )
),

places as (
    select * from differences
    union all
    select * replace ('AL' as county_code) from differences
    where county_code in ({{ counties_of_the_nation() }})
),

summed as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        moment,
        sum(added) as added,
        sum(numbers) as numbers
    from places
    group by all
),

known as (
    select
        *,
        case when sum(numbers) over so_far > 0 then sum(added) over so_far end as value
    from summed
    window
        so_far as (
            partition by county_code, plan_code, indicator_code, reporting_month
            order by moment
        )
),

-- The number known when the reports were due, or else the first; and the one known now.
recomputed as (
    select
        known.county_code,
        known.plan_code,
        known.indicator_code,
        known.reporting_month,
        coalesce(
            max(known.moment) filter (
                where cast(known.moment as date) <= months.reporting_deadline
            ),
            min(known.moment)
        ) as first_known_at,
        max(known.moment) as latest_known_at
    from known
    left join {{ ref('dim_months') }} as months on known.reporting_month = months.month
    group by all
),

changed as (
    select
        known.*,
        recomputed.first_known_at,
        recomputed.latest_known_at,
        lag(known.value) over (
            partition by
                known.county_code, known.plan_code, known.indicator_code, known.reporting_month
            order by known.moment
        ) as value_before
    from known
    inner join recomputed
        on
            known.county_code = recomputed.county_code
            and known.plan_code = recomputed.plan_code
            and known.indicator_code = recomputed.indicator_code
            and known.reporting_month = recomputed.reporting_month
),

expected as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        any_value(first_known_at) as first_known_at,
        max(value) filter (where moment = first_known_at) as first_value,
        max(value) filter (where moment = latest_known_at) as latest_value,
        count(*) filter (
            where value is distinct from value_before and moment > first_known_at
        ) as revisions
    from changed
    group by all
)

select
    coalesce(marted.county_code, expected.county_code) as county_code,
    coalesce(marted.reporting_month, expected.reporting_month) as reporting_month,
    coalesce(marted.plan_code, expected.plan_code) as plan_code,
    coalesce(marted.indicator_code, expected.indicator_code) as indicator_code
from {{ ref('revisions') }} as marted
full outer join expected
    on
        marted.county_code = expected.county_code
        and marted.reporting_month = expected.reporting_month
        and marted.plan_code = expected.plan_code
        and marted.indicator_code = expected.indicator_code
where
    marted.first_known_at is distinct from expected.first_known_at
    or marted.first_value is distinct from expected.first_value
    or marted.latest_value is distinct from expected.latest_value
    or marted.revisions is distinct from expected.revisions
    or marted.revision is distinct from expected.latest_value - expected.first_value
