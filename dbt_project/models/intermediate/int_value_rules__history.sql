-- Values that an institution's own past rules out: what was reached or counted stays, and a level
-- moves slowly. Months are held against months, the years of a publication against its years and
-- SIVET against SIVET. What holds now is compared; a replaced version is no past of its own. What
-- is reached or counted is so within a plan; a level that can be compared goes on in the next.
with later_falls as (
    select
        *,
        max(value) over (
            partition by
                county_code, institution_code, plan_code, indicator_code, frequency, stated_in
            order by reporting_month, row_number
            rows between unbounded preceding and 1 preceding
        ) as highest_before
    from {{ ref('int_stated_totals') }}
    where superseded_at is null and target_basis in ('milestone', 'cumulative')
),

-- After a slip the return to what is usual is no jump.
levels as (
    select
        *,
        lag(value) over earlier as level_before,
        median(value) over (
            earlier rows between unbounded preceding and 1 preceding
        ) as usual_level
    from {{ ref('int_stated_totals') }}
    where superseded_at is null and is_credible and target_basis = 'level'
    window earlier as (
        partition by county_code, institution_code, comparable_code, frequency, stated_in
        order by reporting_month, row_number
    )
),

thresholds as (
    {{ thresholds(['level_jump_ratio', 'level_jump_least']) }}
)

select
    {{ finding(
        'milestone_undone', at='later_falls', texts={'indicator': 'later_falls.indicator_code'}
    ) }}
from later_falls
where
    later_falls.target_basis = 'milestone'
    and later_falls.value = 0
    and later_falls.highest_before > 0

union all by name

select
    {{ finding(
        'cumulative_falls', at='later_falls',
        texts={'indicator': 'later_falls.indicator_code'},
        counts={'before': 'later_falls.highest_before', 'now': 'later_falls.value'},
    ) }}
from later_falls
where
    later_falls.target_basis = 'cumulative'
    and later_falls.value < later_falls.highest_before

union all by name

select
    {{ finding(
        'level_jumps', at='levels',
        texts={'indicator': 'levels.indicator_code'},
        counts={'before': 'levels.level_before', 'now': 'levels.value'},
    ) }}
from levels
cross join thresholds
where
    {% for before in ['levels.level_before', 'levels.usual_level'] -%}
        abs(levels.value - {{ before }}) >= thresholds.level_jump_least
        and greatest(levels.value, {{ before }})
        >= thresholds.level_jump_ratio * least(levels.value, {{ before }})
        {% if not loop.last %}and{% endif %}
    {% endfor %}
