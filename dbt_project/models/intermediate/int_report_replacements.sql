-- What a later file for the same month changed of the one before it. It replaces the whole of it,
-- also what it does not repeat.
with versions as (
    select
        *,
        lag(delivery_id) over (
            partition by county_code, institution_code, reporting_month order by version
        ) as delivery_id_before
    from {{ ref('fct_submissions') }}
    where version is not null and frequency = 'month'
),

sides as (
    select
        *,
        unnest([delivery_id_before, delivery_id]) as side
    from versions
    where delivery_id_before is not null
),

compared as (
    select
        sides.delivery_id,
        sides.county_code,
        sides.institution_code,
        sides.reporting_month,
        sides.received_at,
        sides.superseded_at,
        sides.is_made_up,
        facts.plan_code,
        facts.indicator_code,
        facts.category,
        max({
            'row_number': facts.row_number, 'indicator_code': facts.indicator_code,
            'sheet': facts.sheet, 'cell': facts.cell
        }) filter (where facts.delivery_id = sides.delivery_id) as place,
        {% for column in ['value', 'value_state'] -%}
            max(facts.{{ column }}) filter (where facts.delivery_id = sides.delivery_id)
                as {{ column }},
            max(facts.{{ column }}) filter (where facts.delivery_id = sides.delivery_id_before)
                as {{ column }}_before
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from sides
    inner join {{ ref('fct_actuals') }} as facts
        on
            sides.side = facts.delivery_id
            and sides.institution_code = facts.institution_code
            and facts.correction_id is null
    group by all
),

-- Dropped is what had a number and is now left out or blank; what was never owed may go.
judged as (
    select
        *,
        coalesce(place, {
            'row_number': null, 'indicator_code': indicator_code, 'sheet': null, 'cell': null
        }) as place_or_code,
        coalesce(value_state, '') <> coalesce(value_state_before, '')
        or coalesce(value, -1) <> coalesce(value_before, -1) as is_different,
        value_state_before in ('number', 'zero')
        and coalesce(value_state, 'not_reported') = 'not_reported'
        and exists (
            select 1
            from {{ ref('core_reporting_obligations') }} as obligations
            where
                obligations.institution_code = compared.institution_code
                and obligations.plan_code = compared.plan_code
                and obligations.indicator_code = compared.indicator_code
                and obligations.is_recorded
                and obligations.valid_from <= compared.reporting_month
                and coalesce(obligations.valid_to, compared.reporting_month)
                >= compared.reporting_month
        ) as is_dropped
    from compared
)

select
    delivery_id,
    county_code,
    institution_code,
    reporting_month,
    received_at,
    superseded_at,
    is_made_up,
    min(place_or_code) as first_value,
    {% for kind in ['different', 'dropped'] -%}
        count(*) filter (where is_{{ kind }}) as {{ kind }},
        min(place_or_code) filter (where is_{{ kind }}) as first_{{ kind }},
        string_agg(distinct indicator_code, ', ' order by indicator_code) filter (
            where is_{{ kind }}
        ) as {{ kind }}_codes
        {%- if not loop.last %},{% endif %}
    {% endfor %}
from judged
group by all
