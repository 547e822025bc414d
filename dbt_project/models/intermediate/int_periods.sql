-- Years, half-years, terms of four months, quarters and months of which each month has begun.
{{ config(materialized='table') }}

with months as (
    select
        month,
        unnest([
            struct_pack(kind := 'year', period := cast(year as varchar), months := 12),
            struct_pack(
                kind := 'half', period := concat(year, '-H', (month_number + 5) // 6), months := 6
            ),
            struct_pack(
                kind := 'quarter',
                period := concat(year, '-Q', (month_number + 2) // 3),
                months := 3
            ),
            struct_pack(
                kind := 'four_months',
                period := concat(year, '-T', (month_number + 3) // 4),
                months := 4
            ),
            struct_pack(kind := 'month', period := strftime(month, '%Y-%m'), months := 1)
        ]) as span
    from {{ ref('dim_months') }}
    where has_begun
)

select
    span.kind,
    span.period,
    span.months,
    min(month) as first_month,
    max(month) as last_month
from months
group by span
having count(*) = span.months
