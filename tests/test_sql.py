"""dbt's unit tests: whether the SQL that decides is right, on rows of its own."""

from orchestration.warehouse.build import COMMON_ARGUMENTS
from sources.custody.home import Home


def test_the_sql_that_decides_is_right(own_home: Home) -> None:
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke(["test", *COMMON_ARGUMENTS, "--select", "test_type:unit"])
    assert outcome.success, outcome.exception
    results = outcome.result.results  # type: ignore[union-attr]
    assert len(results) >= 5
    assert own_home.warehouse.exists()
