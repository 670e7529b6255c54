"""Types, nulls and lists of an exported Parquet file, as three independent readers see them.

    python tests/parquet.py ALBSCOPE

pyarrow, Polars and DuckDB each read what `albscope export` writes of a few made lines: every column's type, which
values are null, and lists with absent items, alone, mixed and in a file without any.
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

albscope = pathlib.Path(sys.argv[1]).resolve()
folder = tempfile.TemporaryDirectory()
out = pathlib.Path(folder.name)

FIELDS = {
    "type": "http",
    "time": "2026-11-22T08:00:00.002000Z",
    "elb": "app/shop/50dc6c495c0c9188",
    "client": "192.0.2.7:40000",
    "target": "10.0.0.1:80",
    "request_time": "0.000",
    "target_time": "0.001",
    "response_time": "0.000",
    "elb_status": "200",
    "target_status": "200",
    "received": "34",
    "sent": "366",
    "request": '"GET http://a.example:80/ HTTP/1.1"',
    "agent": '"curl/8.5"',
    "cipher": "-",
    "protocol": "-",
    "target_group": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/73e2d6bc24d8a067",
    "trace": '"Root=1-6921698f-000000000000000000000001"',
    "domain": '"-"',
    "cert": '"-"',
    "priority": "0",
    "created": "2026-11-22T08:00:00.000000Z",
    "actions": '"forward"',
    "redirect": '"-"',
    "reason": '"-"',
    "target_list": '"10.0.0.1:80"',
    "status_list": '"200"',
    "class": '"-"',
    "class_reason": '"-"',
}


def line(**changes):
    return " ".join({**FIELDS, **changes}.values()) + "\n"


def export(name, *lines):
    (out / f"{name}.log").write_text("".join(lines))
    file = out / f"{name}.parquet"
    subprocess.run([albscope, "export", out / f"{name}.log", "--quiet", "--output", file], check=True, stdout=subprocess.DEVNULL)
    return file


def same(what, expected, *found):
    for value in found:
        if value != expected:
            sys.exit(f"{what}: expected\n{expected}\nfound\n{value}")
    print(f"same {what}")


# Types and nulls. Of the second client and target only the ports are known.
failed = line(
    request_time="-1", target_time="-1", target_status="-", client=":8080", target=":80", actions='"-"', status_list='"- 200"'
)
file = export("types", line(), failed)
frame, table = pl.read_parquet(file), pq.read_table(file)
types = {
    "elb": (pl.String, "VARCHAR"),
    "client_port": (pl.Int64, "BIGINT"),
    "elb_status_code": (pl.Int64, "BIGINT"),
    "received_bytes": (pl.Int64, "BIGINT"),
    "target_processing_time": (pl.Float64, "DOUBLE"),
    "elapsed": (pl.Float64, "DOUBLE"),
    "is_failure": (pl.Boolean, "BOOLEAN"),
    "actions_executed": (pl.List(pl.String), "VARCHAR[]"),
    "target_status_code_list": (pl.List(pl.Int64), "BIGINT[]"),
    "time": (pl.Datetime("us", "UTC"), "TIMESTAMP WITH TIME ZONE"),
}
described = {name: kind for name, kind, *_ in duckdb.sql(f"describe select * from '{file}'").fetchall()}
for column, (polars_type, duckdb_type) in types.items():
    same(f"type of {column} in Polars", polars_type, frame.schema[column])
    same(f"type of {column} in DuckDB", duckdb_type, described[column])
same("type of time in pyarrow", pa.timestamp("us", "UTC"), table.schema.field("time").type)
same("number of rows", 2, frame.height, table.num_rows)
nulls = {
    "request_processing_time": 1,
    "target_processing_time": 1,
    "target_status_code": 1,
    "actions_executed": 1,
    "client_ip": 1,
    "client_port": 0,
    "target_ip": 1,
    "target_port": 0,
    "response_processing_time": 0,
    "url_query": 2,
    "target_status_code_list": 0,
}
for column, count in nulls.items():
    counted = duckdb.sql(f"select count(*) - count({column}) from '{file}'").fetchall()[0][0]
    same(f"nulls of {column}", count, frame[column].null_count(), table[column].null_count, counted)
same("elapsed time", 0.002, frame["elapsed"][0], table["elapsed"][0].as_py())


# Lists. An item that is no number is null, and so is a list that was not delivered.
def items(text):
    if text in ("-", ""):
        return None
    return [int(item) if item.isdigit() else None for item in text.split()]


LISTS = ["-", "", "200", "200 404", "- 200", "-  -", "x 200 x", "404 200 404 200", " "]
for name, lists in {
    "some": [LISTS[row % len(LISTS)] for row in range(1000)],
    "none": ["-", "", "-"],
    "nothing": ["- -"],
    "one": ["200"] * 300,
}.items():
    file = export(name, *(line(status_list=f'"{text}"') for text in lists))
    for column, expected in {
        "target_status_code_list": [items(text) for text in lists],
        "target_port_list": [["10.0.0.1:80"]] * len(lists),
    }.items():
        same(
            f"lists of {column} in the file {name}",
            expected,
            pl.read_parquet(file)[column].to_list(),
            pq.read_table(file)[column].to_pylist(),
            [row[0] for row in duckdb.sql(f"select {column} from '{file}'").fetchall()],
        )
print("types, nulls and lists are as they should be")
