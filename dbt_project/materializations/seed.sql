{#- A register is loaded from the folder of registers that the refresh uses: the project's own files
    are those of krat alone (docs/registers.md). -#}
{% materialization seed, adapter="duckdb" %}
    {%- set folder = env_var("KRAT_REGISTERS", "") -%}
    {%- set file = folder ~ "/" ~ model.name ~ ".csv" if folder else adapter.get_seed_file_path(model) -%}
    {%- set target_relation = this.incorporate(type="table") -%}
    {#- dbt shows this table where it is asked to; nobody asks. -#}
    {%- do store_result("agate_table", response="OK", agate_table=none) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main") -%}
        create or replace table {{ target_relation }} as
        select
            {% for column, type in config.get("column_types").items() -%}
                cast({{ column }} as {{ type }}) as {{ column }}{{ "," if not loop.last }}
            {% endfor %}
        from read_csv(
            '{{ file | replace("'", "''") }}',
            header = true, all_varchar = true, delim = ',', quote = '"', escape = '"'
        )
    {%- endcall %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}
