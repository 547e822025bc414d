{#-
  Tables and views that are replaced in their place, in the transaction of their node: of a model
  that fails, the old one stands.

  dbt-duckdb's own way is to build beside the old one, rename both and drop it, with a look for
  indexes and keys that krat does not have. That takes longer than the queries of most models.
-#}
{% materialization table, adapter='duckdb' %}
    {{ return(replaced(this.incorporate(type='table'))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(replaced(this.incorporate(type='view'))) }}
{% endmaterialization %}

{% macro replaced(target) %}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {%- if existing is not none %}
            drop {{ existing.type }} if exists {{ existing }};
        {%- endif %}
        {%- if target.is_view %}
            {{ create_view_as(target, compiled_code) }}
        {%- else %}
            {{ create_table_as(False, target, compiled_code) }}
        {%- endif %}
    {%- endcall %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmacro %}
