"""krat on an office's machine: its data folder, Dagster's processes, and units of systemd."""
