-- What a report shows as a whole: that it may be another sender's or another month's, that it says
-- what one before it said, or that it replaces an earlier file and how.
with totals as (
    select
        actuals.*,
        indicators.target_basis in ('milestone', 'level') as may_repeat
    from {{ ref('fct_actuals') }} as actuals
    inner join {{ ref('dim_indicators') }} as indicators
        on actuals.indicator_code = indicators.indicator_code
    where
        actuals.frequency = 'month'
        and actuals.is_replaced is not true
        and actuals.category = 'total'
        and actuals.value_state in ('number', 'zero')
),

thresholds as (
    {% set names = [
        'repeated_values_least', 'repeated_values_chance', 'other_month_chance',
        'other_month_window', 'other_sender_chance', 'zeros_least', 'zeros_least_before',
    ] -%}
    select
        {% for name in names -%}
            max(value) filter (where threshold = '{{ name }}') as {{ name }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('dim_quality_thresholds') }}
),

-- A finding on a whole report stands at its first value. Two counts around v are equal by chance
-- about once in 2 * sqrt(pi * v): the chances of all of a report's counts together say how likely
-- it is that it only happens to say the same as another.
reports as (
    select
        delivery_id,
        county_code,
        institution_code,
        reporting_month,
        min(received_at) as received_at,
        max(superseded_at) as superseded_at,
        bool_or(is_made_up) as is_made_up,
        list(distinct indicator_code) as indicator_codes,
        count(*) as totals_reported,
        count(*) filter (where value > 0) as totals_above_zero,
        sum(value) as totals_together,
        list(indicator_code || '=' || value order by indicator_code) filter (
            where value > 0 and not may_repeat
        ) as values_above_zero,
        exp(
            -sum(ln(2 * sqrt(pi() * greatest(value, 1)))) filter (
                where value > 0 and not may_repeat
            )
        ) as chance_of_repeat,
        min({
            'row_number': row_number, 'indicator_code': indicator_code, 'sheet': sheet, 'cell': cell
        }) as first_value
    from totals
    group by delivery_id, county_code, institution_code, reporting_month
),

standing as (
    select *
    from reports
    where superseded_at is null
),

all_zeros as (
    select
        'all_zeros' as rule,
        reports.*,
        'Të gjitha vlerat e raportit janë 0, ndërsa më parë nuk ishin: konfirmojeni.'
            as message_sq,
        'Every value of the report is 0, which they were not before: confirm it.' as message_en
    from reports
    cross join thresholds
    where
        reports.totals_above_zero = 0
        and reports.totals_reported >= thresholds.zeros_least
        and exists (
            select 1
            from standing as earlier
            where
                earlier.county_code = reports.county_code
                and earlier.institution_code = reports.institution_code
                and earlier.reporting_month < reports.reporting_month
                and (
                    earlier.totals_above_zero >= thresholds.zeros_least
                    or earlier.totals_together >= thresholds.zeros_least_before
                )
        )
),

-- Months ask for different indicators, quarters for more: what both reports hold is compared.
pairs_of_months as (
    select
        reports.*,
        earlier.reporting_month as month_before,
        earlier.indicator_codes as codes_before,
        earlier.values_above_zero as all_values_before
    from reports
    inner join standing as earlier
        on
            reports.county_code = earlier.county_code
            and reports.institution_code = earlier.institution_code
            and reports.reporting_month = earlier.reporting_month + interval 1 month
            and reports.received_at >= earlier.received_at
),

values_of_pairs as (
    select
        *,
        list_filter(
            values_above_zero, lambda told: list_contains(codes_before, split_part(told, '=', 1))
        ) as values_in_both,
        list_filter(
            all_values_before, lambda told: list_contains(indicator_codes, split_part(told, '=', 1))
        ) as values_before
    from pairs_of_months
),

