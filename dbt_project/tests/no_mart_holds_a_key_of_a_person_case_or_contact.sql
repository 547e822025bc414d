{{ config(meta={'dagster': {'ref': {'name': 'findings'}}}) }}
-- Keyed pseudonyms exist in person-level tables only. Marts and findings are read here as built.
-- depends_on: {{ ref('findings') }}
-- depends_on: {{ ref('hotline_activity') }}
-- depends_on: {{ ref('identified_persons') }}
-- depends_on: {{ ref('referral_flow') }}
-- depends_on: {{ ref('source_comparison') }}
select
    table_schema,
    table_name,
    column_name
from information_schema.columns
where
    table_schema in ('marts', 'quality')
    and column_name like '%\_key' escape '\'
