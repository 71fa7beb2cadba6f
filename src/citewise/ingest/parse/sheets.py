"""Workbooks: Excel of every age and OpenDocument, each sheet as a heading and its tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import olefile
import python_calamine as calamine

from citewise.ingest.parse import ole
from citewise.ingest.parse.compose import Composer, collapse, stem
from citewise.ingest.parse.numbers import plain_number
from citewise.ingest.parse.package import Package, open_package
from citewise.ingest.parse.sheet_layout import Budget, SheetRow, write_sheet
from citewise.types import ParsedDocument

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OLD_EXCEL = "application/vnd.ms-excel"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument.spreadsheet"


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read the visible sheets of a workbook: a place for each row, cells as they are shown.

    Raises:
        IngestError: It is damaged, needs a password, or is over a limit.
    """
    with path.open("rb") as file:
        # Not zipfile.is_zipfile: that finds zip archives within old files too.
        is_old = file.read(len(olefile.MAGIC)) == olefile.MAGIC
    if is_old:
        return _parse_old(path, source)
    with open_package(path, source=source) as package:
        if "content.xml" in package:
            return _parse_open_document(package, source)
        if not package.main_part().endswith(".bin"):
            return _parse_excel(package, source)
        title = package.title()
    return _parse_binary(path, source, title)


def _parse_excel(package: Package, source: str) -> ParsedDocument:
    from citewise.ingest.parse.xlsx import Workbook  # noqa: PLC0415 - only what the file needs

    composer = Composer()
    workbook = Workbook(package, composer)
    workbook.write(Budget())
    return composer.document(
        media_type=EXCEL,
        source=source,
        title=package.title() or stem(source),
        images=workbook.images,
        warnings=workbook.warnings,
        left_out=workbook.left_out(),
        unread=workbook.unread,
    )


def _parse_open_document(package: Package, source: str) -> ParsedDocument:
    from citewise.ingest.parse.odf import read_sheets  # noqa: PLC0415 - only what the file needs

    return read_sheets(package, source=source, media_type=OPEN_DOCUMENT)


def _parse_old(path: Path, source: str) -> ParsedDocument:
    from citewise.ingest.parse.xls import PasswordNeededError, Workbook  # noqa: PLC0415 - only what the file needs

    with ole.open_container(path, source=source) as container:
        composer = Composer()
        try:
            workbook = Workbook(ole.stream(container, "Workbook" if container.exists("Workbook") else "Book"), composer)
        except PasswordNeededError as error:
            raise ole.protected(source) from error
        except ole.DamagedError as error:
            raise ole.damaged(source, str(error)) from error
        workbook.write(Budget())
        left_out = workbook.left_out()
        objects = sum(len(names) == 1 and names[0].startswith("MBD") for names in container.listdir(False, True))
        if objects:
            left_out.append(f"{objects} embedded {'object' if objects == 1 else 'objects'}.")
        return composer.document(
            media_type=OLD_EXCEL,
            source=source,
            title=ole.title_of(container) or stem(source),
            images=workbook.images,
            warnings=workbook.warnings,
            left_out=left_out,
            unread=workbook.unread,
        )


def _parse_binary(path: Path, source: str, title: str) -> ParsedDocument:
    """Read a workbook of binary parts (.xlsb)."""
    composer = Composer()
    budget = Budget()
    unread: list[str] = []
    hidden = []
    try:
        workbook = calamine.load_workbook(str(path))
    except calamine.PasswordError as error:
        raise ole.protected(source) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise ole.damaged(source) from error
    for sheet in workbook.sheets_metadata:
        if sheet.visible != calamine.SheetVisibleEnum.Visible:
            hidden.append(sheet.name)
        elif sheet.typ == calamine.SheetTypeEnum.WorkSheet:
            try:
                rows = _rows(workbook.get_sheet_by_name(sheet.name))
            except (calamine.CalamineError, ValueError):
                unread.append(f"Sheet {sheet.name}, which is damaged.")
            else:
                write_sheet(composer, sheet.name, budget.limited(sheet.name, rows))
    return composer.document(
        media_type=EXCEL,
        source=source,
        title=title or stem(source),
        left_out=[f"Hidden {'sheet' if len(hidden) == 1 else 'sheets'}: {', '.join(hidden)}."] if hidden else [],
        unread=[*unread, *budget.unread],
    )


def _rows(sheet: calamine.CalamineSheet) -> Iterator[SheetRow]:
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = {column: words for column, value in enumerate(values) if value != "" and (words := _shown(value))}
        if cells:
            yield SheetRow(number, cells)


def _shown(value: Any) -> str:
    """Show a value of a workbook whose number formats are not read."""
    if isinstance(value, str):
        return collapse(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        shown = value.isoformat(" ", "seconds" if value.second else "minutes")
        return shown.removesuffix(" 00:00")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return plain_number(value)
