# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import hashlib
import io

from odoo.tools.pdf import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    PdfFileReader,
    generic,
)


class PdfFile:
    """A PDF file to which the pages of other documents are added one by one.

    The writer of `odoo.tools.pdf` holds all documents in memory until the end. This
    one writes each page as it comes, and remembers but its place in the file. What
    documents have in common, as the logo, is written once.

    :param file: binary file object, written from its present position on
    """

    CATALOG, PAGES = 1, 2

    def __init__(self, file):
        self._file = file
        self._start = file.tell()
        self._offsets = {}
        self._stream_numbers = {}
        self._last_number = self.PAGES
        self._pages = ArrayObject()
        file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    @property
    def page_count(self):
        return len(self._pages)

    def append(self, content):
        """Add the pages of a document.

        :param bytes content: a PDF document
        """
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        numbers, waiting = {}, []
        for page in reader.pages:
            values = DictionaryObject(page)
            values[NameObject("/Parent")] = self._refer(self.PAGES)
            number = self._get_next_number()
            self._pages.append(self._refer(number))
            self._write_object(number, values, numbers, waiting)
        while waiting:
            number, value = waiting.pop()
            self._write_object(number, value, numbers, waiting)
        # The reader and what it has read refer to each other: in a large process the
        # garbage collector, which would find out, comes by too seldom.
        vars(reader).clear()

    def close(self):
        """Finish the file, which stays open."""
        pages = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Pages"),
                NameObject("/Kids"): self._pages,
                NameObject("/Count"): generic.NumberObject(self.page_count),
            }
        )
        catalog = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Catalog"),
                NameObject("/Pages"): self._refer(self.PAGES),
            }
        )
        self._write_object(self.PAGES, pages)
        self._write_object(self.CATALOG, catalog)
        self._write_cross_references()

    def _get_next_number(self):
        self._last_number += 1
        return self._last_number

    def _refer(self, number):
        return IndirectObject(number, 0, self)

    def _write_object(self, number, value, numbers=None, waiting=None):
        """Write one object.

        :param int number: of the object in this file
        :param value: the object; its references are changed in place
        :param dict numbers: numbers in this file, by number in the document; without,
            the references are those of this file
        :param list waiting: pairs of number and object that are referred to and have
            not been written yet; added to
        """
        if numbers is not None:
            value = self._renumber(value, numbers, waiting)
        self._offsets[number] = self._file.tell() - self._start
        self._file.write(b"%d 0 obj\n" % number)
        value.write_to_stream(self._file, None)
        self._file.write(b"\nendobj\n")

    def _renumber(self, value, numbers, waiting):
        """The value with references to objects of this file."""
        if isinstance(value, IndirectObject):
            return self._renumber_reference(value, numbers, waiting)
        if isinstance(value, ArrayObject):
            value[:] = [self._renumber(item, numbers, waiting) for item in value]
        elif isinstance(value, DictionaryObject):
            for key, item in value.items():
                value[key] = self._renumber(item, numbers, waiting)
        return value

    def _renumber_reference(self, reference, numbers, waiting):
        if reference.pdf is self:
            return reference
        if reference.idnum not in numbers:
            value = reference.get_object()
            if self._is_page(value):
                # what links to another page would bring all others along
                return generic.NullObject()
            if isinstance(value, generic.StreamObject):
                number = self._write_stream(value, numbers, waiting)
            else:
                number = self._get_next_number()
                waiting.append((number, value))
            numbers[reference.idnum] = number
        return self._refer(numbers[reference.idnum])

    def _write_stream(self, value, numbers, waiting):
        """Number of a stream, which is written unless another document had the same."""
        value = self._renumber(value, numbers, waiting)
        content = io.BytesIO()
        value.write_to_stream(content, None)
        digest = hashlib.sha256(content.getbuffer()).digest()
        if digest not in self._stream_numbers:
            self._stream_numbers[digest] = self._get_next_number()
            self._write_object(self._stream_numbers[digest], value)
        return self._stream_numbers[digest]

    @staticmethod
    def _is_page(value):
        return isinstance(value, DictionaryObject) and (
            value.get("/Type") in ("/Page", "/Pages")
        )

    def _write_cross_references(self):
        start = self._file.tell() - self._start
        size = self._last_number + 1
        self._file.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
        for number in range(1, size):
            self._file.write(b"%010d 00000 n \n" % self._offsets[number])
        trailer = DictionaryObject(
            {
                NameObject("/Size"): generic.NumberObject(size),
                NameObject("/Root"): self._refer(self.CATALOG),
            }
        )
        self._file.write(b"trailer\n")
        trailer.write_to_stream(self._file, None)
        self._file.write(b"\nstartxref\n%d\n%%%%EOF\n" % start)
