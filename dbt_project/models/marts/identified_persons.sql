-- Identified persons of a year or half-year, by one breakdown at a time (sex and age together), so
-- that no row is about one person's whole record. A person counts once an area and period. A code
-- of a list has a row in each period, 0 where nobody is counted; a kind of nothing, and a country,
-- only where somebody is.
{% set kinds_of_nothing = "'unknown', 'refused', 'not_reported', 'not_applicable', 'not_asked'" %}
with covered as (
    select *
    from {{ ref('int_covered_periods') }}
    where source = 'referral' and kind in ('year', 'half')
),

codes as (
    select distinct
        code_list,
        code
    from {{ ref('dim_codes') }}
    where missing_kind is null
),

listed as (
    select
        'total' as breakdown,
        'total' as category
    union all
    select
        'sex_and_age_group' as breakdown,
        sexes.code || ' ' || ages.code as category
    from codes as sexes
    cross join codes as ages
    where sexes.code_list = 'sexes' and ages.code_list = 'age_groups'
    {% for breakdown, code_list in [
        ('exploitation', 'exploitation'),
        ('trafficking_scope', 'trafficking_scopes'),
        ('registering_organisation', 'deciding_organisations'),
        ('assistance', 'support_types'),
        ('residence_county', 'residences'),
    ] -%}
        union all
        select
            '{{ breakdown }}' as breakdown,
            code as category
        from codes
        where code_list = '{{ code_list }}'
    {% endfor -%}
    union all
    select
        'assistance' as breakdown,
        'any' as category
    union all
    select
        unnest(['identification_county', 'residence_county']) as breakdown,
        county_code as category
    from {{ ref('dim_counties') }}
    where not is_nation
    union all
    select distinct
        'citizenship_group' as breakdown,
        category
    from {{ ref('dim_collection_codes') }}
    where collection = 'eurostat' and breakdown = 'citizenship' and category <> 'unknown'
),

steps as (
    select unnest(['initially_identified', 'formally_identified', 'identified']) as step
),

counted as (
    select
        county_code,
        step,
        period,
        breakdown,
        category,
        count(*) as persons
    from {{ ref('int_identified_categories') }}
    group by all
),

totals as (
    select *
    from counted
    where breakdown = 'total'
),

not_asked as (
    select
        county_code,
        step,
        period,
        breakdown,
        sum(persons) as persons
    from counted
    where list_contains(string_split(category, ' '), 'not_asked')
    group by all
),

-- Of a period without records nothing is known, in whatever breakdown.
cells as (
    select
        covered.county_code,
        covered.period,
        steps.step,
        listed.breakdown,
        listed.category
    from covered
    cross join steps
    cross join listed
    where
        case
            when covered.coverage = 'none' then listed.breakdown = 'total'
            else listed.breakdown <> 'identification_county' or covered.county_code = 'AL'
        end
    union
    select
        county_code,
        period,
        step,
        breakdown,
        category
    from counted
),

-- Bounds are the total's alone: who is of unknown citizenship may be of any.
firsts as (
    select
        struct_pack(step := step, kind := kind) as counted_for,
        county_code,
        cast(null as bigint) as counted_year,
        reporting_month,
        cast(null as varchar) as category,
        list_distinct(flatten(list(senders))) as senders,
        bool_or(is_comparable) as is_comparable
    from {{ ref('int_identified_categories') }}
    where breakdown = 'total'
    group by step, kind, county_code, reporting_month, least_person_key
),

at_least as (
    {{ persons_at_least('firsts') | indent(4) }}
),

