{#- Each model is a table of Spark, views too: Spark would compute a view anew wherever it is read, and
    goes through all that it rests on each time. Its statement is translated where it goes to Spark
    (orchestration/warehouse/spark_sql.py); what is made there comes back as files (replace.sql). -#}
{% materialization table, adapter="spark" %}
    {{ return(made_in_spark()) }}
{% endmaterialization %}

{% materialization view, adapter="spark" %}
    {{ return(made_in_spark()) }}
{% endmaterialization %}

{% macro made_in_spark() -%}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set asked -%}
        {% if config.get("contract").enforced -%}
            select {{ typed_columns() }}
            from (
                {{ sql }}
            ) as model
        {%- else -%}
            {{ sql }}
        {%- endif %}
    {%- endset -%}
    {% for name, query in adapter.tables_in_spark(asked, target_relation | string) -%}
        {% call statement("main" if loop.last else "before") -%}
            create table {{ name }} using parquet as
            {{ query }}
        {%- endcall %}
    {%- endfor %}
    {{ return({"relations": [target_relation]}) }}
{%- endmacro %}
