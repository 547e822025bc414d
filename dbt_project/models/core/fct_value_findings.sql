-- Values that are well formed, but contradict each other, the past or the plan. Each rule compares
-- the totals of a report with its own parts, with the institution's past, or with its neighbours.
with actuals as (
    select
        actuals.*,
        indicators.target_basis,
        indicators.measure_code
    from {{ ref('fct_actuals') }} as actuals
    inner join {{ ref('dim_indicators') }} as indicators
        on actuals.indicator_code = indicators.indicator_code
    where actuals.frequency = 'month' and actuals.is_replaced is not true
),

thresholds as (
    {% set names = [
        'improbable_count_alarm_rate', 'improbable_count_least_past', 'improbable_count_largest',
        'improbable_count_least_months_low', 'improbable_count_usual_spread',
        'improbable_count_spread_weight', 'improbable_count_spread_margin',
        'shared_activity_least', 'level_jump_ratio', 'level_jump_least',
    ] -%}
    select
        {% for name in names -%}
            max(value) filter (where threshold = '{{ name }}') as {{ name }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('dim_quality_thresholds') }}
),

totals as (
    select *
    from actuals
    where category = 'total' and value_state in ('number', 'zero')
),

-- What is compared over time is what holds now; a replaced version is no past of its own.
current_totals as (
    select *
    from totals
    where superseded_at is null
),

-- What can't be true is no past either: beside millions nothing else would look strange.
credible_totals as (
    select current_totals.*
    from current_totals
    anti join {{ ref('fct_door_findings') }} as implausible
        on
            current_totals.delivery_id = implausible.delivery_id
            and current_totals.row_number = implausible.row_number
            and implausible.rule = 'implausible_count'
),

part_exceeds_whole as (
    select
        'part_exceeds_whole' as rule,
        parts.*,
        'Pjesa «' || categories.name_sq || '» e treguesit ' || parts.indicator_code || ' është '
        || cast(parts.value as bigint) || ', më shumë se totali '
        || cast(totals.value as bigint) || '.' as message_sq,
        'The part “' || categories.name_en || '” of indicator ' || parts.indicator_code || ' is '
        || cast(parts.value as bigint) || ', more than the total of '
        || cast(totals.value as bigint) || '.' as message_en
    from actuals as parts
    inner join totals
        on
            parts.delivery_id = totals.delivery_id
            and parts.institution_code = totals.institution_code
            and parts.reporting_month = totals.reporting_month
            and parts.indicator_code = totals.indicator_code
    inner join {{ ref('dim_breakdown_categories') }} as categories
        on
            parts.indicator_code = categories.indicator_code
            and parts.category = categories.category
    where parts.value_state = 'number' and parts.value > totals.value
),

-- A milestone that was reached stays reached; a running total never falls.
later_falls as (
    select
        *,
        max(value) over (
            partition by county_code, institution_code, indicator_code
            order by reporting_month
            rows between unbounded preceding and 1 preceding
        ) as highest_before
    from current_totals
    where target_basis in ('milestone', 'cumulative')
),

milestone_undone as (
    select
        'milestone_undone' as rule,
        * exclude (highest_before),
        'Treguesi ' || indicator_code || ' ishte arritur më parë; tani raportohet 0.'
            as message_sq,
        'Indicator ' || indicator_code || ' had been reached before; now 0 is reported.'
            as message_en
    from later_falls
    where target_basis = 'milestone' and value = 0 and highest_before > 0
),

cumulative_falls as (
    select
        'cumulative_falls' as rule,
        * exclude (highest_before),
        'Treguesi ' || indicator_code || ' numërohet nga fillimi i planit dhe nuk mund të bjerë: '
        || cast(highest_before as bigint) || ' më parë, ' || cast(value as bigint) || ' tani.'
            as message_sq,
        'Indicator ' || indicator_code || ' counts from the start of the plan and cannot fall: '
        || cast(highest_before as bigint) || ' before, ' || cast(value as bigint) || ' now.'
            as message_en
    from later_falls
    where target_basis = 'cumulative' and value < highest_before
),

-- A level is no count of a month: nothing adds up to it, and it moves slowly. After a slip its
-- return to what is usual is no jump.
levels as (
    select
        credible_totals.*,
        thresholds.level_jump_ratio as ratio,
        thresholds.level_jump_least as least_change,
        lag(credible_totals.value) over (
            partition by
                credible_totals.county_code, credible_totals.institution_code,
                credible_totals.indicator_code
            order by credible_totals.reporting_month
        ) as level_before,
        median(credible_totals.value) over (
            partition by
                credible_totals.county_code, credible_totals.institution_code,
                credible_totals.indicator_code
            order by credible_totals.reporting_month
            rows between unbounded preceding and 1 preceding
        ) as usual_level
    from credible_totals
    cross join thresholds
    where credible_totals.target_basis = 'level'
),

level_jumps as (
    select
        'level_jumps' as rule,
        * exclude (ratio, least_change, level_before, usual_level),
        'Treguesi ' || indicator_code || ' është një nivel: ' || cast(level_before as bigint)
        || ' herën e fundit, ' || cast(value as bigint)
        || ' tani. Kontrollojeni ose shpjegojeni.' as message_sq,
        'Indicator ' || indicator_code || ' is a level: ' || cast(level_before as bigint)
        || ' the last time, ' || cast(value as bigint) || ' now. Check it or explain it.'
            as message_en
    from levels
    where
        abs(value - level_before) >= least_change
        and greatest(value, level_before) >= ratio * least(value, level_before)
        and abs(value - usual_level) >= least_change
        and greatest(value, usual_level) >= ratio * least(value, usual_level)
),

