"""Every limit on what is read of one file, in one place; ``make docs`` writes ``docs/limits.md`` from it.

What is cut off by one stands in the document's parse report; a file that is over one as a
whole fails with a sentence. Time and memory are settings, see ``docs/settings.md``.
"""

from __future__ import annotations

# --- office files ---------------------------------------------------------------------

MAX_UNPACKED_MB = 300  # of an Office or OpenDocument file, which is a zip archive
MAX_PARTS = 20_000  # files within one
MAX_RATIO = 200  # how many times larger a part of more than MIN_RATIO_MB may be unpacked than packed
MIN_RATIO_MB = 20  # small parts may shrink as they like: repeated cells of sheets do
MAX_STREAM_MB = 300  # of an old Office file's stream
MAX_CELLS = 1_000_000  # cells with text that are read of a workbook
MAX_ROWS = 100_000  # rows with text that are read of a workbook or CSV file; each has a place of its own
MAX_MERGED = 100_000  # merged cells of a sheet
MAX_REPEATED = 1_000  # times that one row or cell with text is repeated in OpenDocument
MAX_RTF_DEPTH = 2_000  # groups in groups
MAX_SLIDES = 5_000  # of a presentation
MAX_CHART_POINTS = 5_000  # of one series

# --- PDF and images -------------------------------------------------------------------

MAX_PDF_PAGES = 5_000  # of a PDF
MAX_IMAGE_PAGES = 500  # of one TIFF
MAX_IMAGE_PIXELS = 80_000_000  # of one picture, before anything is done with it

# --- text -----------------------------------------------------------------------------

MAX_RECORDS = 100_000  # lines of JSON lines
MAX_JSON_DEPTH = 4  # keys that a path of headings names

# --- files within files ---------------------------------------------------------------

MAX_INNER_DEPTH = 4  # of attachments in attachments
MAX_INNER_FILES = 1_000  # attachments of one file, those of its attachments too
MAX_MESSAGES = 10_000  # of a mailbox

# --- archives -------------------------------------------------------------------------

MAX_ARCHIVE_FILES = 2_000  # of one archive, those of archives in it too
MAX_ARCHIVE_MB = 1_000  # that one archive unpacks to, those in it too; MAX_RATIO holds for each file
MAX_MEMBER_MB = 200  # of one file of an archive
MAX_ARCHIVE_DEPTH = 3  # of archives in archives
MAX_MEMBER_NAME = 300  # characters, folders included

# --- every file -----------------------------------------------------------------------

MAX_TEXT_MB = 16  # in UTF-8, five times War and Peace; the program holds it twice for a moment
MAX_PIECES = 150_000  # blocks, places and recognised words
