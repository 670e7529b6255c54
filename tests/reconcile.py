"""Holds an export against the raw log, read independently by DuckDB.

    python tests/reconcile.py ALBSCOPE LOGS

Nothing here knows albscope's code: lines are taken apart by one regular expression, as AWS's own table definition
for Athena does. What it cannot read (lines that are no records) must not be in LOGS.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import polars as pl
import pyarrow.parquet as pq

albscope, logs = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
folder = tempfile.TemporaryDirectory()
out = pathlib.Path(folder.name)
db = duckdb.connect()
db.execute("set timezone = 'UTC'")


def run(*args):
    return subprocess.run([albscope, *map(str, args)], check=True, stdout=subprocess.PIPE).stdout


def export(name, *args):
    run("export", logs, "--quiet", "--output", out / name, *args)
    return out / name


def query(sql):
    return db.sql(sql).fetchall()


def same(what, one, other):
    if one != other:
        sys.exit(f"{what} differ:\n{one}\n{other}")
    print(f"same {what}")


# The raw log. Everything is text here, and `-` is what stands there.
BARE, QUOTED = r"(\S*)", r'"([^"]*)"'
NAMES = (
    "type time elb client target request_time target_time response_time elb_status target_status received sent"
    " request agent cipher protocol target_group trace domain cert priority created actions redirect reason"
    " target_list status_list class class_reason connection host uri transform node target_error elb_error"
).split()
QUOTES = {"request", "agent", "trace", "domain", "cert", "actions", "redirect", "reason", "target_list", "status_list"}
QUOTES |= {"class", "class_reason", "host", "uri", "transform", "target_error", "elb_error"}
PATTERN = "^" + " ".join(QUOTED if name in QUOTES else BARE for name in NAMES) + "$"
db.execute(
    f"""create table raw as
    select filename as object, unnest(regexp_extract(line, '{PATTERN}', {NAMES}))
    from read_csv('{logs}/**/*.log.gz', delim=e'\\x01', quote='', escape='', header=false, auto_detect=false,
                  columns={{'line': 'varchar'}}, filename=true)"""
)
requests = export("requests.parquet")
db.execute(f"create view requests as from '{requests}'")

same("counts of records", query("select count(*) from raw"), query("select count(*) from requests"))
assert query("select count(*) from raw where type = ''") == [(0,)], "the expression reads every line"

# Sums and nulls, column by column.
NUMBERS = {
    "request_processing_time": "request_time",
    "target_processing_time": "target_time",
    "response_processing_time": "response_time",
    "elb_status_code": "elb_status",
    "target_status_code": "target_status",
    "received_bytes": "received",
    "sent_bytes": "sent",
    "matched_rule_priority": "priority",
}
for column, field in NUMBERS.items():
    number = f"nullif(nullif({field}, '-'), '-1')::decimal(18, 3)"
    same(
        f"sum, count, least and largest of {column}",
        query(f"select sum(n), count(n), min(n), max(n) from (select {number} as n from raw)"),
        query(f"select sum(n), count(n), min(n), max(n) from (select {column}::decimal(18, 3) as n from requests)"),
    )
TEXTS = {
    "type": "type",
    "elb": "elb",
    "target": "target",
    "request": "request",
    "user_agent": "agent",
    "ssl_cipher": "cipher",
    "ssl_protocol": "protocol",
    "target_group_arn": "target_group",
    "trace_id": "trace",
    "domain_name": "domain",
    "chosen_cert_arn": "cert",
    "redirect_url": "redirect",
    "error_reason": "reason",
    "classification": "class",
    "conn_trace_id": "connection",
    "transformed_host": "host",
    "transformed_uri": "uri",
    "ip_address": "node",
    "target_error_code": "target_error",
    "elb_error_code": "elb_error",
}
for column, field in TEXTS.items():
    counts = "select {0} as value, count(*) from {1} group by 1 order by 1 nulls first"
    same(
        f"values of {column}",
        query(counts.format(f"nullif({field}, '-')", "raw")),
        query(counts.format(column, "requests")),
    )
for column, field in {"time": "time", "request_creation_time": "created"}.items():
    sums = "select sum(t), count(t), min(t), max(t) from (select epoch_us({0}::timestamptz) as t from {1})"
    same(f"moments of {column}", query(sums.format(f"nullif({field}, '-')", "raw")), query(sums.format(column, "requests")))
elapsed = "epoch_us(time::timestamptz) - epoch_us(created::timestamptz)"
same(
    "elapsed times, to the millisecond",
    query(f"select e, count(*) from (select (({elapsed} + 500) // 1000)::bigint as e from raw) group by 1 order by 1"),
    query("select e, count(*) from (select round(elapsed * 1000)::bigint as e from requests) group by 1 order by 1"),
)
LISTS = {"actions_executed": ("actions", ","), "target_port_list": ("target_list", " "), "target_status_code_list": ("status_list", " ")}
for column, (field, separator) in LISTS.items():
    items = "select list::varchar[] as l, count(*) from (select {0} as list from {1}) group by 1 order by 1 nulls first"
    split = f"case {field} when '-' then null else string_split({field}, '{separator}') end"
    same(f"lists of {column}", query(items.format(split, "raw")), query(items.format(column, "requests")))

# Parts that have a field of their own put together give the field back.
same(
    "clients",
    query("select client, count(*) from raw group by 1 order by 1"),
    query("select client_ip || ':' || client_port as c, count(*) from requests group by 1 order by 1"),
)
same(
    "request lines put together from their parts",
    query("select count(*) from requests where method is not null"),
    query(
        """select count(*) from requests where request = method || ' ' || url_protocol || '://' || url_host || ':' || url_port
           || url_path || coalesce('?' || url_query, '') || ' ' || http_version"""
    ),
)

# Every row leads back to its line.
lines_of_rows = """select object, line, client_ip, trace_id from requests
    using sample reservoir(200 rows) repeatable (1) order by object, line"""
for name, line, client, trace in query(lines_of_rows):
    with gzip.open(name, "rt") as text:
        found = text.read().split("\n")[line - 1]
    assert client in found and (trace is None or trace in found), (name, line)
print("same 200 lines as the object and line of their rows say")

# The report of the same input.
report = json.loads(run("analyze", logs, "--format", "json", "--quiet", "--tables", out / "tables"))
same("counts of requests in the report", [(report["requests"],)], query("select count(*) from requests"))
same("failures", [(report["failures"],)], query("select count(*) from requests where is_failure"))
same(
    "outcomes",
    sorted(report["outcomes"].items()),
    sorted(query("select outcome, count(*) from requests group by 1")),
)
same(
    "pairs of statuses",
    sorted((str(row["elb_status_code"]), str(row["target_status_code"]), row["requests"]) for row in report["status_pairs"]),
    sorted((str(elb), str(target), n) for elb, target, n in query("select elb_status_code, target_status_code, count(*) from requests group by all")),
)
same(
    "requests and failures of targets",
    sorted((row["target_group"], row["target"], row["requests"], row["failures"]) for row in report["targets"]),
    sorted(query("select target_group_arn, target, count(*), count(*) filter (is_failure) from requests where target is not null group by all")),
)
table = lambda name: out / "tables" / f"{name}.parquet"
same("targets in their table", len(report["targets"]), query(f"select count(*) from '{table('targets')}'")[0][0])
for name in ("status_pairs", "minutes", "routes"):
    same(f"requests in the table {name}", query(f"select sum(requests)::bigint from '{table(name)}'")[0][0], {
        "routes": query("select count(*) from requests where route is not null")[0][0],
    }.get(name, report["requests"]))
same(
    "requests by minute and outcome",
    query(f"select epoch_us(start) as s, outcome, sum(requests)::bigint from '{table('minutes')}' group by all order by all"),
    query("select epoch_us(date_trunc('minute', time)) as s, outcome, count(*) from requests group by all order by all"),
)
same(
    "findings",
    [(row["cause"], row["scope"]["target"], row["failures"]) for row in report["findings"]],
    query(f"select cause, target, failures from '{table('findings')}'"),
)

# Causes: each failure in a finding has one, and hardly any has another's.
causes = export("causes.parquet", "--columns", "default,cause,confidence")
explained = report["failures"] - report["unexplained_failures"]
caused = dict(query(f"select cause, count(*) from '{causes}' where cause is not null group by 1"))
found = {}
for row in report["findings"]:
    found[row["cause"]] = found.get(row["cause"], 0) + row["failures"]
assert caused.keys() <= found.keys() and sum(caused.values()) >= explained, (caused, found)
assert query(f"select count(*) from '{causes}' where cause is not null and not is_failure") == [(0,)]
off = sum(abs(caused.get(cause, 0) - failures) for cause, failures in found.items())
assert off <= 0.05 * explained, (caused, found)
print(f"causes of {sum(caused.values())} rows, of {explained} failures in findings")

# The same filter means the same to DuckDB.
for filter in [
    "elb_status_code >= 500 and elapsed > 10",
    "not target_status_code = 200",
    "target_status_code != 200 or target_processing_time is null",
    "outcome in ('connect-timeout', 'idle-timeout') and target_ip = '10.0.11.162'",
    "not (url_query is null or method = 'GET')",
    "is_failure = true and not elapsed < 1.5",
]:
    rows = export("filtered.parquet", "--where", filter)
    same(
        f"rows where {filter}", *(query(f"select object, line from {table} order by all") for table in (f"requests where {filter}", f"'{rows}'")))

# All forms hold the same rows.
columns = pq.read_schema(requests).names
for name in ("requests.csv", "requests.csv.gz"):
    text = export(name, "--allow-formulas")
    read = pl.read_csv(text, infer_schema_length=None, null_values=[""])
    assert read.columns == columns, read.columns
    same(f"rows of {name}", query("select count(*), sum(received_bytes), sum(elapsed)::decimal(18,3) from requests"), query(
        f"select count(*), sum(received_bytes), sum(elapsed)::decimal(18,3) from '{text}'"
    ))
    same(f"requests in {name}", pl.read_parquet(requests)["request"].to_list(), read["request"].to_list())

# A folder by partition, twice; and what one day's objects add to it.
parts = export("parts", "--partition-by", "hour,target_group")
first = sorted(path.relative_to(parts) for path in parts.rglob("*.parquet"))
export("parts", "--partition-by", "hour,target_group")
same("files after a second run", first, sorted(path.relative_to(parts) for path in parts.rglob("*.parquet")))
hive = f"read_parquet('{parts}/**/*.parquet', hive_partitioning = true)"
same(
    "rows by folder",
    query(f"select day::varchar, hour::int, nullif(target_group, '__HIVE_DEFAULT_PARTITION__'), count(*), sum(received_bytes) from {hive} group by all order by all"),
    query("select time::date::varchar, hour(time)::int, target_group, count(*), sum(received_bytes) from requests group by all order by all"),
)
same("rows that Polars sees by folder", pl.scan_parquet(parts / "**/*.parquet", hive_partitioning=True).select(pl.len()).collect().item(), report["requests"])

# A sample is the same whatever it is taken from.
tenth = export("tenth.parquet", "--sample", "10%")
some = export("some.parquet", "--sample", "10%", "--failures-only")
same(
    "failures in a sample",
    query(f"select trace_id from '{tenth}' where is_failure order by 1"),
    query(f"select trace_id from '{some}' order by 1"),
)
print("all is as it should be")