same_as_last_month as (
    select
        'same_as_last_month' as rule,
        repeated.*,
        'Raporti ka të njëjtat vlera si ai i muajit '
        || strftime(repeated.month_before, '%m.%Y') || '.' as message_sq,
        'The report has the same values as that of '
        || strftime(repeated.month_before, '%Y-%m') || '.' as message_en
    from values_of_pairs as repeated
    cross join thresholds
    where
        repeated.values_in_both = repeated.values_before
        and (
            len(repeated.values_in_both) >= thresholds.repeated_values_least
            or (
                repeated.values_in_both = repeated.values_above_zero
                and repeated.chance_of_repeat <= thresholds.repeated_values_chance
            )
        )
),

-- Whichever came later is the one to ask about.
other_months_values as (
    select
        'wrong_month' as rule,
        reports.*,
        'Raporti ka të njëjtat vlera si ai i muajit '
        || strftime(max(others.reporting_month), '%m.%Y') || ': a është muaji i duhur?'
            as message_sq,
        'The report has the same values as that of '
        || strftime(max(others.reporting_month), '%Y-%m') || ': is it the right month?'
            as message_en
    from reports
    inner join standing as others
        on
            reports.county_code = others.county_code
            and reports.institution_code = others.institution_code
            and reports.values_above_zero = others.values_above_zero
            and reports.received_at > others.received_at
            and reports.reporting_month <> others.reporting_month
            and reports.reporting_month <> others.reporting_month + interval 1 month
    cross join thresholds
    where
        reports.chance_of_repeat <= thresholds.other_month_chance
        and abs(date_diff('month', others.reporting_month, reports.reporting_month))
        <= thresholds.other_month_window
    group by all
),

-- A quarterly value in a report of May: the form is that of another month.
due_in_other_months as (
    select
        'wrong_month' as rule,
        reports.* exclude (first_value),
        min({
            'row_number': totals.row_number, 'indicator_code': totals.indicator_code,
            'sheet': totals.sheet, 'cell': totals.cell
        }) as first_value,
        'Treguesi ' || min(totals.indicator_code) || ' nuk kërkohet në këtë muaj, por në fund të '
        || any_value(
            case obligations.frequency when 'quarterly' then 'tremujorit' else 'vitit' end
        ) || ': a është raporti i një muaji tjetër?' as message_sq,
        'Indicator ' || min(totals.indicator_code) || ' is not due in this month but at the end of '
        || any_value(
            case obligations.frequency when 'quarterly' then 'the quarter' else 'the year' end
        ) || ': is it the report of another month?' as message_en
    from reports
    inner join totals
        on
            reports.delivery_id = totals.delivery_id
            and reports.institution_code = totals.institution_code
    inner join {{ ref('core_reporting_obligations') }} as obligations
        on
            totals.institution_code = obligations.institution_code
            and totals.indicator_code = obligations.indicator_code
            and obligations.is_recorded
            and totals.reporting_month >= obligations.valid_from
            and totals.reporting_month
            <= coalesce(obligations.valid_to, totals.reporting_month)
    where
        not exists (
            select 1
            from {{ ref('fct_values_due') }} as due
            where
                due.institution_code = totals.institution_code
                and due.indicator_code = totals.indicator_code
                and due.reporting_month = totals.reporting_month
        )
    group by all
),

versions as (
    select
        *,
        lead(delivery_id) over report_versions as next_delivery_id,
        lead(received_at) over report_versions as next_received_at,
        lead(superseded_at) over report_versions as next_superseded_at,
        lead(is_made_up) over report_versions as next_is_made_up
    from {{ ref('fct_submissions') }}
    where version is not null and frequency = 'month'
    window report_versions as (
        partition by county_code, institution_code, reporting_month order by version
    )
),

