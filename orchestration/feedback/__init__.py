"""What goes back to those who report: checks, slips, reminders, status."""
