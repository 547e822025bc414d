-- The target of an indicator read in each way that its basis allows: what the area has, what it
-- should have by the month, and what follows from that.
{% for reading, actual in [('annual', 'year_to_date'), ('cumulative', 'cumulative')] -%}
    select
        county_code,
        reporting_month,
        plan_code,
        indicator_code,
        '{{ reading }}' as reading,
        actual_{{ actual }} as actual,
        actual_{{ actual }}_least as actual_least,
        actual_{{ actual }}_most as actual_most,
        target_value,
        expected_{{ reading }} as expected_value,
        {{ reading }}_status_least as status_least,
        {{ reading }}_status_most as status_most
    from {{ ref('int_progress_readings') }}
    where target_value is not null and {{ reading }}_status_least is not null
    {% if not loop.last %}union all{% endif %}
{% endfor %}
