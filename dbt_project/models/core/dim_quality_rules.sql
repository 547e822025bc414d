select
    rule,
    severity,
    mended_by,
    stage,
    sentence_sq,
    sentence_en,
    source
from {{ ref('quality_rules') }}