-- A second file for May comes when June's is awaited, and June's does not come.
second_for_another_month as (
    select
        'wrong_month' as rule,
        reports.*,
        'Ky është skedari i dytë për këtë muaj dhe erdhi kur pritej raporti i muajit pasues, që '
        || 'mungon: a është ai?' as message_sq,
        'This is the second file for this month and came when the report of the next month was '
        || 'awaited, which is missing: is it that one?' as message_en
    from reports
    inner join versions
        on
            reports.delivery_id = versions.delivery_id
            and reports.institution_code = versions.institution_code
    where
        versions.version > 1
        and reports.superseded_at is null
        and reports.received_at >= reports.reporting_month + interval 2 month
        and exists (
            select 1
            from {{ ref('fct_values_due') }} as due
            where
                due.institution_code = reports.institution_code
                and due.reporting_month = reports.reporting_month + interval 1 month
        )
        and not exists (
            select 1
            from versions as following
            where
                following.county_code = reports.county_code
                and following.institution_code = reports.institution_code
                and following.reporting_month = reports.reporting_month + interval 1 month
        )
),

reporting_institutions as (
    select distinct
        county_code,
        institution_code
    from {{ ref('core_reporting_obligations') }}
),

reported_months as (
    select distinct reporting_month
    from reports
),

owed as (
    select
        institutions.county_code,
        institutions.institution_code,
        months.reporting_month,
        list(distinct obligations.indicator_code) as indicator_codes
    from reporting_institutions as institutions
    cross join reported_months as months
    inner join {{ ref('core_reporting_obligations') }} as obligations
        on
            institutions.institution_code = obligations.institution_code
            and obligations.is_recorded
            and months.reporting_month >= obligations.valid_from
            and months.reporting_month <= coalesce(obligations.valid_to, months.reporting_month)
    group by all
),

other_senders_indicators as (
    select
        'wrong_sender' as rule,
        reports.*,
        'Asnjë tregues i raportit nuk është detyrë e institucionit; të gjithë janë të '
        || string_agg(owners.institution_code, ', ' order by owners.institution_code)
        || ': kush e dërgoi?' as message_sq,
        'The institution owes none of the report''s indicators; they are all those of '
        || string_agg(owners.institution_code, ', ' order by owners.institution_code)
        || ': who sent it?' as message_en
    from reports
    inner join owed as owners
        on
            reports.county_code = owners.county_code
            and reports.reporting_month = owners.reporting_month
            and reports.institution_code <> owners.institution_code
            and list_has_all(owners.indicator_codes, reports.indicator_codes)
    where
        not exists (
            select 1
            from owed as own
            where
                own.institution_code = reports.institution_code
                and own.reporting_month = reports.reporting_month
                and list_has_any(own.indicator_codes, reports.indicator_codes)
        )
    group by all
),

other_senders_values as (
    select
        'wrong_sender' as rule,
        reports.*,
        'Raporti ka të njëjtat vlera si ai i ' || min(others.institution_code)
        || ' për të njëjtin muaj: kush e dërgoi?' as message_sq,
        'The report has the same values as that of ' || min(others.institution_code)
        || ' for the same month: who sent it?' as message_en
    from reports
    inner join standing as others
        on
            reports.county_code = others.county_code
            and reports.reporting_month = others.reporting_month
            and reports.institution_code <> others.institution_code
            and reports.values_above_zero = others.values_above_zero
            and (reports.received_at, reports.institution_code)
            > (others.received_at, others.institution_code)
    cross join thresholds
    where
        reports.chance_of_repeat <= thresholds.other_sender_chance
        and len(reports.values_above_zero) > 1
    group by all
),

-- A later file replaces the whole of an earlier one, also what it does not repeat.
replaced as (
    select
        *,
        unnest([delivery_id, next_delivery_id]) as side
    from versions
    where next_delivery_id is not null
),

