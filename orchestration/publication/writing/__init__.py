"""The files of a release: Parquet, CSV, workbook, manifest, signature."""
