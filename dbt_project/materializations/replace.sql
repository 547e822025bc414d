{#- Tables and views are replaced in one statement. What dbt-duckdb brings builds each beside the old
    one, renames both and drops the old: ten statements and several new contexts of Jinja for each,
    half of a build of few rows. Nobody reads a warehouse that is being built, and the transaction
    keeps the old table when the new one fails. -#}
{% materialization table, adapter="duckdb" %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {{ drop_other_kind(target_relation) }}
    {%- set has_contract = config.get("contract").enforced -%}
    {% call statement("main") -%}
        {{ get_assert_columns_equivalent(sql) if has_contract }}
        create or replace table {{ target_relation }} as
        select {{ typed_columns() if has_contract else "*" }}
        from (
            {{ rows_made_elsewhere(sql) if env_var("KRAT_MADE_ELSEWHERE", "") else sql }}
        );
        {{ comments_on(target_relation) if has_contract }}
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {%- set target_relation = this.incorporate(type="view") -%}
    {{ drop_other_kind(target_relation) }}
    {% call statement("main") -%}
        create or replace view {{ target_relation }} as (
            {{ sql }}
        );
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{#- The rows that Spark made of a model, in its own columns and types (orchestration/warehouse/spark.py). -#}
{% macro rows_made_elsewhere(sql) -%}
    {%- set folder = env_var("KRAT_MADE_ELSEWHERE") ~ "/" ~ this.schema ~ ".db/" ~ this.identifier -%}
    (
        from (
            {{ sql }}
        )
        limit 0
    )
    union all by name
    from read_parquet('{{ folder | replace("'", "''") }}/*.parquet')
{%- endmacro %}

{#- A model that was a view and is a table now, or the other way round. -#}
{% macro drop_other_kind(target_relation) -%}
    {%- set existing_relation = load_cached_relation(target_relation) -%}
    {%- if existing_relation is not none and existing_relation.type != target_relation.type -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
{%- endmacro %}

{#- The columns of a contract, in its order and with its types. -#}
{% macro typed_columns() -%}
    {% for column in model.columns.values() -%}
        cast({{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- The descriptions of a model and of its columns, which its contract names, as statements. -#}
{% macro comments_on(relation) -%}
    comment on table {{ relation }} is {{ duckdb_escape_comment(model.description) }};
    {% for column in model.columns.values() -%}
        comment on column {{ relation }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
    {% endfor %}
{%- endmacro %}
