select
    codes.collection,
    codes.breakdown,
    codes.code,
    codes.category,
    categories.name_sq,
    categories.name_en,
    categories.basis,
    codes.note
from {{ ref('collection_codes') }} as codes
inner join {{ ref('collection_categories') }} as categories
    on
        codes.collection = categories.collection
        and codes.breakdown = categories.breakdown
        and codes.category = categories.category
