"""The board: a year's months by counties, what runs, what comes next, and which channel fails."""
