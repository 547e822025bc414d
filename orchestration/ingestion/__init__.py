"""Files into raw Parquet: everything between the inbox and the raw tables."""
