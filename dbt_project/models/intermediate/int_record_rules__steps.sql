-- Steps of the referral mechanism that contradict themselves or each other. Only the place in the
-- file is given, never a key: whoever sent the file finds the row in it.
-- A table, so that no two of these are in memory at once.
{{ config(materialized='table') }}

{% set contradictions = var('contradictions')['referral_events'] -%}

with judged as (
    select
        *,
        {% for name in contradictions['terms'] -%}
            {{ contradictions['terms'][name] }} as {{ name }},
        {% endfor %}
        event in ('assisted', 'special_protection', 'assisted_return', 'education', 'employed')
            as is_help,
        event in ('initially_identified', 'formally_identified') as is_identification,
        case_status in ('Closed', 'ClosedReferred') as is_called_closed,
        coalesce(starts_with(referred_organisation, county_code || '-'), false) as is_institution,
        coalesce(
            referred_organisation in (
                select 'Police'
                union all
                select 'border_police'
                union all
                select institutions.institution_code
                from {{ ref('dim_institutions') }} as institutions
                where institutions.institution_type in ('police', 'border_police')
            ),
            false
        ) as is_police
    from {{ ref('fct_referral_events') }}
),

traced as materialized (
    select
        judged.*,
        records.birth_date_key,
        records.birth_year_key,
        records.personal_number_key
    from judged
    inner join {{ ref('stg_referral_events') }} as records
        on judged.delivery_id = records.delivery_id and judged.row_number = records.row_number
),

-- What a person has once: of several values the usual one is taken for true, else the first.
stated as (
    {% for name, holder in [
        ('sex', 'person_key'), ('citizenship', 'person_key'), ('birth_date_key', 'person_key'), ('birth_year_key', 'person_key'),
        ('personal_number_key', 'person_key'),
        ('identification_channel', "case_key || ' ' || person_key"),
    ] -%}
        select
            '{{ name }}' as name,
            {{ holder }} as holder,
            {{ name }} as value,
            count(*) as times,
            min((event_date, row_number)) as first_at
        from traced
        where {{ name }} is not null
        group by all
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by name, holder order by times desc, first_at asc, value asc
        ) as place
    from stated
),

