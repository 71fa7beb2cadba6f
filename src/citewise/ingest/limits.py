"""Every limit on what is read of one file, in one place."""

from __future__ import annotations

# --- office files ---------------------------------------------------------------------

MAX_UNPACKED_MB = 300  # of an Office or OpenDocument file, which is a zip archive
MAX_PARTS = 20_000  # files within one
MAX_RATIO = 200  # how many times larger a part of more than MIN_RATIO_MB may be unpacked than packed
MIN_RATIO_MB = 20  # small parts may shrink as they like: repeated cells of sheets do
MAX_STREAM_MB = 300  # of an old Office file's stream
MAX_CELLS = 2_000_000  # non-empty cells of a workbook that are read
MAX_ROWS_LOOKED_AT = 1_200_000  # rows of a sheet, the empty ones too; Excel ends at 1,048,576
MAX_REPEATED = 1_000  # times that one row or cell with text is repeated in OpenDocument
MAX_RTF_DEPTH = 2_000  # groups in groups
MAX_SLIDES = 5_000
MAX_CHART_POINTS = 5_000  # of one series

# --- text -----------------------------------------------------------------------------

MAX_RECORDS = 200_000  # lines of JSON lines
MAX_JSON_DEPTH = 4  # keys that a path of headings names
