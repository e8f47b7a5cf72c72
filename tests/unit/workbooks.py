"""Small workbooks of Excel, written part by part: the tests need no writer, and can write what no writer would."""

import datetime as dt
import io
import zipfile
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DAY_ZERO = dt.datetime(1899, 12, 30)
FORMATS = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 22))  # general, date, date and time


def letters(column: int) -> str:
    """Return what Excel calls a column; 0 is A."""
    text, left = "", column + 1
    while left:
        left, at = divmod(left - 1, 26)
        text = chr(65 + at) + text
    return text


def cell(value, row: int, column: int, texts: dict[str, int]) -> str:
    """Return one cell, its text numbered in `texts`; what begins with # and ends with ! is a failed formula."""
    place = f'r="{letters(column)}{row}"'
    if value is None:
        return f'<c {place} s="0"/>'
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, dt.datetime):
        return f'<c {place} s="2"><v>{(value - DAY_ZERO) / dt.timedelta(days=1)}</v></c>'
    if isinstance(value, dt.date):
        return f'<c {place} s="1"><v>{(value - DAY_ZERO.date()).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c {place}><v>{value}</v></c>"
    if value.startswith("#") and value.endswith("!"):
        return f'<c {place} t="e"><f>1/0</f><v>{value}</v></c>'
    return f'<c {place} t="s"><v>{texts.setdefault(value, len(texts))}</v></c>'


def sheet(rows, first: int = 1, texts: dict[str, int] | None = None) -> str:
    """Return a worksheet; its rows begin at row `first`."""
    texts = {} if texts is None else texts
    lines = (
        f'<row r="{at}">{"".join(cell(value, at, column, texts) for column, value in enumerate(row))}</row>'
        for at, row in enumerate(rows, first)
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(**sheets) -> bytes:
    """Return a workbook of named sheets, each given as rows or as XML."""
    names = list(sheets)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        + "".join(f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(names, 1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="rId{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i, _ in enumerate(names, 1)
        )
        + f'<Relationship Id="rIdStyles" Type="{OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rIdTexts" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs>{FORMATS}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": "",
    }
    texts: dict[str, int] = {}
    for at, content in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{at}.xml"] = content if isinstance(content, str) else sheet(content, texts=texts)
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{items}</sst>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of a semicolon CSV, each as text."""
    return [line.split(";") for line in text.splitlines()]