-- A case is sent whole: what its file before the latest has of a person.
earlier as (
    select
        records.*,
        coalesce(records.person_key, records.case_key) as known_as
    from {{ ref('stg_referral_events') }} as records
    inner join {{ ref('int_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    qualify dense_rank() over (
        partition by records.case_key
        order by deliveries.received_at desc, records.delivery_id desc
    ) = 2
),

last_files as (
    select
        case_key,
        known_as,
        case when min(sex) = max(sex) then min(sex) end as sex,
        bool_and(age_group = '18+') as was_grown_up
    from earlier
    group by case_key, known_as
),

-- What other cases of the same person hold, with other institutions too: since when the person is
-- grown up by all that an institution holds, and when it died.
grown as (
    select
        person_key,
        linked_person_key,
        min(event_date) filter (where age_group = '18+') as grown_on
    from judged
    group by person_key, linked_person_key
    having coalesce(grown_on > max(event_date) filter (where age_group = '0-17'), true)
),

grown_elsewhere as (
    select
        own.person_key,
        min(others.grown_on) as grown_elsewhere_on
    from grown as own
    inner join grown as others
        on own.linked_person_key = others.linked_person_key and own.person_key <> others.person_key
    group by own.person_key
),

died_elsewhere as (
    select
        own.case_key,
        own.person_key,
        min(others.event_date) as died_elsewhere_on
    from (
        select distinct
            case_key,
            person_key,
            linked_person_key
        from judged
    ) as own
    inner join judged as others
        on own.linked_person_key = others.linked_person_key and own.case_key <> others.case_key
    where others.event = 'closed' and others.closing_reason = 'deceased'
    group by own.case_key, own.person_key
),

log_months as (
    select distinct
        county_code,
        reporting_month
    from {{ ref('fct_hotline_contacts') }}
),

log_cases as (
    select
        case_key,
        cast(min(contacted_at) as date) as contacted_on
    from {{ ref('fct_hotline_contacts') }}
    where case_key is not null
    group by case_key
),

ordered as (
    select
        *,
        min(event_date) over person_in_case as begun_on,
        min(event_date) filter (where event = 'flagged') over person_in_case as flagged_on,
        min(event_date) filter (where event = 'initially_identified') over person_in_case
            as identified_on,
        min(event_date) filter (where is_identification) over person_in_case
            as first_identified_on,
        min(event_date) filter (where event = 'referred') over person_in_case as referred_on,
        list(referred_organisation) filter (where event = 'referred') over person_in_case
            as asked_organisations,
        bool_and(is_institution) filter (where event = 'referred') over person_in_case
            as has_asked_institutions,
        bool_and(is_police) filter (where event = 'referred') over person_in_case
            as has_asked_police,
        max(event_date) over person_in_case as last_on,
        max(event_date) filter (where event = 'closed') over person_in_case as last_closed_on,
        max(event_date) filter (where not is_called_closed) over person_in_case as last_open_on,
        min(sex) over person_in_case = max(sex) over person_in_case as is_one_sex,
        bool_and(age_group = '0-17') over person_in_case as is_child_throughout,
        row_number() over (
            partition by case_key, person_key order by event_date, row_number
        ) as nth_of_person,
        max(event_date) filter (where event = 'reopened') over person_in_case as last_reopened_on,
        list(closing_reason) filter (where event = 'closed') over whole_case as closing_reasons,
        bool_or(event = 'closed') over whole_case as has_closing,
        max(event_date) filter (where event = 'closed') over before_it as closed_on,
        count(*) filter (where event = 'closed') over before_it
        > count(*) filter (where event = 'reopened') over before_it as is_closed,
        bool_or(event = 'closed' and closing_reason = 'deceased') over before_it as has_died,
        max(event_date) filter (where event = 'not_a_victim') over until_that_day as cleared_on,
        max(event_date) filter (where is_identification) over until_that_day
            as last_identified_on,
        bool_or(event = 'formally_identified') over same_day as is_formal_that_day,
        bool_or(event = 'initially_identified') over same_day as is_initial_that_day,
        count(*) filter (where event = 'referred') over asked_until_that_day as times_asked,
        count(*) filter (where event = 'referral_accepted') over asked_until_that_day
            as times_accepted,
        count(*) filter (where event = 'referral_declined') over asked_until_that_day
            as times_declined,
        row_number() over (
            partition by case_key, person_key, is_called_closed
            order by event_date desc, row_number desc
        ) as nth_last_of_status,
        row_number() over (
            partition by case_key, hotline_case_key order by event_date, row_number
        ) as nth_of_hotline_case,
        -- How many rows of the person can't be true beside this one: who has grown up stays so.
        case age_group
            when '18+' then count(*) filter (where age_group = '0-17') over from_that_day_on
            when '0-17' then count(*) filter (where age_group = '18+') over person_until_that_day
        end as contradicting_ages
    from traced
    window
        whole_case as (partition by case_key),
        person_in_case as (partition by case_key, person_key),
        same_day as (partition by case_key, person_key, event_date),
        until_that_day as (
            partition by case_key, person_key order by event_date
            range between unbounded preceding and current row
        ),
        asked_until_that_day as (
            partition by case_key, person_key, referred_organisation order by event_date
            range between unbounded preceding and current row
        ),
        person_until_that_day as (
            partition by person_key order by event_date
            range between unbounded preceding and current row
        ),
        from_that_day_on as (
            partition by person_key order by event_date
            range between current row and unbounded following
        ),
        before_it as (
            partition by case_key, person_key
            order by
                event_date, case event when 'closed' then 1 when 'reopened' then 2 else 0 end,
                row_number, delivery_id
            rows between unbounded preceding and 1 preceding
        )
),

known as (
    select
        ordered.*,
        max(ordered.contradicting_ages) over (partition by ordered.person_key)
            as most_contradicting_ages,
        usual_sex.value as usual_sex,
        usual_citizenship.value as usual_citizenship,
        usual_birth_date.value as usual_birth_date,
        usual_birth_year.value as usual_birth_year,
        usual_personal_number.value as usual_personal_number,
        usual_channel.value as usual_channel,
        log_cases.contacted_on,
        last_files.sex as last_file_sex,
        last_files.was_grown_up,
        count(distinct usual_sex.value) filter (where usual_sex.value in ('female', 'male')) over (
            partition by ordered.linked_person_key
        ) as linked_sexes,
        grown_elsewhere.grown_elsewhere_on,
        died_elsewhere.died_elsewhere_on,
        -- Of what came before the log begins, or in a month whose log is missing, nothing is known.
        log_of_month.reporting_month is not null and log_before.reporting_month is not null
            as has_log
    from ordered
    {% for name, holder, relation in [
        ('sex', 'ordered.person_key', 'usual_sex'),
        ('citizenship', 'ordered.person_key', 'usual_citizenship'),
        ('birth_date_key', 'ordered.person_key', 'usual_birth_date'),
        ('birth_year_key', 'ordered.person_key', 'usual_birth_year'),
        ('personal_number_key', 'ordered.person_key', 'usual_personal_number'),
        (
            'identification_channel', "ordered.case_key || ' ' || ordered.person_key",
            'usual_channel',
        ),
    ] -%}
        left join ranked as {{ relation }}
            on
                {{ relation }}.name = '{{ name }}'
                and {{ relation }}.place = 1
                and {{ holder }} = {{ relation }}.holder
    {% endfor %}
    left join last_files
        on
            ordered.case_key = last_files.case_key
            and ordered.person_key = last_files.known_as
    left join grown_elsewhere on ordered.person_key = grown_elsewhere.person_key
    left join died_elsewhere
        on
            ordered.case_key = died_elsewhere.case_key
            and ordered.person_key = died_elsewhere.person_key
    left join log_cases on ordered.hotline_case_key = log_cases.case_key
    left join log_months as log_of_month
        on
            ordered.county_code = log_of_month.county_code
            and cast(date_trunc('month', ordered.begun_on) as date) = log_of_month.reporting_month
    left join log_months as log_before
        on
            ordered.county_code = log_before.county_code
            and cast(date_trunc('month', ordered.begun_on) - interval 1 month as date)
            = log_before.reporting_month
),

-- The columns of a step's file come last: with every step they would take most of the memory.
contradicting as (
    select *
    from known
    where {{ any_holds(contradictions) }}
),

steps as materialized (
    select
        contradicting.*,
        deliveries.sheet,
        deliveries.record_columns
    from contradicting
    inner join {{ ref('int_deliveries') }} as deliveries
        on contradicting.delivery_id = deliveries.delivery_id
)

{% for each in contradictions['alone'] + contradictions['together'] -%}
    select
        {{ finding(
            each['rule'], at='steps', column="'" ~ each['column'] ~ "'", is_mended='false',
            lacks=['indicator_code'], days=each['days'] or {},
        ) }}
    from steps
    where {{ each['where'] or 'true' }}
    {% if not loop.last %}union all by name{% endif %}
{% endfor %}
