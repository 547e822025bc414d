"""The gate: what may be published, county by county and month by month."""
