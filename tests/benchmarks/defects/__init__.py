"""Defects planted in clean data, to measure whether they are found: where, and by which rule.

`kinds` spoils files as offices do and knows no rule; `claims.csv` says which rule claims which
kind; `planting` puts the two together over many made-up years.
"""
