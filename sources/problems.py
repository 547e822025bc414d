"""What the door can find wrong with a file, in fixed words.

Belongs here: the sentences, in Albanian and English, and the order in which they are told. Not
here: when a rule is broken (sources.reading) or how grave that is (the register of quality rules).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: Places listed for each rule and column of a file; more would bury the reader.
MAX_PLACES = 100

#: How grave a rule is, the gravest first.
SEVERITIES = ("blocks", "warns", "informs")

_PLACE_WORDS = {"sq": ("fleta", "qeliza", "rreshti"), "en": ("sheet", "cell", "row")}

_SENTENCES: dict[str, tuple[str, str]] = {
    "unreadable_file": (
        "Skedari nuk lexohet: dërgojeni si .xlsx të pambrojtur ose si .csv në UTF-8.",
        "The file can't be read: send it as an unprotected .xlsx or as .csv in UTF-8.",
    ),
    "not_a_file": (
        "Nuk ishte skedar, por lidhje ose diçka tjetër, dhe u hoq: vendosni vetë skedarin.",
        "This was no file but a link or something else, and was removed: put in the file itself.",
    ),
    "misplaced_file": (
        "Skedari nuk ishte në dosjen e një qarku: vendoseni drejtpërdrejt te inbox/AL-04/.",
        "The file did not lie in a county's folder: put it right into inbox/AL-04/, for example.",
    ),
    "file_too_large": (
        "Skedari është më i madh se 32 MiB: ndajeni sipas muajve dhe dërgojeni pjesë-pjesë.",
        "The file is larger than 32 MiB: part it by months and send the parts.",
    ),
    "unopenable_file": (
        "Skedari nuk lejohet të hapet dhe ka mbetur në inbox: jepini krat të drejtën e leximit.",
        "The file may not be opened and stays in the inbox: give krat the right to read it.",
    ),
    "duplicate_delivery": (
        "I njëjti skedar mbërriti përsëri; asgjë nuk ndryshoi.",
        "The same file arrived again; nothing changed.",
    ),
    "no_table": (
        "Skedari nuk është tabelë: dërgojeni si .xlsx ose si .csv në UTF-8.",
        "The file is no table: send it as .xlsx or as .csv in UTF-8.",
    ),
    "damaged": (
        "Skedari është i dëmtuar: ruajeni përsëri si .xlsx dhe dërgojeni.",
        "The file is damaged: save it again as .xlsx and send that.",
    ),
    "locked": (
        "Skedari është i mbrojtur me fjalëkalim: hiqeni fjalëkalimin dhe dërgojeni përsëri.",
        "The file is protected by a password: take it off and send it again.",
    ),
    "too_large": (
        "Skedari është më i madh se sa lejohet: ndajeni sipas muajve dhe dërgojeni pjesë-pjesë.",
        "The file is larger than is allowed: part it by months and send the parts.",
    ),
    "unpacks_to_too_much": (
        "Libri zgjerohet në më shumë se sa lejohet: kopjoni vlerat në një formular të ri.",
        "The workbook unpacks to more than is allowed: copy the values into a fresh form.",
    ),
    "spreads_too_far": (
        "Fleta ka qeliza shumë larg tabelës: kopjoni vlerat në një formular të ri.",
        "The sheet has cells far away from the table: copy the values into a fresh form.",
    ),
    "too_many_parts": (
        "Libri ka më shumë fleta ose pjesë se sa lejohet: lini vetëm fletën e formularit.",
        "The workbook has more sheets or parts than is allowed: keep the form's sheet alone.",
    ),
    "names_elsewhere": (
        "Libri ka pjesë me emra që çojnë jashtë tij: kopjoni vlerat në një formular të ri.",
        "The workbook has parts whose names lead out of it: copy the values into a fresh form.",
    ),
    "declares_a_type": (
        "Libri nuk u shkrua nga një program tabelash: kopjoni vlerat në një formular të ri.",
        "No spreadsheet program wrote this workbook: copy the values into a fresh form.",
    ),
    "other_calendar": (
        "Libri i numëron ditët nga viti 1904: hiqeni këtë te opsionet, shihni datat dhe ruajeni.",
        "The workbook counts days from 1904: turn that off in its options, check the dates, save.",
    ),
    "not_in_columns": (
        "Teksti nuk është në kolona: një thonjëz nuk mbyllet ose rreshti është tepër i gjatë.",
        "The text is not in columns: a quote is not closed, or a cell is far too long.",
    ),
    "unknown_encoding": (
        "Kodimi i shkronjave nuk njihet: ruajeni si «CSV UTF-8».",
        "The encoding of the letters is not known: save it as “CSV UTF-8”.",
    ),
    "active_content": (
        "Libri ka makro, lidhje me skedarë të tjerë ose objekte: ruajeni si .xlsx vetëm me vlera.",
        "The workbook has macros, links to other files or objects: save it as .xlsx, values only.",
    ),
    "formula_in_cell": (
        "Qeliza ka formulë dhe jo vlerë: shkruani vetë numrin.",
        "The cell holds a formula, not a value: write the number itself.",
    ),
    "hidden_cells_read": (
        "Rreshti, kolona ose fleta është e fshehur; vlerat e saj u lexuan.",
        "The row, column or sheet is hidden; its values were read.",
    ),
    "merged_cells_read": (
        "Qelizat janë të bashkuara: vlera u lexua për të gjithë rreshtat e tyre.",
        "The cells are merged: the value was read for each of their rows.",
    ),
    "outdated_form": (
        "Formulari është i vjetër; u lexua. Herën tjetër merrni të riun me krat forms.",
        "The form is an old one; it was read. Next time take the new one, from krat forms.",
    ),
    "over_limits": (
        "Leximi kërkon më shumë kohë ose memorie se sa lejohet: dërgojeni si .csv ose më të vogël.",
        "The file takes more time or memory than is allowed: send it as .csv, or a smaller one.",
    ),
    "unknown_layout": (
        "Formulari nuk njihet: përdorni formularin e krat dhe mos ia ndryshoni emrin.",
        "The form is not known: use the form of krat and leave its name as it is.",
    ),
    "unknown_institution": (
        "Institucioni nuk njihet ose nuk është i njëjtë në gjithë skedarin: shkruani kodin e tij.",
        "The institution is not known, or not the same throughout the file: write its code.",
    ),
    "unknown_municipality": (
        "Bashkia nuk njihet: shkruani emrin ose kodin e saj.",
        "The municipality is not known: write its name or code.",
    ),
    "wrong_county": (
        "Qarku nuk është ai i dosjes a i institucionit: ndreqeni, ose vendoseni te dosja e duhur.",
        "The county is not the folder's or the institution's: mend it, or use the right folder.",
    ),
    "unknown_county": (
        "Qarku nuk njihet: shkruani kodin ose emrin e tij.",
        "The county is not known: write its code or name.",
    ),
    "unknown_month": (
        "Periudha nuk njihet ose është jashtë kalendarit: shkruani muajin si 2023-05.",
        "The period is not known or outside the calendar: write the month as 2023-05.",
    ),
    "form_key_differs": (
        "Koka e formularit nuk është ajo me të cilën u shkrua: merrni formularin e këtij muaji.",
        "The head of the form is not the one that it was written with: take this month's form.",
    ),
    "month_not_begun": (
        "Periudha e raportuar nuk kishte filluar kur mbërriti skedari.",
        "The period reported had not begun when the file arrived.",
    ),
    "report_before_period_end": (
        "Raporti mbërriti para se të mbaronte periudha: shifrat mund të ndryshojnë.",
        "The report arrived before its period ended: the figures may change.",
    ),
    "unknown_indicator": (
        "Kodi i treguesit mungon ose nuk është në regjistër: merreni nga formulari.",
        "The indicator's code is missing or not in the register: take it from the form.",
    ),
    "name_of_another": (
        "Emri i printuar është i një treguesi tjetër, jo i kodit pranë: ndreqni kodin ose emrin.",
        "The printed name is another indicator's, not the code's beside it: mend one of them.",
    ),
    "said_twice": (
        "Skedari e thotë më shumë se një herë dhe jo njësoj: lini vetëm atë që është e saktë.",
        "The file says it more than once, and not alike: leave only what is right.",
    ),
    "remark_left_out": (
        "Rreshti nën tabelë nuk është as vlerë as regjistrim; u la jashtë dhe nuk u lexua.",
        "The row below the table is neither a value nor a record; it was left out, not read.",
    ),
    "totals_row_left_out": (
        "Rreshti i shumës nuk u lexua: shumat i nxjerr krat.",
        "The row of totals was not read: krat adds up by itself.",
    ),
    "unknown_category": (
        "Ndarja nuk është nga ato të treguesit: merreni nga formulari; bosh është totali.",
        "The category is none of the indicator's: take it from the form; blank is the total.",
    ),
    "no_categories": (
        "Ky tregues nuk ka ndarje: lëreni bosh; një rresht i vetëm, totali.",
        "This indicator has no breakdown: leave it blank, in one row, which is the total.",
    ),
    "not_a_number": (
        "Nuk është numër i qartë: shkruani vetëm shifra, pa pikë e presje. «-» nuk është zero.",
        "This is no clear number: write digits only, no point or comma. A dash is not zero.",
    ),
    "error_value": (
        "Qeliza ka një gabim (#N/A, #REF!) dhe jo vlerë: shkruani vetë vlerën.",
        "The cell holds an error (#N/A, #REF!), not a value: write the value itself.",
    ),
    "disguised_value": (
        "Formati i qelizës tregon një numër tjetër (p.sh. 500% për 5): hiqeni dhe shkruani numrin.",
        "The cell's format shows another number (500% for 5, say): take it off, write the number.",
    ),
    "merged_value": (
        "Qelizat janë të bashkuara: ndajini dhe shkruani te secila vlerën e saj.",
        "The cells are merged: part them and write into each its own value.",
    ),
    "negative_count": (
        "Numërimi nuk mund të jetë negativ: shkruani 0 ose një numër më të madh.",
        "A count can't be negative: write 0 or a larger number.",
    ),
    "fractional_count": (
        "Numërimi duhet të jetë numër i plotë: hiqni pjesën pas presjes, ose gjeni numrin e saktë.",
        "A count is a whole number: take off the decimals, or find the right number.",
    ),
    "value_not_reported": (
        "Vlera që kërkohet mungon: shkruani numrin ose zgjidhni gjendjen. Bosh nuk është zero.",
        "The value asked for is missing: write the number or choose a state. Blank is not zero.",
    ),
    "indicator_left_out": (
        "Ky tregues kërkohet nga institucioni dhe nuk është në skedar: shtoni rreshtin e tij.",
        "This indicator is asked of the institution and is not in the file: add its row.",
    ),
    "indicator_not_owed": (
        "Ky tregues nuk kërkohet nga institucioni për këtë muaj: kontrolloni kodin.",
        "This indicator is not asked of the institution for this month: check the code.",
    ),
    "breakdown_does_not_add_up": (
        "Pjesët e ndarjes nuk japin totalin: kontrolloni pjesët dhe totalin.",
        "The parts of the breakdown do not give the total: check the parts and the total.",
    ),
    "part_exceeds_whole": (
        "Pjesa është më e madhe se totali i treguesit: kontrolloni të dyja.",
        "The part is larger than the indicator's total: check both.",
    ),
    "accepted_before_contact": (
        "Referimi u pranua para se të merrej kontakti: kontrolloni të dyja kohët.",
        "The referral was accepted before the contact was received: check both times.",
    ),
    "municipality_in_another_county": (
        "Bashkia nuk është në qarkun e ngjarjes: kontrolloni të dyja.",
        "The municipality is not in the county of the event: check both.",
    ),
    "duplicate_without_original": (
        "Rezultati thotë dyfishim: shkruani i cilit kontakt.",
        "The outcome says duplicate: write of which contact.",
    ),
    "status_without_deciding_body": (
        "Nuk thuhet cili organ e vendosi statusin: shkruani organizatën vendimmarrëse.",
        "Which body decided on the status is not said: write the deciding organisation.",
    ),
    "unknown_code": (
        "Kodi mungon ose nuk është në listë: përdorni një kod nga lista e formularit.",
        "The code is missing or not in the list: use one from the form's list.",
    ),
    "state_contradicts_value": (
        "Gjendja nuk pajtohet me vlerën: lini vetëm njërën.",
        "The state contradicts the value: leave only one of them.",
    ),
    "missing_required_column": (
        "Kolona mungon: shtojeni siç është në formular.",
        "The column is missing: add it as it is in the form.",
    ),
    "implausible_count": (
        "Numri është më i madh se sa mund të jetë: kontrolloni zerot dhe njësinë.",
        "The count is larger than it can be: check its zeros and its unit.",
    ),
    "unit_differs": (
        "Njësia nuk është ajo e treguesit: kontrolloni nëse numri është në njësinë e tij.",
        "The unit is not the indicator's: check whether the number is in its unit.",
    ),
    "unknown_column_dropped": (
        "Kolona nuk është në formular; u la jashtë dhe nuk u lexua.",
        "The column is not in the form; it was left out and not read.",
    ),
    "identity_not_read": (
        "Nuk është emër, numër personal a datëlindje e plotë: personi nuk krahasohet me të tjerë.",
        "This is no whole name, personal number or birth date: the person can't be compared by it.",
    ),
    "invalid_date": (
        "Data mungon, nuk lexohet a nuk mund të jetë: shkruani 2023-05-31 a 2023-05-31 14:30.",
        "The date is missing, unclear or can't be: write 2023-05-31, or 2023-05-31 14:30.",
    ),
    "invalid_frame": (
        "Tabela nuk ka formën e formularit: kopjoni vlerat në një formular të ri.",
        "The table does not have the form's shape: copy the values into a fresh form.",
    ),
    "no_rows": (
        "Tabela nuk ka asnjë rresht: plotësoni formularin dhe dërgojeni përsëri.",
        "The table has no rows: fill in the form and send it again.",
    ),
    "repeated_heading": (
        "Kolona del dy herë: lini vetëm njërën.",
        "The column stands twice: leave only one of them.",
    ),
    "uneven_row": (
        "Rreshti ka më shumë ose më pak qeliza se titujt: kontrolloni ndarësit, ose dërgoni .xlsx.",
        "The row has more or fewer cells than the headings: check the separators, or send .xlsx.",
    ),
    "repeated_row": (
        "I njëjti tregues me të njëjtën ndarje del dy herë: lini vetëm rreshtin e saktë.",
        "The same figure with the same category stands twice: leave only the row that is right.",
    ),
    "repeated_record": (
        "I njëjti kontakt ose e njëjta ngjarje del dy herë: lini vetëm rreshtin e saktë.",
        "The same contact or event stands twice: leave only the row that is right.",
    ),
    "number_was_changed": (
        "Qeliza nuk e mban numrin siç u shkrua (datë, presje, shumë shifra): formatojeni si tekst.",
        "The cell does not hold the number as written (date, decimals, many digits): make it text.",
    ),
    "number_without_digits": (
        "Ky nuk është numër: pa të rreshti nuk lidhet me të tjerë. Shkruajeni ose lëreni bosh.",
        "This is no number, and ties the row to no other: write the number or leave it blank.",
    ),
    "zero_not_shown": (
        "Qeliza ka zero dhe nuk e tregon: shkruani 0 si tekst ose zgjidhni gjendjen zero.",
        "The cell holds a zero and does not show it: write 0 as text or choose the state zero.",
    ),
    "stray_quote": (
        "Rreshti ka thonjëza që bashkojnë disa rreshta: hiqni thonjëzat ose dërgoni .xlsx.",
        "A quotation mark in this row joins several lines: take it off, or send .xlsx.",
    ),
    "sheet_left_out": (
        "Fleta ka kode dhe vlera dhe nuk u lexua: kaloni në formular çfarë duhet raportuar.",
        "The sheet has codes and values and was not read: move what is to be reported to the form.",
    ),
    "above_headings": (
        "Rreshti është mbi titujt e tabelës dhe nuk lexohet: vendoseni poshtë tyre.",
        "The row stands above the table's headings and is not read: move it below them.",
    ),
    "two_reports": (
        "Skedari ka më shumë se një formular: dërgojini veç e veç.",
        "The file holds more than one form: send them one by one.",
    ),
}


@dataclass(frozen=True)
class Problem:
    """What breaks a rule, and where. The messages hold fixed words, never a cell's content.

    `sheet` is None for separated text, `cell` None where no single cell is to blame, `row_number`
    counts from 1 as a spreadsheet does.
    """

    rule: str
    sheet: str | None
    cell: str | None
    row_number: int | None
    message_sq: str
    message_en: str

    def message(self, language: Literal["sq", "en"]) -> str:
        """Return the message in a language."""
        return self.message_sq if language == "sq" else self.message_en

    def told(self, language: Literal["sq", "en"]) -> str:
        """Return the place and the message, as for an officer."""
        sheet, cell, row = _PLACE_WORDS[language]
        parts = [f"{sheet} {self.sheet}"] if self.sheet else []
        if self.cell:
            parts.append(f"{cell} {self.cell}")
        elif self.row_number:
            parts.append(f"{row} {self.row_number}")
        return f"{', '.join(parts)}: {self.message(language)}" if parts else self.message(language)


def problem(
    rule: str,
    *,
    sheet: str | None = None,
    cell: str | None = None,
    row_number: int | None = None,
    headings: tuple[str, ...] = (),
    sentence: str | None = None,
    candidates: Sequence[str] = (),
) -> Problem:
    """Return a problem in the words of its rule, or of a narrower `sentence`.

    `headings` are a layout's own (Albanian, English), named in front of the sentence; `candidates`
    are names of a register that the cell could mean.
    """
    sq, en = _SENTENCES[sentence or rule]
    if candidates:
        sq += f" Mund të jetë: {'; '.join(candidates)}."
        en += f" It could be: {'; '.join(candidates)}."
    if headings:
        sq, en = f"{headings[0]}: {sq}", f"{headings[-1]}: {en}"
    return Problem(rule, sheet, cell, row_number, sq, en)


def severity_of(rule: str, severities: Mapping[str, str]) -> str:
    """Return how grave a rule is: blocks, warns or informs. One that isn't registered blocks."""
    return severities.get(rule, SEVERITIES[0])


def worst_first(problems: Iterable[Problem], severities: Mapping[str, str]) -> list[Problem]:
    """Return problems by their severity, and then as they stand in the file."""

    def order(found: Problem) -> tuple[int, str, int, int, str, str]:
        column = (found.cell or "").rstrip("0123456789")
        return (
            SEVERITIES.index(severity_of(found.rule, severities)),
            found.sheet or "",
            found.row_number or 0,
            len(column),
            column,
            found.rule,
        )

    return sorted(problems, key=order)
