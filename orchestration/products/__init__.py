"""What is published, declared once: tables, columns, codes, and the tree of releases."""
