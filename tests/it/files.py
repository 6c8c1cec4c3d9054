"""Files of binary formats by the reference libraries: ten of each, with three rows each.

Arguments: a folder and formats. Row i of file n of a format has id 10 * n + i and a text.
"""

import sys
from pathlib import Path

import fastavro
import pyarrow
import pyarrow.orc
import pyarrow.parquet

SCHEMA = {
    "type": "record",
    "name": "Row",
    "fields": [{"name": "id", "type": "int"}, {"name": "text", "type": "string"}],
}


def write(folder, format, number):
    rows = [{"id": 10 * number + row, "text": f"{number}, \n{row} é"} for row in range(3)]
    path = Path(folder) / f"{format}-{number}"
    if format in ("avro", "apacheavro"):
        with open(path, "wb") as out:
            fastavro.writer(out, SCHEMA, rows, codec="deflate")
        return
    table = pyarrow.Table.from_pylist(rows, schema=pyarrow.schema([("id", pyarrow.int32()), ("text", pyarrow.string())]))
    {"parquet": pyarrow.parquet.write_table, "orc": pyarrow.orc.write_table}[format](table, path)


for name in sys.argv[2:]:
    for number in range(10):
        write(sys.argv[1], name, number)
