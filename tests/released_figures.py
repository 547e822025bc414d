"""A small database of released figures, made by hand: each situation of a figure once.

Fier (AL-04) has the second quarter of 2023 and the year 2023; Berat (AL-01) was released without
any data; the nation (AL) has two of twelve counties. What the public tier does not have is left out
of it here as well.
"""

from pathlib import Path

import duckdb

#: Numbers of persons that nothing else here has: none of them may be in a public file.
HIDDEN = (7391, 7393, 6871)

_CODES = """
create schema core; create schema marts; create schema vintages; create schema editions;
create schema quality;
create table core.codes as from (values
    ('reason', 'correction', 'vlera u korrigjua', 'the value was corrected'),
    ('severity', 'warns', 'pyetje', 'question'), ('channel', 'app', 'aplikacioni', 'app'),
    ('sex', 'female', 'femër', 'female'), ('age_group', '0-17', 'fëmijë', 'child'),
    ('shown_as', 'rounded_5', 'i rrumbullakosur te 5-a', 'rounded to the nearest 5'),
    ('shown_as', 'suppressed', '0–10: nuk publikohet', '0 to 10: not shown'),
    ('first_source', 'report', 'raporti', 'report'), ('second_source', 'sivet', 'SIVET', 'SIVET'),
    ('official_source', 'sivet', 'SIVET', 'SIVET'), ('unit', 'persons', 'persona', 'persons')
) as t(code_list, code, name_sq, name_en);
create table core.dim_counties as from (values
    ('AL', 'Shqipëria', 'Albania', true), ('AL-01', 'Berat', 'Berat', false),
    ('AL-04', 'Fier', 'Fier', false), ('AL-11', 'Tiranë', 'Tirana', false)
) as t(county_code, name_sq, name_en, is_nation);
create table core.dim_institutions as from (values
    ('AL-04-B-FIER', 'Bashkia Fier', 'Municipality of Fier'),
    ('AL-04-POLICIA', 'Drejtoria Vendore e Policisë Fier', 'Police of Fier')
) as t(institution_code, name_sq, name_en);
create table core.dim_indicators as from (values
    ('1.1.3.1', '1.1.3', 'Struktura të trajnuara', 'Structures trained', 'structures', false),
    ('2.1.2.1', '2.1.2', 'Mbrojtje e posaçme', 'Special protection', 'cases', true),
    ('2.1.9.1', '2.1.9', 'Raste të reja VT/VMT', 'New cases of VT/VMT', 'persons', true),
    ('2.1.16.1', '2.1.16', 'VT/VMT në arsim dhe formim', 'VT/VMT in education', 'persons', true),
    ('2.1.19.1', '2.1.19', 'Monitorime VT/VMT', 'Monitorings', 'monitorings', true),
    ('2.2.3.2', '2.2.3', 'Trajnime për drejtësinë', 'Trainings of justice', 'trainings', false),
    ('3.1.1.1', '3.1.1', 'Fushata për trafikimin', 'Campaigns on trafficking', 'campaigns', false),
    ('3.1.2.4', '3.1.2', 'Fushata për linjën', 'Campaigns on the hotline', 'campaigns', false),
    ('3.1.12.1', '3.1.12', 'Nxënës në veprimtari', 'Pupils in activities', 'persons', true),
    ('3.2.5.1', '3.2.5', 'Raporte monitorimi', 'Monitoring reports', 'reports', false),
    ('3.2.9.1', '3.2.9', 'Takime për planin', 'Meetings on the plan', 'meetings', false)
) as t(indicator_code, measure_code, short_name_sq, short_name_en, unit, is_protected);
alter table core.dim_indicators add column plan_code varchar default 'PKV-2021-2023';
alter table core.dim_indicators add column target_basis varchar default 'unstated';
alter table core.dim_indicators add column name_sq varchar;
alter table core.dim_indicators add column name_en varchar;
update core.dim_indicators set name_sq = short_name_sq, name_en = short_name_en;
create table core.dim_measures as
select plan_code, measure_code, string_split(measure_code, '.')[1] || '.'
    || string_split(measure_code, '.')[2] as objective_code,
    null::varchar as objective_name_sq, null::varchar as objective_name_en
from core.dim_indicators;
create table core.dim_months as from (values
    (date '2023-09-01', date '2023-10-10')) as t(month, reporting_deadline);
"""

