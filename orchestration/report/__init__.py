"""The periodic report of an area: what it tells, and its Word, HTML and PDF files."""
