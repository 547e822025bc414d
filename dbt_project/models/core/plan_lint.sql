-- Every oddity of the plans that a rule can find in the registers. One select a rule; the
-- sentences that explain the rules stand at the end.
{% set national = "'PKV-2021-2023'" %}
{% set regional = "'PRV-FIER-2023'" %}
with cells as (
    select
        targets.indicator_code,
        indicators.measure_code,
        indicators.direction,
        targets.year,
        targets.target_kind,
        targets.value,
        targets.value_state,
        coalesce(targets.source_text, '') as source_text,
        targets.reading_note,
        targets.reading_certainty,
        targets.source_place,
        measures.start_year,
        measures.end_year,
        max(targets.value) filter (where targets.target_kind = 'baseline')
            over (partition by targets.indicator_code) as baseline,
        count(*) over (partition by indicators.measure_code, targets.year)
            as indicators_of_measure
    from {{ ref('targets') }} as targets
    inner join {{ ref('indicators') }} as indicators
        on targets.indicator_code = indicators.indicator_code
    inner join {{ ref('measures') }} as measures
        on indicators.measure_code = measures.measure_code
),

cell_rules as (
    {% for rule, condition in [
        ('blank_cell', "value_state = 'blank'"),
        ('milestone_blank_year', "value_state = 'milestone'"),
        ('dash_cell', "value_state = 'dash'"),
        ('not_available_cell', "value_state = 'not_available'"),
        ('relative_target', "value_state = 'relative'"),
        ('unit_in_cell', "value is not null and regexp_matches(source_text, '[[:alpha:]]')"),
        ('thousands_space', "regexp_matches(source_text, '[0-9] [0-9]{3}([^0-9]|$)')"),
        ('uncertain_reading', "reading_certainty <> 'certain'"),
        (
            'two_indicators_in_a_cell',
            "indicators_of_measure > 1 and value_state <> 'relative'"
            " and (regexp_full_match(source_text, '[0-9-]+ [0-9-]+')"
            " or regexp_matches(reading_note, '(shar|two indicators|both indicators).*', 'i'))",
        ),
        ('torn_or_shifted_row', "regexp_matches(reading_note, 'page break|shifted', 'i')"),
        (
            'target_below_baseline',
            "target_kind = 'target' and direction = 'increase' and value < baseline",
        ),
        ('zero_target', "target_kind = 'target' and value = 0"),
        (
            'target_after_measure_end',
            "target_kind = 'target' and value is not null and year > end_year",
        ),
        (
            'target_before_measure_start',
            "target_kind = 'target' and value is not null and year < start_year",
        ),
    ] -%}
        select
            '{{ rule }}' as rule,
            {{ national }} as plan_code,
            measure_code,
            indicator_code,
            year,
            source_text,
            source_place
        from cells
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

series as (
    select
        indicator_code,
        string_agg(source_text, ' | ' order by year) as printed_series
    from cells
    group by indicator_code
),

indicator_names as (
    select
        indicators.*,
        indicators.name_sq || ': ' || series.printed_series as name_and_series,
        count(*) over (partition by lower(trim(indicators.name_sq, ' .;:'))) as same_names,
        count(*) over (partition by indicators.population_id) as same_population
    from {{ ref('indicators') }} as indicators
    left join series on indicators.indicator_code = series.indicator_code
),

indicator_rules as (
    {% for rule, condition, text in [
        ('unstated_basis', "target_basis = 'unstated'", 'name_and_series'),
        ('shared_population', 'population_id is not null and same_population > 1', 'name_and_series'),
        ('same_indicator_name', 'same_names > 1', 'name_sq'),
        (
            'indicator_without_target',
            "indicator_code not in (select cells.indicator_code from cells where"
            " cells.target_kind = 'target' and cells.value_state in ('number', 'relative'))",
            'name_and_series',
        ),
    ] -%}
        select
            '{{ rule }}' as rule,
            {{ national }} as plan_code,
            measure_code,
            indicator_code,
            cast(null as integer) as year,
            {{ text }} as source_text,
            source_place
        from indicator_names
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- A line kept for a measure without an indicator has cells, but none that says anything.
measures_without_indicator as (
    select
        'measure_without_indicator' as rule,
        measures.plan_code,
        measures.measure_code,
        cast(null as varchar) as indicator_code,
        cast(null as integer) as year,
        measures.name_sq as source_text,
        measures.source_place
    from {{ ref('measures') }} as measures
    where
        not exists (
            select 1
            from cells
            where
                cells.measure_code = measures.measure_code
                and cells.value_state in ('number', 'relative', 'not_available')
        )
),

regional_codes as (
    select
        *,
        regexp_extract(prv_code, '^(.*)[.][0-9]+$', 1) as code_list,
        try_cast(regexp_extract(prv_code, '([0-9]+)$', 1) as integer) as code_number,
        count(*) over (partition by pkv_measure_code) as same_measure
    from {{ ref('regional_measures') }}
),

regional_sequence as (
    select
        *,
        lead(prv_code) over codes as next_code,
        lead(code_number) over codes as next_number
    from regional_codes
    window codes as (partition by code_list, objective_code order by code_number, prv_position)
),

regional_rules as (
    {% for rule, condition, text in [
        (
            'regional_code_differs',
            'pkv_measure_code is not null and prv_code <> pkv_measure_code',
            "'PRV ' || prv_code || ' = PKV ' || pkv_measure_code || ': ' || name_sq",
        ),
        (
            'regional_measure_twice',
            'pkv_measure_code is not null and same_measure > 1',
            "'PRV ' || prv_code || ': ' || name_sq",
        ),
        (
            'regional_code_in_other_list',
            'code_list <> objective_code',
            "'PRV ' || prv_code || ': ' || name_sq",
        ),
        (
            'gap_in_regional_codes',
            'next_number - code_number > 1 and code_list = objective_code',
            "'PRV ' || prv_code || ' … ' || next_code",
        ),
    ] -%}
        select
            '{{ rule }}' as rule,
            plan_code,
            prv_code as measure_code,
            cast(null as varchar) as indicator_code,
            cast(null as integer) as year,
            {{ text }} as source_text,
            source_place
        from regional_sequence
        where {{ condition }}
        union all
    {% endfor %}
    select
        'regional_indicator_unmatched' as rule,
        {{ regional }} as plan_code,
        cast(null as varchar) as measure_code,
        cast(null as varchar) as indicator_code,
        cast(null as integer) as year,
        name_sq as source_text,
        'PRV, lista ' || prv_list || ', pika ' || prv_position as source_place
    from {{ ref('regional_indicators') }}
    where indicator_code is null
),

abbreviations as (
    select
        abbreviation || ': ' || string_agg(expansion_sq, ' / ' order by position) as source_text,
        min(source_place) as source_place,
        count(distinct lower(expansion_sq)) as expansions,
        count(*) as entries
    from {{ ref('abbreviations') }}
    group by abbreviation
),

abbreviation_rules as (
    {% for rule, condition in [
        ('abbreviation_clash', 'expansions > 1'),
        ('abbreviation_twice', 'expansions = 1 and entries > 1'),
    ] -%}
        select
            '{{ rule }}' as rule,
            {{ regional }} as plan_code,
            cast(null as varchar) as measure_code,
            cast(null as varchar) as indicator_code,
            cast(null as integer) as year,
            source_text,
            source_place
        from abbreviations
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

found as (
    select * from cell_rules
    union all
    select * from indicator_rules
    union all
    select * from measures_without_indicator
    union all
    select * from regional_rules
    union all
    select * from abbreviation_rules
),

explanations (rule, explanation_sq, explanation_en) as (
    values
    {% for rule, sq, en in [
        (
            'blank_cell',
            'Qeliza është bosh: nuk ka synim, dhe bosh nuk do të thotë zero.',
            'The cell is blank: there is no target, and blank does not mean zero.',
        ),
        (
            'milestone_blank_year',
            'Viti është bosh sepse synimi arrihet në një vit tjetër.',
            'The year is blank because the milestone is due in another year.',
        ),
        (
            'dash_cell',
            'Në qelizë ka vetëm një vizë: kuptimi i saj nuk shpjegohet.',
            'The cell holds only a dash: what it means is not explained.',
        ),
        (
            'not_available_cell',
            'Në qelizë shkruhet N/A: vlera nuk dihet, dhe kjo nuk është zero.',
            'The cell says N/A: the value is not known, which is not a zero.',
        ),
        (
            'relative_target',
            'Synimi është në përqindje të një vlere bazë që nuk është matur.',
            'The target is a percentage of a baseline that was not measured.',
        ),
        (
            'unit_in_cell',
            'Vlera dhe njësia janë shkruar në të njëjtën qelizë.',
            'The value and its unit are written in the same cell.',
        ),
        (
            'thousands_space',
            'Mijëshet janë ndarë me hapësirë: numri mund të lexohet si dy numra.',
            'Thousands are parted by a space: the number can be read as two.',
        ),
        (
            'uncertain_reading',
            'Leximi i qelizës nuk është i sigurt; shih shënimin e leximit.',
            'The reading of the cell is not certain; see its reading note.',
        ),
        (
            'two_indicators_in_a_cell',
            'Dy tregues ndajnë të njëjtën qelizë.',
            'Two indicators share the same cell.',
        ),
        (
            'torn_or_shifted_row',
            'Rreshti është ndarë nga faqja ose është zhvendosur një kolonë.',
            'The row is torn by a page break or shifted by a column.',
        ),
        (
            'target_below_baseline',
            'Synimi është më i ulët se vlera bazë e vitit 2020.',
            'The target is below the baseline of 2020.',
        ),
        (
            'zero_target',
            'Synimi është zero: përqindja nuk mund të llogaritet.',
            'The target is zero: no percentage can be computed.',
        ),
        (
            'target_after_measure_end',
            'Synimi bie pas vitit në të cilin mbaron masa.',
            'The target falls after the year in which the measure ends.',
        ),
        (
            'target_before_measure_start',
            'Synimi bie para vitit në të cilin fillon masa.',
            'The target falls before the year in which the measure starts.',
        ),
        (
            'unstated_basis',
            'Nuk thuhet nëse synimi është vjetor apo i grumbulluar.',
            'Whether the target is annual or cumulative is not said.',
        ),
        (
            'shared_population',
            'Disa tregues numërojnë të njëjtët persona: nuk mblidhen kurrë.',
            'Several indicators count the same persons: they are never added.',
        ),
        (
            'same_indicator_name',
            'I njëjti emër treguesi shfaqet në më shumë se një masë.',
            'The same name of an indicator stands under more than one measure.',
        ),
        (
            'indicator_without_target',
            'Treguesi nuk ka synim për asnjë vit.',
            'The indicator has no target for any year.',
        ),
        (
            'measure_without_indicator',
            'Masa nuk ka tregues dhe asnjë vlerë.',
            'The measure has no indicator and no value.',
        ),
        (
            'regional_code_differs',
            'Plani rajonal e numëron masën ndryshe nga plani kombëtar.',
            'The regional plan numbers the measure otherwise than the national plan.',
        ),
        (
            'regional_measure_twice',
            'E njëjta masë kombëtare shfaqet dy herë në planin rajonal.',
            'The same national measure stands twice in the regional plan.',
        ),
        (
            'regional_code_in_other_list',
            'Kodi i përket listës së një objektivi tjetër.',
            'The code belongs to the list of another objective.',
        ),
        (
            'gap_in_regional_codes',
            'Midis dy kodeve të listës mungojnë numra.',
            'Numbers are missing between two codes of the list.',
        ),
        (
            'regional_indicator_unmatched',
            'Treguesi rajonal nuk i përgjigjet asnjë treguesi kombëtar.',
            'The regional indicator answers to no national indicator.',
        ),
        (
            'abbreviation_clash',
            'E njëjta shkurtesë ka më shumë se një kuptim.',
            'The same abbreviation has more than one meaning.',
        ),
        (
            'abbreviation_twice',
            'Shkurtesa është shkruar dy herë në listë.',
            'The abbreviation is listed twice.',
        ),
    ] -%}
        ('{{ rule }}', '{{ sq }}', '{{ en }}'){% if not loop.last %},{% endif %}
    {% endfor %}
)

select
    found.rule,
    found.plan_code,
    found.measure_code,
    found.indicator_code,
    found.year,
    found.source_text,
    explanations.explanation_sq,
    explanations.explanation_en,
    found.source_place
from found
left join explanations on found.rule = explanations.rule
