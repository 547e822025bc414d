{#-
  How many persons there are at least in each month, or in the year up to it, as a query, where some
  can't be compared.

  firsts  a relation with a row a person (all that may be one are one) for the month in which it
          counts first: counted_for, county_code, counted_year (null: counted once for good),
          category (null: none), reporting_month, senders (a list), is_comparable
  span    month, or year: at each month of it, all since January. That is more than its months
          together, of which each could be explained by the same persons counted before.
  Two persons whose identity is known are two. Of any other pair of different senders nobody
  knows: whoever counts in a month could have been counted before by another sender. A sender's
  own persons are apart, so of those it holds as many are new as the others can't account for.
-#}
{% macro persons_at_least(firsts, span='month') -%}
    with months as (
        select
            * exclude (reporting_month),
            cast(date_trunc('{{ span }}', reporting_month) as date) as span_start,
            cast(
                unnest(
                    generate_series(
                        reporting_month,
                        date_trunc('{{ span }}', reporting_month)
                        + interval {{ {'month': 0, 'year': 11}[span] }} month,
                        interval 1 month
                    )
                ) as date
            ) as reporting_month
        from {{ firsts }}
    ),

    cells as (
        select
            *,
            unnest(case when category is null then ['total'] else ['total', category] end) as cell
        from months
    ),

    compared as (
        select
            counted_for,
            county_code,
            counted_year,
            cell,
            reporting_month,
            span_start,
            cast(null as varchar) as sender_code,
            count(*) filter (where is_comparable) as persons
        from cells
        group by all
    ),

    held as (
        select
            cells.counted_for,
            cells.county_code,
            cells.counted_year,
            cells.cell,
            cells.reporting_month,
            cells.span_start,
            unnest(cells.senders) as sender_code
        from cells
        where not cells.is_comparable or exists (
            select 1
            from {{ firsts }} as others
            where
                others.counted_for = cells.counted_for
                and others.county_code = cells.county_code
                and not others.is_comparable
        )
    ),

    bounds as (
        select * from compared
        union all
        select
            *,
            count(*) as persons
        from held
        group by all
    ),

    -- Persons of one month whom the same senders hold explain the same.
    alike as (
        select
            counted_for,
            county_code,
            counted_year,
            category,
            reporting_month,
            list_sort(senders) as senders,
            is_comparable,
            count(*) as persons
        from {{ firsts }}
        group by all
    ),

    -- Who could be one with them: counted no later, elsewhere, and by another sender. Persons
    -- whose identity is known could only be one with those whose identity is not. An inner join,
    -- which is hashed, and a union bring them faster than an outer join.
    explained as (
        select
            counted_for,
            county_code,
            counted_year,
            cell,
            reporting_month,
            sender_code,
            max(persons) as persons,
            sum(elsewhere) as elsewhere
        from (
            select
                * exclude (span_start),
                0 as elsewhere
            from bounds
            union all by name
            select
                bounds.* exclude (span_start),
                others.persons as elsewhere
            from bounds
            inner join alike as others
                on
                    bounds.counted_for = others.counted_for
                    and bounds.county_code = others.county_code
                    and bounds.counted_year is not distinct from others.counted_year
            where
                bounds.reporting_month >= others.reporting_month
                and not (
                    others.reporting_month >= bounds.span_start
                    and (
                        bounds.cell = 'total' or others.category is not distinct from bounds.cell
                    )
                )
                and case
                    when bounds.sender_code is null then not others.is_comparable
                    else not list_contains(others.senders, bounds.sender_code)
                end
        ) as told
        group by all
    )

    select
        counted_for,
        county_code,
        cell as category,
        reporting_month,
        greatest(max(persons - elsewhere), 0) as persons
    from explained
    group by all
{%- endmacro %}