compared as (
    select
        replaced.next_delivery_id as delivery_id,
        replaced.county_code,
        replaced.institution_code,
        replaced.reporting_month,
        replaced.next_received_at as received_at,
        replaced.next_superseded_at as superseded_at,
        replaced.next_is_made_up as is_made_up,
        facts.indicator_code,
        facts.category,
        max({
            'row_number': facts.row_number, 'indicator_code': facts.indicator_code,
            'sheet': facts.sheet, 'cell': facts.cell
        }) filter (where facts.delivery_id = replaced.next_delivery_id) as place,
        max(facts.value) filter (where facts.delivery_id = replaced.delivery_id) as value_before,
        max(facts.value) filter (where facts.delivery_id = replaced.next_delivery_id) as value,
        max(facts.value_state) filter (where facts.delivery_id = replaced.delivery_id)
            as value_state_before,
        max(facts.value_state) filter (where facts.delivery_id = replaced.next_delivery_id)
            as value_state
    from replaced
    inner join {{ ref('fct_actuals') }} as facts
        on
            replaced.side = facts.delivery_id
            and replaced.institution_code = facts.institution_code
            and facts.correction_id is null
    group by all
),

-- Dropped is what had a number and is now left out or blank; what was never owed may go.
judged as (
    select
        *,
        coalesce(place, {
            'row_number': null, 'indicator_code': indicator_code, 'sheet': null, 'cell': null
        }) as first_value,
        coalesce(value_state, '') <> coalesce(value_state_before, '')
        or coalesce(value, -1) <> coalesce(value_before, -1) as is_different,
        value_state_before in ('number', 'zero')
        and coalesce(value_state, 'not_reported') = 'not_reported'
        and exists (
            select 1
            from owed
            where
                owed.institution_code = compared.institution_code
                and owed.reporting_month = compared.reporting_month
                and list_contains(owed.indicator_codes, compared.indicator_code)
        ) as is_dropped
    from compared
),

replacements as (
    select
        delivery_id,
        county_code,
        institution_code,
        reporting_month,
        received_at,
        superseded_at,
        is_made_up,
        count(*) filter (where is_different) as different,
        count(*) filter (where is_dropped) as dropped,
        min(first_value) as first_value,
        min(first_value) filter (where is_different) as first_different,
        min(first_value) filter (where is_dropped) as first_dropped,
        string_agg(distinct indicator_code, ', ' order by indicator_code) filter (
            where is_different
        ) as different_codes,
        string_agg(distinct indicator_code, ', ' order by indicator_code) filter (
            where is_dropped
        ) as dropped_codes
    from judged
    group by all
),

duplicate_report as (
    select
        'duplicate_report' as rule,
        *,
        'Skedari i dytë për këtë muaj thotë të njëjtat gjëra si i pari: mjafton një.'
            as message_sq,
        'The second file for this month says the same as the first: one is enough.'
            as message_en
    from replacements
    where different = 0
),

report_changed as (
    select
        'report_changed' as rule,
        * replace (first_different as first_value),
        'Skedari i ri ndryshon vlera të të parit (' || different_codes || '); vlen i riu.'
            as message_sq,
        'The new file changes values of the first (' || different_codes || '); the new one holds.'
            as message_en
    from replacements
    where different > 0
),

correction_drops_values as (
    select
        'correction_drops_values' as rule,
        * replace (first_dropped as first_value),
        'Skedari i ri zëvendëson të parin të tërin dhe nuk ka më vlera të tij ('
        || dropped_codes || '): dërgojeni të plotë.' as message_sq,
        'The new file replaces the whole of the first and lacks values of it ('
        || dropped_codes || '): send it whole.' as message_en
    from replacements
    where dropped > 0
),

found as (
    {% for rule in [
        'all_zeros', 'same_as_last_month', 'other_months_values', 'due_in_other_months',
        'second_for_another_month', 'other_senders_indicators', 'other_senders_values',
        'duplicate_report', 'report_changed', 'correction_drops_values',
    ] -%}
        select
            rule,
            county_code,
            institution_code,
            reporting_month,
            delivery_id,
            first_value,
            message_sq,
            message_en,
            received_at,
            superseded_at,
            is_made_up
        from {{ rule }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    rule,
    county_code,
    institution_code,
    reporting_month,
    first_value.indicator_code,
    delivery_id,
    first_value.sheet,
    first_value.cell,
    first_value.row_number,
    message_sq,
    message_en,
    received_at as found_at,
    superseded_at is not null as is_mended,
    is_made_up
from found
