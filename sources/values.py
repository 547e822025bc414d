"""The content of one cell as a typed value with its state.

Belongs here: what a number, a date, a month or a word in a cell means. Not here: which cell holds
what (sources.layouts) or whether the value is plausible (expectations).
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from math import isfinite
from pathlib import Path

from babel import Locale

from sources.datafiles import read_yaml

Cell = str | int | float | bool | date | datetime | time | timedelta | None

# [0-9] and not \d: digits of other scripts are no part of the agreed form.
_PLAIN = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,6})?")
#: Thousands parted by spaces or apostrophes, or by a sign that is no decimal sign: it comes twice,
#: or before another.
_GROUPED = re.compile(
    r"[0-9]{1,3}(?: [0-9]{3}){1,3}(?:,[0-9]{1,6})?|[1-9][0-9]{0,2}(?:['’][0-9]{3}){1,2}"
    r"|[1-9][0-9]{0,2}(?:(?:\.[0-9]{3}){2}|(?:\.[0-9]{3}){1,2},[0-9]{1,2})"
    r"|[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){2}|(?:,[0-9]{3}){1,2}\.[0-9]{1,2})"
)
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_WITH_UNIT = re.compile(r"([0-9][0-9 ]*?) ?([^0-9 ][^0-9]*)")
#: A number in digits beside the one in words, and a unit behind them.
_TWICE = re.compile(r"([0-9][0-9 ]*?) ?\(([^0-9()]+)\)([^0-9()]*)|([^0-9()]+?) ?\(([0-9 ]+)\)")
#: A number in quotation marks, behind an apostrophe that keeps it a text, or before a full stop.
_UNQUOTED = re.compile(r"(?:'|[\"«“„](?=[0-9]+[\"»”“]$))?([0-9]+)(?:\.|[\"»”“])?")
#: 3-May and 3.maj 2023, which Excel makes of numbers, and maj 2023.
_DAY = re.compile(r"(?:[0-9]{1,2}[-./ ])?([^\W\d_]+)(?:[-./ ](?:20)?[0-9]{2})?")
#: Albania has 2.4 million inhabitants (census of 2023): nine digits are a telephone's.
_LARGEST = 10**8
_LINES = re.compile(r"[0-9]\s*[\n\r\v\f\x85\u2028\u2029]\s*[0-9]")
_TELEPHONE = re.compile(r"(?:\+|00?)[0-9 ]{8,}")
_LONGEST_KEPT = 400
#: Units whose words say that there were none only where words.yml has them for that.
_OF_PEOPLE = ("persons", "cases")
#: Days of Excel's calendar that can be a report's date: 1990 to 2050.
_SERIALS = range(32874, 55153)
_SERIAL_START = date(1899, 12, 30)
#: What UTF-8 is taken for by mistake; Latin-1 has the letters that cp1252 leaves out.
_CODE_PAGES = ("cp1252", "cp1250", "latin-1")
_DOTLESS = str.maketrans("ëç", "ec")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


@dataclass(frozen=True)
class Words:
    """Words that stand for a number or beside one, made plain: see words.yml."""

    zero: frozenset[str]
    none_marks: frozenset[str]
    none_words: frozenset[str]
    none_verbs: frozenset[str]
    none_particles: frozenset[str]
    none_nouns: frozenset[str]
    none_frames: frozenset[str]
    tails: tuple[str, ...]
    numerals: dict[str, int]
    value_states: frozenset[str]
    no_numbers: tuple[tuple[str, re.Pattern[str]], ...]
    unknown: frozenset[str]
    units: dict[str, frozenset[str]]
    no_unit: frozenset[str]
    months: dict[str, int]
    foreign_months: dict[str, int]
    totals: frozenset[str]
    missing: dict[str, str]
    no_number: frozenset[str]
    signatures: frozenset[str]
    final: frozenset[str]
    draft: frozenset[str]


@cache
def load_words() -> Words:
    """Return the words of words.yml."""
    path = Path(__file__).with_name("words.yml")
    content = read_yaml(path)
    return Words(
        zero=frozenset(map(plain, content["zero"])),
        none_marks=frozenset(map(plain, content["sentence_of_none"]["marks"])),
        none_words=frozenset(map(plain, content["sentence_of_none"]["words"])),
        none_verbs=frozenset(map(plain, content["sentence_of_none"]["verbs"])),
        none_particles=frozenset(map(plain, content["sentence_of_none"]["particles"])),
        none_nouns=frozenset(map(plain, content["sentence_of_none"]["nouns"])),
        none_frames=frozenset(map(plain, content["sentence_of_none"]["frames"])),
        tails=tuple(f" {plain(word)}" for word in content["tails"]),
        numerals=_numerals(**content["numerals"]),
        value_states=frozenset(content["value_states"]),
        no_numbers=tuple(
            (each["sentence"], re.compile(each["form"])) for each in content["no_numbers"]
        ),
        unknown=frozenset(map(plain, content["unknown"])),
        units={unit: frozenset(map(plain, words)) for unit, words in content["units"].items()},
        no_unit=frozenset(map(plain, content["no_unit"])),
        months=_month_names(["sq"], content["months"]),
        foreign_months=_month_names(["sq", *content["month_languages"]], content["months"]),
        totals=frozenset(map(plain, content["totals"])),
        missing={plain(word): kind for kind, words in content["missing"].items() for word in words},
        no_number=frozenset(map(plain, content["no_number"])),
        signatures=frozenset(map(plain, content["signatures"])),
        final=frozenset(map(plain, content["versions"]["final"])),
        draft=frozenset(map(plain, content["versions"]["draft"])),
    )


def _numerals(below_ten: list[str], tens: list[str], spellings: dict[str, str]) -> dict[str, int]:
    """Return the numbers from 0 to 999 by their words."""
    small = [*below_ten, tens[0], *(f"{word}mbëdhjetë" for word in below_ten[1:])]
    for ten in tens[1:]:
        small += [ten, *(f"{ten} e {word}" for word in below_ten[1:])]
    words = dict(zip(map(plain, small), range(100), strict=True))
    for number, word in enumerate(below_ten[1:], start=1):
        hundreds = plain(f"{word}qind")
        words[hundreds] = 100 * number
        words |= {
            f"{hundreds} e {plain(each)}": 100 * number + at for at, each in enumerate(small) if at
        }
    return words | {
        re.sub(rf"\b{plain(usual)}\b", plain(other), each): number
        for other, usual in spellings.items()
        for each, number in words.items()
    }


def _month_names(languages: list[str], other_spellings: dict[int, list[str]]) -> dict[str, int]:
    """Return the numbers of months by their names, abbreviations and other spellings."""
    names: dict[str, int] = {}
    for language in languages:
        known = Locale(language).months
        for table in (known["format"]["wide"], known["format"]["abbreviated"]):
            for month, name in table.items():
                names.setdefault(plain(name).rstrip("."), month)
    more = {plain(name): month for month, words in other_spellings.items() for name in words}
    return names | more


@dataclass(frozen=True)
class Count:
    """A count as read: `state` is one of fct_actuals' value states.

    `value` is a number for the states number and zero only. `rule` names the door rule that the
    cell breaks, and `sentence` the words on it, if it has its own; then there is no value.
    """

    value: float | None
    state: str
    note: str | None = None
    rule: str | None = None
    sentence: str | None = None


_NOTHING = Count(None, "not_reported")


def cell_text(cell: Cell) -> str:
    """Return a cell as NFC text without spaces at its ends; a blank cell is ''.

    A whole number in a spreadsheet is a float: 12.0 is the text '12'.
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    text = str(cell)
    if text.isascii():
        return " ".join(text.split())
    if is_encoded_twice(text):
        text = _encoded_once(text)
    # split() knows every kind of space, the non-breaking ones included.
    return " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())


