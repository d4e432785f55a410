from .pdf_file import PdfFile
from .table_file import Amount, CsvFile, XlsxFile
