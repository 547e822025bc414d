"""The ready questions of docs/questions.md."""

import re

from orchestration.runtime.settings import PROJECT

PAGE = (PROJECT / "docs" / "questions.md").read_text(encoding="utf-8")

#: Title and SQL of each.
QUESTIONS = re.findall(r"^## (.+?)$.*?```sql\n(.+?);\n```", PAGE, re.MULTILINE | re.DOTALL)
