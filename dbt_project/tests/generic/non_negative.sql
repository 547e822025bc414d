{#- Fails for each row in which one of the columns counts less than nothing; null passes. -#}
{% test non_negative(model, columns) %}
    select *
    from {{ model }}
    where
        {% for column in columns -%}
            {{ column }} < 0{% if not loop.last %} or {% endif %}
        {% endfor %}
{% endtest %}
