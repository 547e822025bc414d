"""Raw Parquet into the star schema: loading the raw schema and running dbt on it."""
