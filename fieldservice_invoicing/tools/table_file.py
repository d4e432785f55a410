# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import csv
import io
from datetime import date
from typing import NamedTuple

import xlsxwriter

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Amount(NamedTuple):
    """A number with its decimals: a cell of a table."""

    value: float
    decimals: int


class CsvFile:
    """A CSV file with one row after another.

    It starts with a byte order mark: without, Excel takes UTF-8 for the code page of
    the computer; other programs know the mark.

    :param file: binary file object
    :param str separator: one character
    """

    def __init__(self, file, separator):
        self._file = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, delimiter=separator)

    def write_header(self, labels):
        """:param labels: texts"""
        self.write_row(labels)

    def write_row(self, values):
        """:param values: texts, dates and :class:`Amount`, in the columns' order"""
        self._writer.writerow(map(self._format, values))

    def close(self):
        """Finish the table; the file stays open."""
        self._file.detach()

    def _format(self, value):
        if isinstance(value, Amount):
            return f"{value.value:.{value.decimals}f}"
        if isinstance(value, date):
            return value.isoformat()
        text = value or ""
        # a spreadsheet would calculate it, or run what it says
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text


class XlsxFile:
    """A workbook with one row after another; memory holds a single row.

    :param file: binary file object
    :param str title: name of the sheet
    """

    def __init__(self, file, title):
        self._workbook = xlsxwriter.Workbook(file, {"constant_memory": True})
        self._sheet = self._workbook.add_worksheet(title[:31])
        self._date_format = self._workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._amount_formats = {}
        self._row = 0

    def write_header(self, labels):
        """:param labels: texts"""
        labels = list(labels)
        style = self._workbook.add_format({"bold": True, "bottom": 1})
        self._sheet.freeze_panes(1, 1)
        self._sheet.set_column(0, len(labels) - 1, 16)
        self._sheet.set_row(0, None, style)
        self.write_row(labels)

    def write_row(self, values):
        """:param values: texts, dates and :class:`Amount`, in the columns' order"""
        for column, value in enumerate(values):
            self._write_cell(column, value)
        self._row += 1

    def close(self):
        """Finish the workbook; the file stays open."""
        self._workbook.close()

    def _write_cell(self, column, value):
        if isinstance(value, Amount):
            style = self._get_amount_format(value.decimals)
            self._sheet.write_number(self._row, column, value.value, style)
        elif isinstance(value, date):
            self._sheet.write_datetime(self._row, column, value, self._date_format)
        elif value:
            # always a text, whatever it starts with
            text = value[: self._sheet.xls_strmax]
            self._sheet.write_string(self._row, column, text)

    def _get_amount_format(self, decimals):
        if decimals not in self._amount_formats:
            digits = f"0.{'0' * decimals}" if decimals else "0"
            style = self._workbook.add_format({"num_format": f"#,##{digits}"})
            self._amount_formats[decimals] = style
        return self._amount_formats[decimals]
