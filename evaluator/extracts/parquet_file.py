"""A Parquet file as lines of CSV, after its metadata say that it is no bomb and has one value in each cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from evaluator.errors import ExtractError
from evaluator.extracts.archives import MOST_EXPANSION
from evaluator.extracts.cpr import holds_cpr, masked
from evaluator.extracts.table_text import written, written_names

ROWS = 5_000
FREE_CELLS = 50_000_000
MOST_CELLS_PER_BYTE = 1_000
"""Above FREE_CELLS. DREAM over 30 years holds some 30 cells in a byte, since runs of equal ones are kept as one."""
MOST_CELL_BYTES = 100_000


def lines_of_parquet(name: str, file: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows as CSV; raise ExtractError at nested columns, and when they are too many for the file's size."""
    import pyarrow as pa
    from pyarrow import compute, parquet

    source = parquet.ParquetFile(file)
    schema = source.schema_arrow
    for field in schema:
        if pa.types.is_nested(field.type):
            shown = masked(field.name) if holds_cpr(field.name) else field.name
            raise ExtractError(
                f"{name}: column '{shown}' holds lists or records; expected one value in each cell. "
                "Unfold it, or leave it out."
            )
    _refuse_bomb(name, source.metadata, file.seek(0, 2))
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
    source = parquet.ParquetFile(file, read_dictionary=texts)
    yield written_names(schema.names)
    for batch in source.iter_batches(ROWS):
        for number, column in enumerate(batch.columns, 1):
            if pa.types.is_dictionary(column.type) and len(column.dictionary):
                longest = compute.max(compute.binary_length(column.dictionary)).as_py() or 0
                if longest > MOST_CELL_BYTES:
                    raise ExtractError(
                        f"{name}: column {number} holds a text of {longest:,} bytes; expected at most "
                        f"{MOST_CELL_BYTES:,}. Leave the column out."
                    )
        yield written(batch.columns)


def _refuse_bomb(name: str, metadata: object, size: int) -> None:
    rows, columns = metadata.num_rows, metadata.num_columns  # type: ignore[attr-defined]
    groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))  # type: ignore[attr-defined]
    unpacked = sum(group.total_byte_size for group in groups)
    if rows * columns > max(FREE_CELLS, MOST_CELLS_PER_BYTE * size) or unpacked > MOST_EXPANSION * size:
        raise ExtractError(
            f"{name}: the file says that it holds {rows:,} rows of {columns:,} columns in {size:,} bytes; expected "
            "an extract. Look at it yourself, or deliver it as CSV."
        )