_FIGURES = """
create table vintages.releases as
select county_code, month as reporting_month, 1 as release_number, 'provisional' as status,
    date '2023-08-01' as released_on, county_code <> 'AL-01' as is_made_up
from (values ('AL'), ('AL-01'), ('AL-04')) as counties(county_code),
    generate_series(date '2023-01-01', date '2023-12-01', interval 1 month) as months(month);
alter table vintages.releases alter reporting_month type date;

-- county, indicator, value, state, least, most, bound, received, due, before, comparability, change
create table marts.period_figures as
select
    county_code, last_month as reporting_month, period, 'PKV-2021-2023' as plan_code,
    indicator_code, value::double as value, value_state, least::double as value_least,
    most::double as value_most, is_lower_bound, values_due, values_received, 8 as institutions_due,
    institutions_reporting, counties_reporting, 12 as counties_expected,
    period_before, before::double as value_before, before::double as value_before_least,
    before::double as value_before_most, false as is_before_lower_bound,
    change::double as change_on_before, compared as values_compared_before, comparability_before,
    '2022-Q2' as period_last_year, null::double as value_last_year,
    null::double as value_last_year_least, null::double as value_last_year_most,
    false as is_last_year_lower_bound, null::double as change_on_last_year,
    0 as values_compared_last_year, 'none' as comparability_last_year
from (values
 ('AL-04','2.1.2.1', 0,'zero', 0,0,false, 3,3,8,null, 0,'equal',0,3),
 ('AL-04','2.1.9.1', 7391,'number', 7389,7391,false, 9,9,8,null, 7390,'equal',1,9),
 ('AL-04','2.1.16.1', null,'unknown', null,null,false, 2,3,7,null, 5,'none',null,0),
 ('AL-04','1.1.3.1', null,'not_due', null,null,false, 0,0,0,null, null,'none',null,0),
 ('AL-04','2.1.19.1', null,'not_of_period', null,null,false, 0,0,0,null, null,'none',null,0),
 ('AL-04','2.2.3.2', 4,'number', 4,4,false, 3,3,8,null, 9,'break',null,0),
 ('AL-04','3.1.1.1', 14,'number', 14,null,true, 22,24,7,null, 15,'partly',1,21),
 ('AL-04','3.1.2.4', 21,'number', 21,21,false, 3,3,8,null, 15,'equal',6,3),
 ('AL-04','3.1.12.1', 276,'number', 276,276,false, 3,3,8,null, 286,'equal',-10,3),
 ('AL-04','3.2.5.1', null,'not_owed', null,null,false, 0,0,0,null, null,'none',null,0),
 ('AL-04','3.2.9.1', null,'not_reported', null,null,false, 0,3,0,null, null,'none',null,0),
 ('AL','3.1.1.1', 52,'number', 52,null,true, 60,70,30,2, null,'none',null,0),
 ('AL','2.1.9.1', 6871,'number', 6871,null,true, 30,40,30,2, null,'none',null,0)
) as t(county_code, indicator_code, value, value_state, least, most, is_lower_bound,
    values_received, values_due, institutions_reporting, counties_reporting, before,
    comparability_before, change, compared)
cross join (values ('2023-Q2', date '2023-06-01', '2023-Q1'), ('2023', date '2023-12-01', '2022'))
    as periods(period, last_month, period_before);

create table marts.period_flow as
select 'AL-04' as county_code, date '2023-06-01' as reporting_month, '2023-Q2' as period, subject,
    unit, value::double as value, 'number' as value_state, least::double as value_least,
    most::double as value_most, rests_on, false as is_lower_bound, false as may_fall,
    null::integer as counties_reporting, null::integer as counties_expected
from (values
    ('initially_identified', 'persons', 7393, 7391, 7393, null),
    ('referred', 'persons', 12, 12, 12, null), ('referral_accepted', 'persons', 11, 11, 11, null),
    ('assisted', 'persons', 10, 10, 10, null),
    ('identified_to_referred', 'days', 1.5, null, null, 12),
    ('cohort', 'persons', 15, null, null, 15), ('cohort_referred', 'persons', 13, null, null, 15),
    ('cohort_accepted', 'persons', 12, null, null, 15),
    ('cohort_assisted', 'persons', 9, null, null, 15), ('cohort_open', 'persons', 4, null, null, 15)
) as t(subject, unit, value, least, most, rests_on);

create table marts.indicator_progress as
select *, 'PKV-2021-2023' as plan_code from (values
    ('AL-04', date '2023-06-01', '3.1.1.1', 20, 20, null, true, 3, 'nation', 666.7, 666.7,
        'no_target', null, null, null, null),
    ('AL', date '2023-12-01', '2.1.9.1', 6871, 6871, null, true, 250, 'nation', 46.0, 154.4,
        'ambiguous', 2, 12, null, null),
    ('AL', date '2023-12-01', '3.1.1.1', 52, 52, null, true, 3, 'nation', 1733.3, 1733.3,
        'achieved', 2, 12, 50, 'sivet')
) as t(county_code, reporting_month, indicator_code, actual_year_to_date, actual_year_to_date_least,
    actual_year_to_date_most, is_lower_bound, target_value, target_scope, progress_annual,
    progress_cumulative, status, counties_reporting, counties_expected, official_value,
    official_source);

create table marts.reporting_rates as
select area as county_code, month::date as reporting_month, 17 as expected,
    case month when date '2023-05-01' then 15 else 17 end as received, 14 as on_time,
    34 as values_expected, 31 as values_received, area = 'AL' as is_lower_bound,
    case when area = 'AL' then 2 end as counties_reporting, 12 as counties_expected,
    case when area = 'AL' then 'AL-01' end as counties_missing
from (values ('AL'), ('AL-04')) as areas(area),
    generate_series(date '2023-01-01', date '2023-12-01', interval 1 month) as months(month);

create table marts.changes as from (values
    ('AL-04', date '2023-05-01', 'previous_release', 'indicator_progress',
        'PKV-2021-2023/3.1.1.1', 'PKV-2021-2023', '3.1.1.1', 'actual_month', 6.0, 5.0, -0.17,
        'correction')
) as t(county_code, reporting_month, compared, mart, mart_row, plan_code, indicator_code, measure,
    value_before, value_after, relative_change, reason);

create table editions.editions as from (values (2023, 4, date '2024-03-31'))
as t(counted_year, edition, cut_off_on);
create table editions.newest_counts as from (values
    (2023, 4, 'AL', '2023', 'initially_identified', 'Të identifikuar', 'Identified', 'total',
        'total', 'gjithsej', 'total', 'persons', 25, 23, 27, 'rounded_5'),
    (2023, 4, 'AL', '2023', 'initially_identified', 'Të identifikuar', 'Identified', 'sex',
        'male', 'meshkuj', 'male', 'persons', null, 0, 10, 'suppressed')
) as t(counted_year, edition, county_code, period, subject, subject_sq, subject_en, dimension,
    category, category_sq, category_en, unit, value, least, greatest, shown_as);
alter table editions.newest_counts add column is_lower_bound boolean default false;
alter table editions.newest_counts add column may_fall boolean default true;
alter table editions.newest_counts add column counties_reporting integer;
alter table editions.newest_counts add column counties_expected integer;
"""