-- Counts are small and often 0, so the test is exact: a negative binomial with the mean of the
-- institution's own past, and its spread where that is wider than a Poisson's.
past as (
    select
        credible_totals.*,
        count(*) over earlier as past_reports,
        avg(value) over earlier as past_mean,
        var_samp(value) over earlier as past_variance,
        min(value) over earlier as past_least,
        max(value) over earlier as past_most,
        date_diff('month', min(reporting_month) over earlier, reporting_month) as past_months,
        count(*) over (partition by delivery_id, institution_code) as tested_together
    from credible_totals
    where target_basis not in ('milestone', 'level')
    window earlier as (
        partition by county_code, institution_code, indicator_code
        order by reporting_month
        rows between unbounded preceding and 1 preceding
    )
),

-- The spread of a short past is known only roughly: it is drawn towards a usual one.
expected as (
    select
        past.*,
        thresholds.improbable_count_largest as largest,
        thresholds.improbable_count_alarm_rate / past.tested_together / 2 as tail,
        (past.past_mean * past.past_reports + 0.5) / past.past_reports as mean,
        greatest(
            1.02,
            (1 + 1 / past.past_reports)
            * thresholds.improbable_count_spread_margin
            * (
                past.past_variance / greatest(past.past_mean, 0.5) * past.past_reports
                + thresholds.improbable_count_usual_spread
                * thresholds.improbable_count_spread_weight
            )
            / (past.past_reports + thresholds.improbable_count_spread_weight)
        ) as dispersion
    from past
    cross join thresholds
    where
        past.past_reports >= thresholds.improbable_count_least_past
        and past.past_mean <= thresholds.improbable_count_largest
        -- What was reported before is no surprise: every summer the schools rest.
        and (
            past.value > past.past_most
            or (
                past.value < past.past_least
                and past.past_months >= thresholds.improbable_count_least_months_low
            )
        )
),

-- With mean m and variance m * d: size m / (d - 1), chance of success 1 / d. From the largest count
-- on, the chance of the largest is what is compared: that of the count itself is smaller still.
chances as (
    select
        * exclude (dispersion, largest),
        list_sum(list_transform(
            range(0, cast(least(value, largest) as bigint)),
            lambda k: exp(
                lgamma(k + mean / (dispersion - 1)) - lgamma(mean / (dispersion - 1))
                - lgamma(k + 1) - mean / (dispersion - 1) * ln(dispersion)
                + k * ln(1 - 1 / dispersion)
            )
        )) as chance_below,
        exp(
            lgamma(value + mean / (dispersion - 1)) - lgamma(mean / (dispersion - 1))
            - lgamma(value + 1) - mean / (dispersion - 1) * ln(dispersion)
            + value * ln(1 - 1 / dispersion)
        ) as chance_of_it
    from expected
),

improbable_count as (
    select
        'improbable_count' as rule,
        * exclude (
            past_reports, past_mean, past_variance, past_least, past_most, past_months,
            tested_together, tail, mean, chance_below, chance_of_it
        ),
        'Treguesi ' || indicator_code || ' është ' || cast(value as bigint) || '; në '
        || past_reports || ' raportet e mëparshme mesatarja ishte '
        || replace(cast(round(past_mean, 1) as varchar), '.', ',')
        || '. Kontrollojeni ose shpjegojeni.' as message_sq,
        'Indicator ' || indicator_code || ' is ' || cast(value as bigint) || '; in the '
        || past_reports || ' reports before it the mean was ' || round(past_mean, 1)
        || '. Check it or explain it.' as message_en
    from chances
    where
        (value > past_most and 1 - coalesce(chance_below, 0) < tail)
        or (value < past_least and coalesce(chance_below, 0) + chance_of_it < tail)
),

outside_measure_years as (
    select
        'outside_measure_years' as rule,
        totals.*,
        'Treguesi ' || totals.indicator_code || ' u raportua për ' || year(totals.reporting_month)
        || '; masa zbatohet në ' || measures.start_year || '–' || measures.end_year || '.'
            as message_sq,
        'Indicator ' || totals.indicator_code || ' was reported for '
        || year(totals.reporting_month) || '; its measure runs in ' || measures.start_year || '–'
        || measures.end_year || '.' as message_en
    from totals
    inner join {{ ref('dim_measures') }} as measures
        on
            totals.measure_code = measures.measure_code
            and measures.plan_code = 'PKV-2021-2023'
    where
        totals.value > 0
        and year(totals.reporting_month) not between measures.start_year and measures.end_year
),

-- The same campaign told by two of its organisers is counted twice.
shared_activity as (
    select
        'shared_activity' as rule,
        current_totals.*,
        'Edhe ' || others.institution_code || ' raportoi ' || cast(others.value as bigint)
        || ' për treguesin ' || others.indicator_code
        || ': a është e njëjta veprimtari?' as message_sq,
        others.institution_code || ' also reported ' || cast(others.value as bigint)
        || ' for indicator ' || others.indicator_code || ': is it the same activity?'
            as message_en
    from current_totals
    inner join current_totals as others
        on
            current_totals.county_code = others.county_code
            and current_totals.reporting_month = others.reporting_month
            and current_totals.indicator_code = others.indicator_code
            and current_totals.value = others.value
            and current_totals.institution_code > others.institution_code
    cross join thresholds
    where current_totals.value >= thresholds.shared_activity_least
),

found as (
    {% for rule in [
        'part_exceeds_whole', 'milestone_undone', 'cumulative_falls', 'level_jumps',
        'improbable_count', 'outside_measure_years', 'shared_activity',
    ] -%}
        select * from {{ rule }}
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
)

select
    rule,
    county_code,
    institution_code,
    reporting_month,
    indicator_code,
    delivery_id,
    sheet,
    cell,
    row_number,
    message_sq,
    message_en,
    received_at as found_at,
    superseded_at is not null as is_mended,
    is_made_up
from found
