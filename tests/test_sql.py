"""dbt's unit tests: whether the SQL that decides is right, on rows of its own."""

from orchestration.warehouse.build import run_dbt
from sources.custody.home import Home


def test_the_sql_that_decides_is_right(own_home: Home) -> None:
    outcome = run_dbt("test", ["--select", "test_type:unit"])
    assert outcome.success, outcome.exception
    results = outcome.result.results
    assert len(results) >= 5
    assert own_home.warehouse.exists()
