{#- Fails for each combination of columns (null in none of them) that the other table lacks. -#}
{% test combination_exists_in(model, columns, to, to_columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ columns | join(' is not null and ') }} is not null
    except
    select {{ to_columns | join(', ') }}
    from {{ to }}
{% endtest %}