def is_encoded_twice(text: str) -> bool:
    """Tell whether text has letters that UTF-8 shows when it is taken for a Windows code page."""
    return "Ã" in text or "Â" in text or "Ă" in text


def _encoded_once(text: str) -> str:
    """Return text that was encoded twice ("QershÃ«r") as it was meant; other text as it is."""
    for code_page in _CODE_PAGES:
        try:
            once = text.encode(code_page).decode("utf-8")
        except UnicodeError:
            continue
        return _encoded_once(once) if is_encoded_twice(once) and once != text else once
    return text


def folded(cell: Cell) -> str:
    """Return a cell's text for comparison: case does not count."""
    # The same headings, codes and words stand in every file.
    if type(cell) is str and len(cell) <= _LONGEST_KEPT:
        return _folded(cell)
    return unicodedata.normalize("NFC", cell_text(cell).casefold())


@lru_cache(maxsize=20_000)
def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", cell_text(text).casefold())


def plain(cell: Cell) -> str:
    """Return a cell's text for comparison with words and names: case doesn't count, nor do dots.

    Who has no Albanian keyboard writes "Celesi" for "Çelësi".
    """
    return folded(cell).translate(_DOTLESS)


def missing_kind(cell: Cell) -> str | None:
    """Return which kind of nothing a cell of a record says, or None if it says something.

    Blank is `blank`: whether that is not reported or not applicable depends on the row. Words are
    those of words.yml: not_reported, not_applicable, unknown, refused.
    """
    text = plain(cell)
    return load_words().missing.get(text.rstrip(".!")) if text.strip(".!") else "blank"


