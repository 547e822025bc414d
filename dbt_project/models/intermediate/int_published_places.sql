-- Published figures with the place in the file that each was read from.
select
    figures.*,
    stated.county_code,
    stated.institution_code,
    stated.reporting_month,
    stated.sheet,
    stated.cell
from {{ ref('published_figures') }} as figures
inner join {{ ref('stg_submission_values') }} as stated
    on
        figures.delivery_id = stated.delivery_id
        and figures.row_number = stated.row_number