_RESTRICTED = """
create table core.dim_quality_rules as from (values
    ('missing_report', 'warehouse', 'Raporti nuk mbërriti.', 'The report did not arrive.'),
    ('unknown_indicator', 'door', 'Kodi nuk gjendet.', 'The code is not in the register.')
) as t(rule, stage, sentence_sq, sentence_en);
create table core.reporting_obligations as
select 'AL-04-B-FIER' as institution_code, 'AL-04' as county_code, '3.1.1.1' as indicator_code,
    frequency, date '2023-01-01' as valid_from, date '2023-12-31' as valid_to,
    null::date as recorded_to from (values ('monthly')) as t(frequency)
union all select 'AL-04-POLICIA', 'AL-04', '3.1.1.1', 'quarterly', date '2023-01-01',
    date '2023-12-31', null;
create table quality.findings as from (values
    ('missing_report', 'warns', 'AL-04', 'AL-04-B-FIER', date '2023-05-01', 'open',
        timestamp '2023-06-11', null::timestamp),
    ('unknown_indicator', 'blocks', 'AL-04', 'AL-04-POLICIA', date '2023-06-01', 'open',
        timestamp '2023-07-03', null)
) as t(rule, severity, county_code, institution_code, reporting_month, state, found_at, mended_at);
create table marts.reporting_completeness as
select 'AL-04' as county_code, institution, month::date as reporting_month, 1 as expected,
    case when institution = 'AL-04-B-FIER' and month = date '2023-05-01' then 0 else 1 end
        as received,
    1 as on_time, case when month = date '2023-06-01' then 9 else 0 end as days_late
from (values ('AL-04-B-FIER'), ('AL-04-POLICIA')) as t(institution),
    generate_series(date '2023-04-01', date '2023-06-01', interval 1 month) as months(month);
alter table marts.reporting_completeness rename institution to institution_code;
create table marts.reporting_status as
from (values ('AL-04', 'AL-04-POLICIA', date '2023-06-01', 1))
as t(county_code, institution_code, reporting_month, refused);
create table marts.institution_values as from (values
    ('AL-04', date '2023-06-01', 'AL-04-B-FIER', '3.1.1.1', 'total', 2.0, 'number', 'campaigns'),
    ('AL-04', date '2023-06-01', 'AL-04-POLICIA', '3.1.1.1', 'total', 0.0, 'zero', 'campaigns')
) as t(county_code, reporting_month, institution_code, indicator_code, category, value,
    value_state, unit);
create table marts.hotline_activity as from (values
    ('AL-04', date '2023-04-01', 'app', 9, 8, 3, 3, 2, 2, false),
    ('AL-04', date '2023-05-01', 'app', 7, 7, 2, 1, 1, 1, false),
    ('AL', date '2023-05-01', 'app', 12, 12, 9, 8, 3, 3, true)
) as t(county_code, reporting_month, channel, contacts, distinct_contacts, cases, cases_opened,
    referrals, referrals_accepted, is_lower_bound);
create table marts.source_comparison as
select 'AL-04' as county_code, date '2023-05-01' as reporting_month, 'PKV-2021-2023' as plan_code,
    '2.1.9.1' as indicator_code, 'report' as first_source, 6.0 as first_value,
    'sivet' as second_source, 4.0 as second_value, true as is_contradiction,
    'sivet' as official_source, 'definition_differs' as likely_reason,
    'numërohen ndryshe' as reason_sq, 'counted otherwise' as reason_en;
create table marts.identified_persons as from (values
    ('AL-04', '2023-Q2', 'identified', 'total', 'total', 'total', 'total', 15, 'number', null),
    ('AL-04', '2023-Q2', 'identified', 'sex_and_age_group', 'female 0-17', 'female', '0-17', 9,
        'number', 'female under_18'),
    ('AL-04', '2023-Q2', 'identified', 'sex_and_age_group', 'male 18+', 'male', '18+', 6,
        'number', 'male 18_or_over'),
    ('AL-04', '2023-Q2', 'identified', 'exploitation', 'ChildLabour', 'total', 'total', 4,
        'number', 'labour'),
    ('AL-04', '2023-Q2', 'identified', 'exploitation', 'ForcedLabour', 'total', 'total', 3,
        'number', 'labour'),
    ('AL-04', '2023-Q2', 'identified', 'citizenship_group', 'not_asked', 'total', 'total', null,
        'not_asked', 'unknown')
) as t(county_code, period, step, breakdown, category, sex, age_group, persons, value_state,
    eurostat_category);
alter table marts.identified_persons add column persons_least bigint;
alter table marts.identified_persons add column persons_most bigint;
alter table marts.identified_persons add column not_asked bigint default 0;
alter table marts.identified_persons add column is_lower_bound boolean default false;
alter table marts.identified_persons add column may_fall boolean default false;
"""

#: What a public release has no row of.
_PUBLIC = """
drop table marts.period_flow;
delete from marts.period_figures using core.dim_indicators as indicators
    where period_figures.indicator_code = indicators.indicator_code and indicators.is_protected;
delete from marts.indicator_progress using core.dim_indicators as indicators
    where indicator_progress.indicator_code = indicators.indicator_code and indicators.is_protected;
alter table core.dim_indicators drop column is_protected;
"""


def write_released(path: Path, tier: str) -> Path:
    """Write the database of a tier and return its path."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(_CODES + _FIGURES)
        connection.execute(_RESTRICTED if tier == "restricted" else _PUBLIC)
    return path
