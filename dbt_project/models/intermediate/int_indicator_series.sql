-- Each indicator with the indicator in which its series began, and the one in which the stretch of
-- it began whose values can be compared. Only what came before counts: a later plan changes nothing
-- here for an earlier one.
with recursive followed as (
    select
        earlier_plan_code,
        earlier_indicator_code,
        plan_code,
        indicator_code,
        kind,
        coalesce(is_comparable, false) as is_comparable,
        note_sq,
        note_en
    from {{ ref('indicator_successions') }}
    where indicator_code is not null
),

reached as (
    select
        plan_code,
        indicator_code,
        plan_code as reached_plan_code,
        indicator_code as reached_indicator_code,
        true as is_comparable
    from {{ ref('indicators') }}
    union
    select
        reached.plan_code,
        reached.indicator_code,
        followed.earlier_plan_code as reached_plan_code,
        followed.earlier_indicator_code as reached_indicator_code,
        reached.is_comparable and followed.is_comparable as is_comparable
    from reached
    inner join followed
        on
            reached.reached_plan_code = followed.plan_code
            and reached.reached_indicator_code = followed.indicator_code
    where followed.earlier_indicator_code is not null
),

named as (
    select
        reached.*,
        reached.reached_plan_code || '/' || reached.reached_indicator_code as code,
        (plans.valid_from, reached.reached_indicator_code) as place_in_time
    from reached
    inner join {{ ref('plans') }} as plans on reached.reached_plan_code = plans.plan_code
),

origins as (
    select
        plan_code,
        indicator_code,
        arg_min(code, place_in_time) as series_code,
        arg_min(code, place_in_time) filter (where is_comparable) as comparable_code
    from named
    group by plan_code, indicator_code
),

-- Of two sources that were merged, both are named, and so is why the series breaks.
sources as (
    select
        plan_code,
        indicator_code,
        string_agg(distinct kind, ' ' order by kind) as succession_kind,
        string_agg(
            earlier_plan_code || '/' || earlier_indicator_code, ' ' order by earlier_indicator_code
        ) as earlier_indicators,
        {% for language in ['sq', 'en'] -%}
            string_agg(distinct note_{{ language }}, ' ' order by note_{{ language }}) filter (
                where earlier_indicator_code is not null and not is_comparable
            ) as break_reason_{{ language }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from followed
    group by plan_code, indicator_code
)

select
    origins.plan_code,
    origins.indicator_code,
    origins.series_code,
    origins.comparable_code,
    sources.succession_kind,
    sources.earlier_indicators,
    sources.break_reason_sq,
    sources.break_reason_en
from origins
left join sources
    on
        origins.plan_code = sources.plan_code
        and origins.indicator_code = sources.indicator_code