def code_key(cell: Cell) -> str:
    """Return a cell's text for looking up a code: `plain`, and no space, underscore or hyphen.

    Between digits they part numbers, and stay: 0-17 is not 017, nor 2.1.1-2.1 indicator 2.1.12.1.
    """
    # The same names stand in every file.
    if type(cell) is str and len(cell) <= _LONGEST_KEPT:
        return _code_key(cell)
    return _code_key_of(cell)


def _code_key_of(cell: Cell) -> str:
    text = re.sub(r" ?[-–—−] ?", "-", plain(cell)).rstrip(".")
    return re.sub(r"(?<![0-9])[ _-]|[ _-](?![0-9])", "", text)


_code_key = lru_cache(maxsize=20_000)(_code_key_of)


def case_number(cell: Cell) -> str:
    """Return the number of a case or contact for comparison.

    Case doesn't count, nor do a word for number before it, zeros before its digits, spaces around
    its marks, or a space or hyphen between letters and digits: "Nr. R - 007" is r7.
    """
    text = re.sub(r"[‐‑–—−]", "-", plain(cell))
    text = re.sub(r"^(?:nr\b\.?|numri\b|#) ?", "", text)
    text = re.sub(r" ?([-/._]) ?", r"\1", text)
    text = re.sub(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))", "", text)
    text = re.sub(r"(?<=[^\W\d_])[ -](?=[0-9])", "", text)
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", text)


def has_number(text: str) -> bool:
    """Tell whether the number of a case says which: a year, zeros or a question mark do not."""
    return "?" not in text and bool(re.search(r"[1-9]", re.sub(r"/20[0-9]{2}$", "", text)))


def heading_key(cell: Cell) -> str:
    """Return a heading for comparison: `plain`, and no space, dot, colon or asterisk."""
    return re.sub(r"[ .:*]", "", plain(cell))


def read_count(cell: Cell, unit: str | None = None) -> Count:
    """Return the count in a cell, of things of a `unit` if one is known.

    Blank is not reported, 0 is zero. A word of the unit may stand behind the number. Thousands are
    parted by spaces, decimals by a comma or a point. '1.900' and '1,900' can be 1900 or 1.9 and are
    no number here, nor are numbers in two lines. Words say zero or a state where words.yml has
    them. A stored number is as it shows at 15 digits. Never raises.
    """
    if cell is None or cell == "":
        return _NOTHING
    if isinstance(cell, (date, time, timedelta)):
        return _no_count("not_a_number", "date_value")
    if isinstance(cell, bool):
        return _no_count("not_a_number")
    if isinstance(cell, (int, float)):
        if abs(cell) >= _LARGEST:
            return _no_count("not_a_number")
        number = float(cell)
        # A sum of decimals is stored as 409.99999999999994, and no program shows that.
        exact = number if number.is_integer() else float(f"{number:.15g}")
        return _counted(exact, "equal at 15 digits" if exact != number else None)
    text = plain(cell)
    if not text:
        return _NOTHING
    if _LINES.search(cell):
        return _no_count("not_a_number", "two_lines")
    words = load_words()
    if twice := _TWICE.fullmatch(text):
        digits, unit_behind = twice[1] or twice[5], twice[3] or ""
        said = words.numerals.get((twice[2] or twice[4]).strip())
        if said is not None:
            return _said_twice(said, read_count(f"{digits} {unit_behind}".strip(), unit))
    if not text[0].isdecimal():
        spoken = re.sub(r"[«»\"]", " ", re.sub(r"[’`´]", "'", text)).strip(".! ")
        if _is_zero(spoken, words) or _says_none(spoken, words, unit):
            return Count(0.0, "zero", note="words read as zero")
        if spoken in words.unknown:
            return Count(None, "unknown", note="a word for some, not a number")
        kind = words.missing.get(spoken)
        if kind in words.value_states and re.search(r"[^\W_]", spoken):
            return Count(None, kind, note="words read as a state")
    elif (found := _WITH_UNIT.fullmatch(text.rstrip(".! "))) and found[2] in words.units.get(
        unit or "", ()
    ):
        count = read_count(found[1])
        notes = [count.note, "a unit stood behind the number"]
        return count if count.rule else replace(count, note="; ".join(filter(None, notes)))
    if bare := _UNQUOTED.fullmatch(text):
        text = bare[1]
    negative = text[0] in "-−"
    told = _no_count("not_a_number", _sentence_on(text, words))
    digits = text[1:].strip() if negative else text
    if _AMBIGUOUS.fullmatch(digits):
        return _no_count("not_a_number", "ambiguous_value")
    grouped = _GROUPED.fullmatch(digits) is not None
    if not grouped and not _PLAIN.fullmatch(digits):
        return told
    number = _float(digits, is_grouped=grouped)
    if number >= _LARGEST or _TELEPHONE.fullmatch(digits):
        return _no_count("not_a_number")
    note = ("thousands spaces" if " " in digits else "thousands signs") if grouped else None
    if note is None and not digits.isdecimal():
        note = "a decimal sign"
    return _counted(-number if negative else number, note)


