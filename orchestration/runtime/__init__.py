"""What every room uses: settings, the writer lock, the clock."""