rows_of_marts as (
    select
        cells.*,
        covered.last_month as reporting_month,
        covered.coverage,
        covered.last_gap,
        covered.counties_reporting,
        covered.counties_expected,
        covered.counties_missing,
        covered.is_made_up,
        list_has_any(string_split(cells.category, ' '), [{{ kinds_of_nothing }}]) as is_nothing,
        coalesce(counted.persons, 0) as persons,
        coalesce(totals.persons, 0) as total,
        coalesce(not_asked.persons, 0) as not_asked,
        coalesce(at_least.persons, 0) as persons_least
    from cells
    inner join covered
        on cells.county_code = covered.county_code and cells.period = covered.period
    left join counted
        on
            cells.county_code = counted.county_code
            and cells.period = counted.period
            and cells.step = counted.step
            and cells.breakdown = counted.breakdown
            and cells.category = counted.category
    left join totals
        on
            cells.county_code = totals.county_code
            and cells.period = totals.period
            and cells.step = totals.step
    left join not_asked
        on
            cells.county_code = not_asked.county_code
            and cells.period = not_asked.period
            and cells.step = not_asked.step
            and cells.breakdown = not_asked.breakdown
    left join at_least
        on
            cells.county_code = at_least.county_code
            and covered.last_month = at_least.reporting_month
            and covered.kind = at_least.counted_for.kind
            and cells.step = at_least.counted_for.step
            and cells.breakdown = at_least.category
),

known as (
    select
        *,
        coverage <> 'none' and (is_nothing or not_asked = 0 or not_asked < total) as is_known
    from rows_of_marts
)

select
    known.county_code,
    known.reporting_month,
    known.period,
    known.step,
    known.breakdown,
    known.category,
    {% for column in ['sex', 'age_group'] -%}
        case
            when known.breakdown = 'sex_and_age_group'
                then string_split(known.category, ' ')[{{ loop.index }}]
            else 'total'
        end as {{ column }},
    {% endfor -%}
    {% for column in [
        'exploitation', 'citizenship', 'trafficking_scope', 'identification_county',
        'residence_county', 'registering_organisation', 'assistance',
    ] -%}
        case when known.breakdown = '{{ column }}' then known.category else 'total' end
            as {{ column }},
    {% endfor -%}
    {% for collection in ['eurostat', 'unodc'] -%}
        case
            when known.breakdown = 'sex_and_age_group'
                then {{ collection }}_sexes.category || ' ' || {{ collection }}_ages.category
            {% if collection == 'eurostat' -%}
                -- The groups are Eurostat's own.
                when known.breakdown = 'citizenship_group' and eurostat_codes.category is null
                    then known.category
            {% endif -%}
            else {{ collection }}_codes.category
        end as {{ collection }}_category,
    {% endfor -%}
    case when known.is_known then cast(known.persons as integer) end as persons,
    case
        when known.coverage = 'none' then 'not_reported'
        when not known.is_known then 'not_asked'
        when known.persons = 0 then 'zero'
        else 'number'
    end as value_state,
    case
        when known.is_known and known.breakdown = 'total'
            then
                cast(
                    if(known.last_gap is null, least(known.persons_least, known.persons), 0)
                    as integer
                )
    end as persons_least,
    case
        when known.coverage = 'whole' and known.breakdown = 'total'
            then cast(known.persons as integer)
    end as persons_most,
    case when known.coverage <> 'none' then cast(known.not_asked as integer) end as not_asked,
    known.coverage,
    known.coverage <> 'none'
    and (known.coverage = 'part' or (known.not_asked > 0 and not known.is_nothing))
    or coalesce(known.counties_reporting < known.counties_expected, false) as is_lower_bound,
    known.is_known
    and (
        known.last_gap is not null
        -- What a file that is missing says of a person may come before what another says.
        or (known.coverage = 'part' and known.breakdown <> 'total')
    ) as may_fall,
    known.counties_reporting,
    known.counties_expected,
    known.counties_missing,
    known.is_made_up
from known
{% for collection in ['eurostat', 'unodc'] -%}
    {% for name, breakdown, code in [
        (
            'codes', "replace(known.breakdown, 'citizenship_group', 'citizenship')",
            'known.category',
        ),
        ('sexes', "'sex'", "string_split(known.category, ' ')[1]"),
        ('ages', "'age_group'", "string_split(known.category, ' ')[2]"),
    ] -%}
        left join {{ ref('dim_collection_codes') }} as {{ collection }}_{{ name }}
            on
                {{ collection }}_{{ name }}.collection = '{{ collection }}'
                and {{ collection }}_{{ name }}.breakdown = {{ breakdown }}
                and {{ collection }}_{{ name }}.code = {{ code }}
    {% endfor -%}
{% endfor %}