def _float(digits: str, *, is_grouped: bool) -> float:
    """Return the number in digits with decimals behind a point or comma, or with thousands."""
    if is_grouped:
        last = max(digits.rfind(","), digits.rfind("."))
        has_decimals = last >= 0 and (" " in digits or len(digits) - last < 4)
        whole, decimals = (digits[:last], digits[last + 1 :]) if has_decimals else (digits, "0")
        return float(f"{re.sub('[^0-9]', '', whole)}.{decimals}")
    return float(digits.replace(",", "."))


def _said_twice(said: int, count: Count) -> Count:
    """Return the count that a cell says in digits, if it is the one that it says in words."""
    if count.value is None:
        return count
    if count.value != said:
        return _no_count("not_a_number", "words_differ")
    return replace(count, note="; ".join(filter(None, [count.note, "the number in words too"])))


def _is_zero(spoken: str, words: Words) -> bool:
    """Tell whether a text is a word for zero, with or without what changes nothing behind it."""
    return spoken in words.zero or any(
        spoken.removesuffix(tail) in words.zero for tail in words.tails if spoken.endswith(tail)
    )


def _sentence_on(text: str, words: Words) -> str | None:
    """Return the sentence that helps whoever wrote this in place of a number; None for others."""
    if len(text) > _LONGEST_KEPT:
        return "sentence_value"
    day = _DAY.fullmatch(text)
    if day and day[1] in words.foreign_months and day[1] != text:
        return "date_value"
    return next((name for name, form in words.no_numbers if form.fullmatch(text)), None)


def _says_none(spoken: str, words: Words, unit: str | None) -> bool:
    """Tell whether a sentence says that there were none: each of its clauses does.

    "Nuk kemi raste, kishte një viktimë" says that there was one.
    """
    if len(spoken) > _LONGEST_KEPT:
        return False
    frame, _, behind = spoken.partition(" se ")
    if behind and words.none_frames.issuperset(frame.split()):
        spoken = behind
    # "Nuk u gjet viktima" tells of one.
    own = frozenset() if unit in _OF_PEOPLE else words.units.get(unit or "", frozenset())
    nouns = words.none_nouns | own
    clauses = [clause.split() for clause in re.split(r"[.,;:!()]", spoken.replace("s'", "s' "))]
    return any(nouns.intersection(clause) for clause in clauses) and all(
        _denies(clause, words, nouns) for clause in clauses if clause
    )


def _denies(clause: list[str], words: Words, nouns: frozenset[str]) -> bool:
    """Tell whether a clause denies: no verb in it stands without a mark before it."""
    known_words = (words.none_marks, nouns, words.none_words, words.months)
    before = ""
    for word in clause:
        if word in words.none_particles:
            continue
        if word in words.none_verbs:
            if before not in words.none_marks:
                return False
        elif not any(word in known for known in known_words) and not (
            before in words.months and re.fullmatch("20[0-9]{2}", word)
        ):
            return False
        before = word
    return any(word in words.none_marks for word in clause)


