-- A person counts once for each step, in the month in which the step came first, whichever
-- institutions sent it; once more only where one of them opens another case. A person known in
-- two counties counts once for the nation.
with counted as (
    select
        county_code,
        reporting_month,
        {% for event, column in [
            ('flagged', 'flagged'),
            ('initially_identified', 'identified'),
            ('formally_identified', 'formally_identified'),
            ('not_a_victim', 'not_a_victim'),
            ('referred', 'referred'),
            ('referral_accepted', 'referral_accepted'),
            ('assisted', 'assisted'),
            ('referral_declined', 'referral_declined'),
            ('special_protection', 'special_protection'),
            ('assisted_return', 'assisted_return'),
            ('education', 'in_education'),
            ('closed', 'closed'),
        ] -%}
            count(*) filter (where event = '{{ event }}') as {{ column }},
        {% endfor %}
        {% for column, condition in [
            ('children', "age_group = '0-17'"),
            ('adults', "age_group = '18+'"),
            ('age_not_known', "age_group is null"),
            ('female', "sex = 'female'"),
            ('male', "sex = 'male'"),
            ('other_sex', "sex = 'other'"),
            ('sex_not_known', "sex is null"),
        ] -%}
            count(*) filter (where event = 'initially_identified' and {{ condition }})
                as identified_{{ column }},
        {% endfor %}
        {% for column, channels in [
            ('mobile_unit', "'mobile_unit'"),
            ('border', "'border'"),
            ('hotline_or_app', "'hotline', 'app'"),
            ('police', "'police'"),
            ('others', "'self', 'labour_inspection', 'child_protection_unit'"),
        ] -%}
            count(*) filter (
                where event = 'initially_identified' and identification_channel in ({{ channels }})
            ) as identified_by_{{ column }},
        {% endfor %}
        count(*) filter (
            where event = 'initially_identified' and identification_channel is null
        ) as identified_channel_not_known,
        count(*) filter (where event = 'employed' and detail = 'self_employed') as employed_self,
        count(*) filter (where event = 'employed' and detail = 'private_sector')
            as employed_private,
        count(*) filter (where event = 'employed' and detail = 'public_sector') as employed_public,
        count(*) filter (
            where event = 'employed'
            and coalesce(detail, '') not in ('self_employed', 'private_sector', 'public_sector')
        ) as employed_not_known,
        median(date_diff('day', identified_on, event_date)) filter (
            where event = 'referred' and event_date >= identified_on
        ) as median_days_identified_to_referred,
        median(date_diff('day', referred_on, event_date)) filter (
            where event = 'assisted' and event_date >= referred_on
        ) as median_days_referred_to_assisted
    from {{ ref('int_referral_steps') }}
    group by county_code, reporting_month
)

-- A month without records is a month with none where its files came, and else nothing is known.
{% set counts = [
    'flagged', 'identified', 'formally_identified', 'not_a_victim', 'referred',
    'referral_accepted', 'assisted', 'identified_children', 'identified_adults',
    'identified_female', 'identified_male', 'identified_by_mobile_unit',
    'identified_by_border', 'identified_by_hotline_or_app', 'identified_by_police',
    'employed_self', 'employed_private', 'employed_public', 'employed_not_known',
    'identified_age_not_known', 'identified_other_sex', 'identified_sex_not_known',
    'identified_by_others', 'identified_channel_not_known', 'referral_declined',
    'special_protection', 'assisted_return', 'in_education', 'closed',
] -%}
select
    covered.county_code,
    covered.reporting_month,
    {% for column in counts -%}
        case
            when covered.coverage <> 'none'
                then cast(coalesce(counted.{{ column }}, 0) as integer)
        end as {{ column }},
    {% endfor %}
    {% for status in [
        'flagged', 'initially_identified', 'formally_identified', 'not_a_victim',
    ] -%}
        case
            when covered.is_history_whole
                then cast(coalesce(standing.standing_{{ status }}, 0) as integer)
        end as standing_{{ status }},
    {% endfor %}
    covered.is_history_whole as is_standing_known,
    case
        when covered.coverage <> 'none'
            then cast(if(covered.last_gap is null, coalesce(at_least.persons, 0), 0) as integer)
    end as identified_least,
    case
        when covered.coverage = 'whole' then cast(coalesce(counted.identified, 0) as integer)
    end as identified_most,
    cast(counted.median_days_identified_to_referred as double)
        as median_days_identified_to_referred,
    cast(counted.median_days_referred_to_assisted as double)
        as median_days_referred_to_assisted,
    covered.coverage,
    covered.coverage = 'part'
    or coalesce(covered.counties_reporting < covered.counties_expected, false) as is_lower_bound,
    covered.coverage <> 'none' and covered.last_gap is not null as may_fall,
    covered.counties_reporting,
    covered.counties_expected,
    covered.counties_missing,
    covered.is_made_up
from {{ ref('int_record_months') }} as covered
left join counted
    on
        covered.county_code = counted.county_code
        and covered.reporting_month = counted.reporting_month
left join {{ ref('int_referral_standing') }} as standing
    on
        covered.county_code = standing.county_code
        and covered.reporting_month = standing.reporting_month
left join {{ ref('int_identified_least') }} as at_least
    on
        covered.county_code = at_least.county_code
        and covered.reporting_month = at_least.reporting_month
where covered.source = 'referral'