def read_month(cell: Cell) -> date | None:
    """Return the first day of the month in a cell, or None if it holds no month.

    Reads 2023-05, 05.2023, 05/2023, 'maj 2023', 'Maji-2023', 'Maj-23', and a date that is the first
    of a month, as of read_date.
    """
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        cell = read_date(cell)
    if isinstance(cell, datetime):
        cell = cell.date() if cell.time() == time() else None
    if isinstance(cell, date):
        return cell if cell.day == 1 else None
    return _month_in(plain(cell).removeprefix("muaji ").rstrip("."))


@lru_cache(maxsize=1_000)
def _month_in(text: str) -> date | None:
    if found := re.fullmatch(r"([0-9]{4})[-./]([0-9]{1,2})", text):
        return _date(int(found[1]), int(found[2]), 1)
    if found := re.fullmatch(r"([0-9]{1,2})[-./]([0-9]{4})", text):
        return _date(int(found[2]), int(found[1]), 1)
    # Excel writes a month as Maj-23; a day would stand before its month.
    if found := re.fullmatch(r"([^\W\d]+)\.?[ ,\-/]+((?:20)?[0-9]{2})", text):
        month = load_words().foreign_months.get(found[1])
        return _date(2000 + int(found[2]) % 100, month, 1) if month else None
    day = read_date(text)
    return day if day and day.day == 1 else None


def read_year(cell: Cell) -> date | None:
    """Return December of the year in a cell, or None: a year's figure is due with its last month.

    Reads a year of four digits only.
    """
    text = cell_text(cell) if isinstance(cell, (str, int, float)) else ""
    return _date(int(text), 12, 1) if re.fullmatch(r"[0-9]{4}", text) else None


def read_date(cell: Cell) -> date | None:
    """Return the date in a cell, or None.

    Reads 2023-05-31, 31.05.2023, 31/05/2023, '31 maj 2023', each with a midnight behind it, a date
    cell, and a whole number that is a day of Excel's calendar from 1990 to 2050. 05/03/2023 is not
    read: the day may stand first or second.
    """
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return serial_day(cell) if cell in _SERIALS else None
    text = plain(cell).rstrip(".")
    # A day that was exported with the time of a cell of its own.
    text = re.sub(r"[ t]00:00(:00)?(\.0+)?$", "", text)
    if found := re.fullmatch(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})", text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text):
        return _date(int(found[3]), int(found[2]), int(found[1]))
    if found := re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text):
        day, month = int(found[1]), int(found[2])
        return _date(int(found[3]), month, day) if day > 12 or day == month else None
    if found := re.fullmatch(r"([0-9]{1,2})[ -]([^\W\d]+),?[ -]([0-9]{4})", text):
        named = load_words().months.get(found[2])
        return _date(int(found[3]), named, int(found[1])) if named else None
    return None


def serial_day(number: float) -> date:
    """Return the day of a number of Excel's calendar; OverflowError beyond the year 9999."""
    return _SERIAL_START + timedelta(days=int(number))


def read_timestamp(cell: Cell) -> datetime | None:
    """Return the time in a cell as written, without a zone, or None.

    Reads a date as of read_date followed by HH:MM or HH:MM:SS, and a date-time cell. A date alone
    is no time.
    """
    if isinstance(cell, datetime):
        # Excel's fraction of a day is seldom a whole second.
        return (cell + timedelta(milliseconds=500)).replace(microsecond=0, tzinfo=None)
    found = re.fullmatch(
        r"(.+?)(?:,? (?:ora )?|t)([0-9]{1,2})[:.]([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?",
        plain(cell) if isinstance(cell, str) else "",
    )
    day = read_date(found[1]) if found else None
    if found is None or day is None:
        return None
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return datetime(day.year, day.month, day.day, hour, minute, second)


def _no_count(rule: str, sentence: str | None = None) -> Count:
    return Count(None, "unknown", rule=rule, sentence=sentence)


def _counted(number: float, note: str | None) -> Count:
    if not isfinite(number):
        return _no_count("not_a_number")
    if number < 0:
        return _no_count("negative_count")
    if not number.is_integer():
        return _no_count("fractional_count")
    return Count(abs(number), "number" if number else "zero", note=note)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
