//! What `albscope export` writes: every record once, every value in its column, and only complete files.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use albscope::export::requests::RequestTable;
use albscope::export::{Destination, Export, Filter, TableFormat, columns_of};
use albscope::kind::alb;
use albscope::table::schema::Table;
use albscope::{Progress, ReadOptions, source};
use flate2::read::MultiGzDecoder;
use polars_parquet::parquet::schema::Repetition;

use common::program::{self, ProgramRun, finish, signal};
use common::{LineBuilder, Logs, gzip, line};

fn command(folder: &Path, args: &[&str]) -> Command {
    program::command(folder, &[&["export"], args].concat())
}

fn run(folder: &Path, args: &[&str]) -> ProgramRun {
    finish(command(folder, args))
}

/// The standard output of a run, which must succeed without a message.
fn export(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    assert_eq!((output.code, &*output.stderr), (Some(0), ""), "{args:?}");
    output.stdout
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

/// Rows of a CSV text, by column.
fn rows_of(text: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text);
    let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let rows = reader.into_records().map(|row| row.expect("a row of as many fields"));
    rows.map(|row| names.iter().cloned().zip(row.iter().map(str::to_owned)).collect()).collect()
}

/// The row of one line, exported without apostrophes for spreadsheets.
fn row_of(line: &[u8]) -> BTreeMap<String, String> {
    let logs = Logs::new();
    logs.write("a.log", line);
    let text =
        export(logs.path(), &["a.log", "-o", "-", "--format", "csv", "--allow-formulas", "--columns", "default,text"]);
    let mut rows = rows_of(text.as_bytes());
    assert_eq!(rows.len(), 1, "one line gives one row");
    rows.remove(0)
}

/// `count` lines, one for each second from `first` on.
fn lines(first: u64, count: u64) -> String {
    let lines = (first..first + count).map(|second| {
        let time = format!("2026-11-22T{:02}:{:02}:{:02}", second / 3600 % 24, second / 60 % 60, second % 60);
        let status = if second % 10 == 0 { ("502", "-") } else { ("200", "200") };
        let line = line()
            .field(alb::TIME, &format!("{time}.500000Z"))
            .field(alb::REQUEST_CREATION_TIME, &format!("{time}.000000Z"))
            .field(alb::ELB_STATUS_CODE, status.0)
            .field(alb::TARGET_STATUS_CODE, status.1)
            .field(alb::TRACE_ID, &format!("\"Root=1-6921698f-{second:024x}\""))
            .request(&format!("GET http://a.example:80/items/{second} HTTP/1.1"));
        line.build() + "\n"
    });
    lines.collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The text of each data file of a folder, by its path in the folder.
fn parts(folder: &Path) -> BTreeMap<String, String> {
    let files = files_below(folder).into_iter().filter(|path| !path.to_string_lossy().contains("/_albscope."));
    let name = |path: &Path| path.strip_prefix(folder).expect("it lies below").to_string_lossy().into_owned();
    files.map(|path| (name(&path), text_of(&fs::read(&path).expect("a file")))).collect()
}

fn parquet_rows(path: &Path) -> (i64, Vec<i64>) {
    let mut file = fs::File::open(path).expect("a file");
    let metadata = polars_parquet::read::read_metadata(&mut file).expect("a Parquet file");
    let groups = metadata.row_groups.iter().map(|group| i64::try_from(group.num_rows()).expect("a count"));
    (i64::try_from(metadata.num_rows).expect("a count"), groups.collect())
}

#[test]
fn every_field_is_in_its_column() {
    let row = row_of(line().build_bytes().as_slice());
    for (column, expected) in [
        ("type", "https"),
        ("time", "2026-11-22T07:41:20.518414Z"),
        ("elb", "app/shop/50dc6c495c0c9188"),
        ("client_ip", "192.0.2.10"),
        ("client_port", "55123"),
        ("target", "10.0.0.1:80"),
        ("target_ip", "10.0.0.1"),
        ("target_port", "80"),
        ("request_processing_time", "0"),
        ("target_processing_time", "0.001"),
        ("response_processing_time", "0"),
        ("times_absent", ""),
        ("elb_status_code", "200"),
        ("target_status_code", "200"),
        ("received_bytes", "120"),
        ("sent_bytes", "353"),
        ("request", "GET http://a.example:80/ HTTP/1.1"),
        ("method", "GET"),
        ("url_protocol", "http"),
        ("url_host", "a.example"),
        ("url_port", "80"),
        ("url_path", "/"),
        ("url_query", ""),
        ("http_version", "HTTP/1.1"),
        ("user_agent", "curl/8.5.0"),
        ("target_group_arn", common::TARGET_GROUP),
        ("target_group", "api"),
        ("trace_id", "Root=1-6b029ca0-36d228ad5d99923122bbe354"),
        ("domain_name", ""),
        ("matched_rule_priority", "0"),
        ("request_creation_time", "2026-11-22T07:41:20.516000Z"),
        ("actions_executed", "forward"),
        ("target_port_list", "10.0.0.1:80"),
        ("target_status_code_list", "200"),
        ("conn_trace_id", "TID_1"),
        ("ip_address", "198.51.100.7"),
        ("unknown_fields", ""),
        ("elapsed", "0.002"),
        ("elapsed_from", "request_creation_time"),
        ("outcome", "ok"),
        ("answered_by", "target"),
        ("is_failure", "false"),
        ("route", "GET /"),
        ("object", "a.log"),
        ("line", "1"),
    ] {
        assert_eq!(row[column], expected, "{column}");
    }
    assert_eq!(row["text"], line().build());
}

#[test]
fn what_the_log_lacks_is_absent_with_the_reason() {
    let times = [alb::REQUEST_PROCESSING_TIME, alb::TARGET_PROCESSING_TIME, alb::RESPONSE_PROCESSING_TIME];
    let with_times =
        |texts: [&str; 3]| times.iter().zip(texts).fold(line(), |line, (&field, text)| line.field(field, text));
    for (texts, expected, why) in [
        (["0.001", "0.002", "0.003"], ["0.001", "0.002", "0.003"], ""),
        (["-1", "-1", "-1"], ["", "", ""], "not-dispatched"),
        (["0.001", "-1", "-1"], ["0.001", "", ""], "no-response"),
        (["0.001", "0.002", "-1"], ["0.001", "0.002", ""], "no-response"),
        (["-1", "0.002", "-1"], ["", "0.002", ""], "not-dispatched"),
        (["-", "-", "-"], ["", "", ""], "not-logged"),
        (["0.001", "-", "-1"], ["0.001", "", ""], "not-logged"),
        (["0.000", "0.000", "0.000"], ["0", "0", "0"], ""),
    ] {
        let row = row_of(with_times(texts).build_bytes().as_slice());
        let columns = ["request_processing_time", "target_processing_time", "response_processing_time"];
        assert_eq!(columns.map(|column| &*row[column]), expected, "{texts:?}");
        assert_eq!(row["times_absent"], why, "{texts:?}");
    }
    let absent = line()
        .field(alb::ELB_STATUS_CODE, "000")
        .field(alb::TARGET_STATUS_CODE, "-")
        .field(alb::RECEIVED_BYTES, "-")
        .field(alb::TARGET, "-")
        .field(alb::CLIENT, "-")
        .field(alb::TARGET_GROUP_ARN, "-")
        .field(alb::MATCHED_RULE_PRIORITY, "-")
        .field(alb::ACTIONS_EXECUTED, "\"-\"")
        .field(alb::REQUEST_CREATION_TIME, "2026-11-22T07:41:21.000000Z")
        .request("- http://a.example:80- -")
        .agent("-");
    let row = row_of(absent.build_bytes().as_slice());
    for column in [
        "elb_status_code",
        "target_status_code",
        "received_bytes",
        "target",
        "target_ip",
        "target_port",
        "client_ip",
        "client_port",
        "target_group_arn",
        "target_group",
        "matched_rule_priority",
        "actions_executed",
        "method",
        "url_protocol",
        "url_host",
        "url_path",
        "http_version",
        "user_agent",
        "route",
        "elapsed",
        "elapsed_from",
    ] {
        assert_eq!(row[column], "", "{column}");
    }
    assert_eq!(row["request"], "- http://a.example:80- -", "the request line itself is there");
}

#[test]
fn odd_fields_are_kept_in_full() {
    let odd = line()
        .field(alb::CLIENT, "2a02:a33c:4538:1:bcf4:5264:e01c:f215:50718")
        .field(alb::MATCHED_RULE_PRIORITY, "-1")
        .field(alb::ACTIONS_EXECUTED, "\"waf,forward\"")
        .field(alb::TARGET_PORT_LIST, "\"10.0.0.1:80 10.0.0.2:80\"")
        .field(alb::TARGET_STATUS_CODE_LIST, "\"- 200\"")
        .request("GET https://[2001:db8::1]:443/a b?c=d e HTTP/2.0");
    let row = row_of(format!("{} \"new\" 17", odd.build()).as_bytes());
    for (column, expected) in [
        ("client_ip", "2a02:a33c:4538:1:bcf4:5264:e01c:f215"),
        ("client_port", "50718"),
        ("matched_rule_priority", "-1"),
        ("actions_executed", "waf,forward"),
        ("target_port_list", "10.0.0.1:80 10.0.0.2:80"),
        ("target_status_code_list", "- 200"),
        ("request", "GET https://[2001:db8::1]:443/a b?c=d e HTTP/2.0"),
        ("url_host", "2001:db8::1"),
        ("url_path", "/a b"),
        ("url_query", "c=d e"),
        ("unknown_fields", "\"new\" 17"),
    ] {
        assert_eq!(row[column], expected, "{column}");
    }
    // A line of 2018 has no creation time; its trace id has the second.
    let old = line().tail("\"Root=1-6921694f-36d228ad5d99923122bbe354\" \"-\" \"-\"");
    let time = "2025-11-22T07:42:10.518414Z";
    let row = row_of(old.field(alb::TIME, time).build_bytes().as_slice());
    assert_eq!((&*row["elapsed_from"], &*row["request_creation_time"], &*row["ip_address"]), ("trace_id", "", ""));
    assert_eq!(row["elapsed"], "3.518");
}

#[test]
fn the_node_of_an_old_line_is_that_of_its_object() {
    let logs = Logs::new();
    let name = "123456789012_elasticloadbalancing_us-east-2_app.shop.1234567890abcdef_20261122T0745Z_192.0.2.1_20sg8hgm.log.gz";
    logs.write(name, &gzip(line().tail("").build_bytes().as_slice()));
    let text = export(logs.path(), &[".", "-o", "-", "--format", "csv", "--columns", "ip_address,object,line"]);
    assert_eq!(text, format!("ip_address,object,line\n192.0.2.1,./{name},1\n"));
}

#[test]
fn hostile_text_stays_text() {
    let mut hostile = line().agent_bytes(b"=cmd|' /C calc'!A0");
    hostile = hostile.request("GET http://a.example:80/,\u{1b}[31m HTTP/1.1");
    let logs = Logs::new();
    logs.write("a.log", &hostile.build_bytes());
    let columns = ["--columns", "user_agent,url_path,matched_rule_priority,trace_id"];
    let guarded = export(logs.path(), &[&["a.log", "-o", "-", "--format", "csv"], &columns[..]].concat());
    assert_eq!(
        guarded.lines().nth(1),
        Some("'=cmd|' /C calc'!A0,\"/,\\x1B[31m\",0,Root=1-6b029ca0-36d228ad5d99923122bbe354")
    );
    let open =
        export(logs.path(), &[&["a.log", "-o", "-", "--format", "csv", "--allow-formulas"], &columns[..]].concat());
    assert!(open.lines().nth(1).is_some_and(|row| row.starts_with("=cmd|")), "{open}");

    let broken = line().agent_bytes(b"caf\xe9 \xe6\xbc\xa2");
    assert_eq!(row_of(broken.build_bytes().as_slice())["user_agent"], "caf\\xE9 漢");
    // Parquet accepts only UTF-8, so that it is written at all shows that the text is UTF-8.
    logs.write("b.log", &broken.build_bytes());
    export(logs.path(), &["a.log", "b.log", "-o", "x.parquet", "--columns", "default,text"]);
    assert_eq!(parquet_rows(&logs.path().join("x.parquet")), (2, vec![2]));
}

#[test]
fn an_apostrophe_for_spreadsheets_can_be_removed_again() {
    for (agent, expected) in [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("'a", "''a"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("Mozilla/5.0", "Mozilla/5.0"),
    ] {
        let logs = Logs::new();
        logs.write("a.log", &line().agent(agent).build_bytes());
        let text = export(logs.path(), &["a.log", "-o", "-", "--format", "csv", "--columns", "user_agent"]);
        let row = &rows_of(text.as_bytes())[0]["user_agent"];
        assert_eq!(row, expected);
        assert_eq!(row.strip_prefix('\'').unwrap_or(row), agent);
    }
}

/// Values, nulls and lists are read back by three other readers in `tests/parquet.py`.
#[test]
fn parquet_columns_have_types() {
    use polars_parquet::parquet::schema::types::{PhysicalType, PrimitiveLogicalType, TimeUnit};

    let logs = Logs::new();
    logs.write("a.log", line().build().as_bytes());
    export(logs.path(), &["a.log", "-o", "x.parquet"]);
    let mut file = fs::File::open(logs.path().join("x.parquet")).expect("it was written");
    let metadata = polars_parquet::read::read_metadata(&mut file).expect("a Parquet file");
    assert_eq!(metadata.schema_descr.fields().len(), RequestTable::COLUMNS.len() - 3);
    let types: BTreeMap<&str, _> = metadata
        .schema_descr
        .columns()
        .iter()
        .map(|column| {
            let primitive = &column.descriptor.primitive_type;
            (column.path_in_schema[0].as_str(), (primitive.physical_type, primitive.logical_type))
        })
        .collect();
    let text = (PhysicalType::ByteArray, Some(PrimitiveLogicalType::String));
    let time = PrimitiveLogicalType::Timestamp { unit: TimeUnit::Microseconds, is_adjusted_to_utc: true };
    for (column, expected) in [
        ("elb", text),
        ("client_port", (PhysicalType::Int64, None)),
        ("elb_status_code", (PhysicalType::Int64, None)),
        ("received_bytes", (PhysicalType::Int64, None)),
        ("target_processing_time", (PhysicalType::Double, None)),
        ("elapsed", (PhysicalType::Double, None)),
        ("is_failure", (PhysicalType::Boolean, None)),
        ("actions_executed", text),
        ("target_status_code_list", (PhysicalType::Int64, None)),
        ("time", (PhysicalType::Int64, Some(time))),
    ] {
        assert_eq!(types.get(column), Some(&expected), "{column}");
    }
}

#[test]
fn tables_of_lines_without_a_load_balancer_say_that_it_is_absent() {
    let logs = Logs::new();
    let failed = line().field(alb::ELB_STATUS_CODE, "502").field(alb::TARGET_STATUS_CODE, "-");
    let lines = |line: &LineBuilder| (line.build() + "\n").repeat(20);
    logs.write("a.log", (lines(&failed) + &lines(&failed.clone().field(alb::ELB, ""))).as_bytes());
    let analysis = program::run(logs.path(), &["analyze", "a.log", "-q", "--tables", "t"]);
    assert_eq!((analysis.code, &*analysis.stderr), (Some(0), ""));
    let files = files_below(&logs.path().join("t"));
    assert_eq!(files.len(), 5);
    for path in files {
        let mut file = fs::File::open(&path).expect("a file");
        let metadata = polars_parquet::read::read_metadata(&mut file).expect("a Parquet file");
        let field = metadata.schema_descr.fields().iter().find(|field| field.name() == "load_balancer");
        let is_absent = field.map(|field| field.get_field_info().repetition == Repetition::Optional);
        assert_eq!(is_absent, Some(true), "{}", path.display());
        assert!(parquet_rows(&path).0 >= 2, "{}", path.display());
    }
}

#[test]
fn every_format_and_number_of_threads_gives_the_same_rows() {
    let logs = Logs::new();
    for object in 0..40 {
        logs.write(format!("{object:02}.log.gz"), &gzip(lines(object * 50, 50).as_bytes()));
    }
    for name in ["x.parquet", "x.csv", "x.csv.gz"] {
        let bytes = |threads: &str| {
            export(logs.path(), &[".", "-o", name, "--threads", threads]);
            let bytes = fs::read(logs.path().join(name)).expect("it was written");
            fs::remove_file(logs.path().join(name)).expect("it can be removed");
            bytes
        };
        let one = bytes("1");
        assert!(["2", "5"].iter().all(|threads| bytes(threads) == one), "{name} depends on the number of threads");
        let rows = match name {
            "x.csv" => rows_of(&one),
            "x.csv.gz" => {
                let mut text = Vec::new();
                MultiGzDecoder::new(&*one).read_to_end(&mut text).expect("gzip");
                rows_of(&text)
            }
            _ => continue,
        };
        let locations: Vec<(String, u64)> =
            rows.iter().map(|row| (row["object"].clone(), row["line"].parse().expect("a number"))).collect();
        let expected: Vec<(String, u64)> =
            (0..40).flat_map(|object| (1..=50).map(move |line| (format!("./{object:02}.log.gz"), line))).collect();
        assert_eq!(locations, expected, "{name}: the order of the input");
    }
}

/// Enough lines for several row groups, in one object and in several.
#[test]
fn row_groups_are_bounded_and_do_not_depend_on_the_number_of_threads() {
    let logs = Logs::new();
    let short = line().request("GET http://a.example:80/ HTTP/1.1").build() + "\n";
    let object = gzip(short.repeat(150_000).as_bytes());
    logs.write("1.log.gz", &gzip(short.repeat(70_000).as_bytes()));
    logs.write("2.log.gz", &object);
    logs.write("3.log.gz", &gzip(short.repeat(60_000).as_bytes()));
    logs.write("4.log.gz", &gzip(short.repeat(60_000).as_bytes()));
    logs.write("5.log.gz", &gzip(short.repeat(60_000).as_bytes()));
    let bytes = |threads: usize| {
        let path = logs.path().join("out.parquet");
        let inputs = [source::from_input(logs.path().as_os_str()).expect("it is there")];
        let columns = columns_of(["time", "line", "object", "elb_status_code", "request"]).expect("columns");
        let export = Export::new().read_options(ReadOptions::new().threads(threads)).columns(columns);
        let exported = export
            .run(&inputs, Destination::File(path.clone()), TableFormat::Parquet, &Progress::new())
            .expect("it can be written");
        assert_eq!(exported.rows.written, 400_000);
        assert_eq!(exported.written.bytes, fs::metadata(&path).expect("it is there").len());
        let rows = parquet_rows(&path);
        let bytes = fs::read(&path).expect("it is there");
        fs::remove_file(path).expect("it can be removed");
        (rows, bytes)
    };
    let (rows, one) = bytes(1);
    // The second object fills a row group of its own. The rows before it are in a group before that one. Its
    // remaining rows are in one group with those of the object after it.
    assert_eq!(rows, (400_000, vec![70_000, 131_072, 78_928, 120_000]));
    assert!(bytes(4).1 == one, "the file depends on the number of threads");
}

#[test]
fn an_unreadable_input_replaces_no_file() {
    let logs = Logs::new();
    logs.write("damaged.log.gz", b"\x1f\x8b and no more of it");
    let path = logs.path().join("out.csv");
    fs::write(&path, "of an earlier run").expect("a file");
    let inputs = [source::from_input(logs.path().join("damaged.log.gz").as_os_str()).expect("it is there")];
    let exported = Export::new()
        .run(&inputs, Destination::File(path.clone()), TableFormat::Csv, &Progress::new())
        .expect("what cannot be read is no error");
    assert_eq!((exported.input.objects_failed, exported.rows.written, exported.written.files), (1, 0, 0));
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "of an earlier run");
}

#[test]
fn rows_are_selected_by_failure_filter_and_sample_and_the_others_are_counted() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 1000).as_bytes());
    let count = |args: &[&str]| -> (usize, String) {
        let path = logs.path().join("x.csv");
        let said = export(logs.path(), &[&["a.log", "-o", "x.csv"], args].concat());
        (rows_of(&fs::read(path).expect("it was written")).len(), said)
    };
    assert_eq!(count(&[]).0, 1000);
    let (rows, said) = count(&["--failures-only"]);
    assert_eq!(rows, 100);
    assert!(said.ends_with("900 records left out because they did not fail\n"), "{said}");
    let (rows, said) = count(&["--where", "elb_status_code=502 and line<=500"]);
    assert_eq!(rows, 50);
    assert!(
        said.contains("50 rows in 1 file") && said.contains("950 records left out because they do not match --where"),
        "{said}"
    );
    let (rows, said) = count(&["--sample", "20%", "--failures-only", "--until", "2026-11-22T00:10"]);
    assert!((5..25).contains(&rows), "{rows} of 60");
    assert!(said.contains("400 records left out because they are not selected"), "{said}");
    assert!(said.contains(&format!("{} records left out because they are not in the sample", 60 - rows)), "{said}");
}

#[test]
fn columns_are_those_that_were_asked_for_in_that_order() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 1).as_bytes());
    let header = |columns: &str| {
        let text = export(logs.path(), &["a.log", "-o", "-", "--format", "csv", "--columns", columns]);
        text.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(header("line,time"), "line,time");
    assert_eq!(header("text, default").split(',').count(), 1 + RequestTable::COLUMNS.len() - 3);
    assert_eq!(header("all").split(',').count(), RequestTable::COLUMNS.len() - 1);
    for (columns, expected) in [
        (
            "status",
            "there is no column status; did you mean elb_status_code, target_status_code, target_status_code_list?",
        ),
        ("line,line", "column line is listed twice"),
        ("", "empty column name"),
        ("time,", "empty column name"),
        ("load_balancer", "there is no column load_balancer; did you mean elb?"),
    ] {
        let output = run(logs.path(), &["a.log", "-o", "x.csv", "--columns", columns]);
        assert_eq!(output.code, Some(2), "{columns}");
        assert!(output.stderr.contains(expected), "{}", output.stderr);
    }
}

#[test]
fn an_invalid_filter_is_shown_with_the_position_of_the_error() {
    let logs = Logs::new();
    let output = run(logs.path(), &["a.log", "-o", "x.csv", "--where", "is_failure and elapsed>ten"]);
    assert_eq!(output.code, Some(2));
    let expected = "elapsed is compared with a number of seconds with at most six decimals\n  is_failure and elapsed>ten\n                         ^^^\n";
    assert!(output.stderr.contains(expected), "{}", output.stderr);
}

#[test]
fn causes_are_the_same_as_in_the_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let logs = logs.to_str().expect("UTF-8");
    export(folder.path(), &[logs, "-o", "x.csv", "--failures-only", "--columns", "target,outcome,cause,confidence"]);
    let rows = rows_of(&fs::read(folder.path().join("x.csv")).expect("it was written"));
    let mut found: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row["cause"].is_empty()) {
        *found.entry((row["cause"].clone(), row["confidence"].clone(), row["target"].clone())).or_default() += 1;
    }
    let report = program::run(folder.path(), &["analyze", logs, "--format", "json"]).json();
    let mut expected = BTreeMap::new();
    for finding in report["findings"].as_array().expect("findings") {
        for row in finding["by_target"].as_array().expect("targets") {
            let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
            let key = (text(&finding["cause"]), text(&finding["confidence"]), text(&row["target"]));
            *expected.entry(key).or_default() += row["failures"].as_u64().expect("a count");
        }
    }
    assert!(expected.len() >= 4, "the sample has several causes");
    assert_eq!(found, expected);
}

#[test]
fn causes_of_piped_input_are_refused() {
    let logs = Logs::new();
    for args in [&["--columns", "default,cause"][..], &["--where", "cause = target-crash"]] {
        let output = run(logs.path(), &[&["-", "-o", "x.csv"], args].concat());
        assert_eq!(output.code, Some(2));
        assert!(output.stderr.contains("standard input can be read only once"), "{}", output.stderr);
    }
    assert_eq!(files_below(logs.path()), Vec::<PathBuf>::new());
}

#[test]
fn an_output_that_makes_no_sense_is_refused_before_anything_is_read() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 1).as_bytes());
    fs::create_dir(logs.path().join("folder")).expect("a folder");
    for (args, part) in [
        (&["-o", "x.txt"][..], "x.txt has no extension that sets the format"),
        (&["-o", "folder"], "folder is a folder"),
        (&["-o", "a.log", "--partition-by", "day"], "a.log is a file"),
        (&["-o", "-"], "standard output has no extension"),
        (&["-o", "-", "--partition-by", "day"], "standard output is not one"),
        (&["-o", "nowhere/x.parquet"], "cannot write nowhere/x.parquet: No such file"),
        (&["-o", "x.parquet", "--partition-by", "week"], "expected day, hour, load_balancer or target_group"),
        (&["-o", "x.parquet", "--sample", "10"], "expected a share above 0% and at most 100%"),
    ] {
        let output = run(logs.path(), &[&["a.log"], args].concat());
        assert_eq!(output.code, Some(2), "{args:?}");
        let stderr = &output.stderr;
        assert!(stderr.contains(part), "{args:?}: {stderr}");
    }
    assert_eq!(files_below(logs.path()), [logs.path().join("a.log")]);
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_is_written() {
    let logs = Logs::new();
    logs.write("a.log", format!("{}nonsense\n", lines(0, 3)).as_bytes());
    let whole = gzip(lines(10, 40).as_bytes());
    logs.write("b.log.gz", &whole[..whole.len() - 20]);
    let output = run(logs.path(), &[".", "-o", "x.csv"]);
    assert_eq!(output.code, Some(2));
    let stderr = &output.stderr;
    assert!(stderr.contains("1 × line with too few fields for an access log; first ./a.log:4"), "{stderr}");
    assert!(stderr.contains("1 × gzip stream that is cut off; first ./b.log.gz:"), "{stderr}");
    assert!(rows_of(&fs::read(logs.path().join("x.csv")).expect("it was written")).len() > 3);

    let output = run(logs.path(), &[".", "-o", "y.csv", "--strict"]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("--strict"), "{}", output.stderr);
    let left: Vec<PathBuf> =
        files_below(logs.path()).into_iter().filter(|path| path.to_string_lossy().contains("y.csv")).collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "nothing is left of a file that was not finished");
}

#[test]
fn an_export_of_nothing_is_a_table_without_rows() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 3).as_bytes());
    export(logs.path(), &["a.log", "-o", "x.parquet", "--where", "line > 3"]);
    assert_eq!(parquet_rows(&logs.path().join("x.parquet")), (0, vec![]));
    let text =
        export(logs.path(), &["a.log", "-o", "-", "--format", "csv", "--columns", "time", "--until", "2020-01-01"]);
    assert_eq!(text, "time\n");
}

/// A run that has read some lines and waits for more, and its standard input.
fn waiting(folder: &Path, args: &[&str]) -> (Child, std::process::ChildStdin) {
    waiting_for_input(folder, command(folder, &[&["-"], args].concat()))
}

fn waiting_for_input(folder: &Path, mut command: Command) -> (Child, std::process::ChildStdin) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(lines(0, 2000).as_bytes()).expect("it reads");
    let begun = Instant::now();
    let is_begun = || files_below(folder).iter().any(|path| path.to_string_lossy().ends_with(".partial"));
    while !is_begun() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no file was begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    (child, stdin)
}

#[test]
fn a_run_that_is_ended_leaves_no_file_and_the_old_one_as_it_was() {
    for (name, expected_code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.parquet");
        fs::write(&path, "old").expect("a file");
        let (mut child, stdin) = waiting(folder.path(), &["-o", "x.parquet"]);
        signal(&child, name);
        let status = child.wait().expect("it ends");
        drop(stdin);
        assert_eq!(status.code(), expected_code, "{name}");
        assert_eq!(fs::read(&path).expect("it is there"), b"old", "{name}");
        let others = files_below(folder.path()).into_iter().filter(|file| *file != path);
        // A killed program cannot remove its partial file.
        let is_killed = expected_code.is_none();
        assert!(
            others.into_iter().all(|file| is_killed && file.extension().is_some_and(|it| it == "partial")),
            "{name}"
        );
        // What was left does not disturb the next run.
        let logs = Logs::new();
        let log = logs.write("a.log", lines(0, 5).as_bytes());
        export(folder.path(), &[log.to_str().expect("UTF-8"), "-o", "x.parquet"]);
        assert_eq!(parquet_rows(&path), (5, vec![5]), "{name}");
        assert_eq!(files_below(folder.path()), std::slice::from_ref(&path), "{name}");
    }
}

/// A shell ignores SIGINT for its background jobs, and `nohup` ignores SIGHUP, and such a run must
/// continue. SIGTERM ends it anyway.
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for name in ["INT", "HUP"] {
        let folder = tempfile::tempdir().expect("a folder");
        let ignoring = || {
            let setting = format!("--ignore-signal={name}");
            program::command_with_signals(&setting, folder.path(), &["export", "-", "-o", "x.parquet"])
        };
        let (mut child, stdin) = waiting_for_input(folder.path(), ignoring());
        signal(&child, name);
        // The run ends in order at the end of its input. It would not if the signal were handled.
        drop(stdin);
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{name}");
        assert_eq!(parquet_rows(&folder.path().join("x.parquet")).0, 2000, "{name}");

        fs::remove_file(folder.path().join("x.parquet")).expect("it was written");
        let (mut child, stdin) = waiting_for_input(folder.path(), ignoring());
        signal(&child, "TERM");
        assert_eq!(child.wait().expect("it ends").code(), Some(130), "{name}");
        drop(stdin);
    }
}

#[test]
fn two_runs_do_not_write_the_same_file_at_the_same_time() {
    for (output, extra) in [("x.parquet", &[][..]), ("x", &["--partition-by", "day"][..])] {
        let logs = Logs::new();
        let log = logs.write("in/a.log", lines(0, 5).as_bytes());
        let args = [&["-o", output], extra].concat();
        let first = extra.is_empty().then(|| waiting(logs.path(), &args));
        // A run into a folder cannot be made to wait for input. The test holds the lock that such a run would hold.
        let lock = logs.path().join("x/_albscope.lock");
        let lock = (!extra.is_empty()).then(|| {
            fs::create_dir(logs.path().join("x")).expect("a folder");
            let lock = fs::File::create(lock).expect("a file");
            lock.lock().expect("it can be locked");
            lock
        });
        let other = run(logs.path(), &[&[log.to_str().expect("UTF-8")], &args[..]].concat());
        assert_eq!(other.code, Some(2), "{output}");
        assert!(other.stderr.contains("another program is writing"), "{}", other.stderr);
        drop(lock);
        if let Some((mut child, stdin)) = first {
            drop(stdin);
            assert_eq!(child.wait().expect("it ends").code(), Some(0), "{output}");
        }
    }
}

#[test]
fn a_full_disk_leaves_no_file() {
    let logs = Logs::new();
    let log = logs.write("a.log", lines(0, 20_000).as_bytes());
    let outputs = [("x.parquet", ""), ("x.csv", ""), ("x.csv.gz", ""), ("x", "--partition-by hour")];
    for (output, extra) in outputs {
        let folder = tempfile::tempdir().expect("a folder");
        // No file may be longer than 8 KiB: writing fails in the middle, as on a full disk.
        let script = format!(
            "trap '' XFSZ; ulimit -f 8; exec {} export {} -o {output} {extra}",
            env!("CARGO_BIN_EXE_albscope"),
            log.display()
        );
        let mut shell = Command::new("bash");
        shell.args(["-c", &script]).current_dir(folder.path());
        let run = finish(shell);
        let stderr = &run.stderr;
        assert_eq!(run.code, Some(2), "{output}: {stderr}");
        assert!(stderr.starts_with(&format!("albscope: cannot write {output}: File too large")), "{output}: {stderr}");
        let left = files_below(folder.path());
        assert!(left.iter().all(|path| path.ends_with("_albscope.lock")), "{output}: {left:?}");
    }
}

#[test]
fn a_reader_that_closes_the_pipe_early_is_no_trouble() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 20_000).as_bytes());
    for format in ["csv", "csv.gz", "parquet"] {
        let mut child = command(logs.path(), &["a.log", "-o", "-", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut first = [0];
        child.stdout.take().expect("it is piped").read_exact(&mut first).expect("it writes");
        let output = ProgramRun::new(child.wait_with_output().expect("it ends"));
        assert_eq!((output.code, &*output.stderr), (Some(0), ""), "{format}");
    }
}

#[test]
fn partitions_are_folders_with_the_names_that_hive_gives_them() {
    let logs = Logs::new();
    let other = line().field(alb::TARGET_GROUP_ARN, "-").field(alb::ELB, "app/other/1").build() + "\n";
    logs.write("in/a.log", format!("{}{other}", lines(3600 - 5, 10)).as_bytes());
    export(logs.path(), &["in", "-o", "out", "--partition-by", "load_balancer,hour,target_group", "--format", "csv"]);
    let parts = parts(&logs.path().join("out"));
    let folders: Vec<(&str, usize)> = parts
        .iter()
        .map(|(path, text)| (path.rsplit_once("/part-").expect("a part").0, rows_of(text.as_bytes()).len()))
        .collect();
    assert_eq!(
        folders,
        [
            ("load_balancer=app%2Fother%2F1/day=2026-11-22/hour=07/target_group=__HIVE_DEFAULT_PARTITION__", 1),
            ("load_balancer=app%2Fshop%2F50dc6c495c0c9188/day=2026-11-22/hour=00/target_group=api", 5),
            ("load_balancer=app%2Fshop%2F50dc6c495c0c9188/day=2026-11-22/hour=01/target_group=api", 5),
        ]
    );
    for text in parts.values() {
        let header = text.lines().next().expect("a header");
        assert!(header.contains(",target_group_arn,trace_id,"), "the folder's column is not in the file: {header}");
    }
}

#[test]
fn a_second_run_replaces_what_the_first_wrote_and_one_of_other_objects_adds_to_it() {
    let logs = Logs::new();
    logs.write("one/a.log", lines(3600 - 10, 20).as_bytes());
    logs.write("two/b.log", lines(3600 + 10, 20).as_bytes());
    let out = logs.path().join("out");
    let run_of = |input: &str, extra: &[&str]| {
        export(logs.path(), &[&[input, "-o", "out", "--partition-by", "hour", "--format", "csv"], extra].concat());
        let rows = parts(&out).values().map(|text| rows_of(text.as_bytes()).len()).sum::<usize>();
        (parts(&out), rows)
    };
    let (first, rows) = run_of("one", &[]);
    assert_eq!((first.len(), rows), (2, 20));
    assert_eq!(run_of("one", &[]), (first.clone(), 20), "the same run again");
    let (both, rows) = run_of("two", &[]);
    assert_eq!((both.len(), rows), (3, 40), "other objects");
    assert!(first.iter().all(|(path, text)| both.get(path) == Some(text)), "what was there stays");
    assert_eq!(run_of("one", &[]), (both, 40), "one of them again");
    let (fewer, rows) = run_of("one", &["--failures-only"]);
    assert_eq!((fewer.len(), rows), (3, 22), "the same objects with fewer rows");
    let (fewer, rows) = run_of("one", &["--where", "time < 2026-11-22T01:00"]);
    assert_eq!((fewer.len(), rows), (2, 30), "a file that nothing is left for is gone");

    // A file that cannot be replaced without losing rows is left alone.
    logs.write("three/c.log", lines(7200, 5).as_bytes());
    logs.write("three/d.log", lines(7205, 5).as_bytes());
    let (before, rows) = run_of("three", &[]);
    assert_eq!(rows, 40);
    let output = run(logs.path(), &["three/c.log", "-o", "out", "--partition-by", "hour", "--format", "csv"]);
    assert_eq!(output.code, Some(2));
    assert!(
        output.stderr.contains("has rows of objects that this run read and rows of objects that it did not read"),
        "{}",
        output.stderr
    );
    assert_eq!(parts(&out), before);
}

/// How many rows all files of a folder have together.
fn row_count(folder: &Path) -> usize {
    parts(folder).values().map(|text| rows_of(text.as_bytes()).len()).sum()
}

#[test]
fn a_file_is_the_same_however_it_is_named_and_another_of_the_same_name_is_not() {
    let logs = Logs::new();
    let log = logs.write("one/a.log", lines(0, 5).as_bytes());
    logs.write("two/a.log", lines(10, 5).as_bytes());
    let out = logs.path().join("out");
    for folder in ["one", "two"] {
        export(&logs.path().join(folder), &["a.log", "-o", "../out/", "--format", "csv"]);
    }
    assert_eq!(row_count(&out), 10, "two files, both named a.log");
    symlink(&log, logs.path().join("link.log")).expect("a link");
    let before = parts(&out);
    for name in ["one/a.log", "./one/a.log", "two/../one/a.log", "link.log", log.to_str().expect("UTF-8")] {
        let said = export(logs.path(), &[name, "-o", "out/", "--format", "csv"]);
        assert!(said.ends_with(": out/; 1 file of an earlier run is replaced\n"), "{said}");
        assert_eq!((row_count(&out), parts(&out).len()), (10, 2), "{name}");
    }
    // The column `object` has the name as it was given.
    let objects = |parts: &BTreeMap<String, String>| -> Vec<String> {
        parts.values().map(|text| rows_of(text.as_bytes())[0]["object"].clone()).collect()
    };
    assert_eq!(objects(&before), ["a.log", "a.log"]);
    assert!(objects(&parts(&out)).contains(&log.to_string_lossy().into_owned()));
}

#[test]
fn an_object_that_was_unpacked_is_the_same() {
    let logs = Logs::new();
    let name =
        "123456789012_elasticloadbalancing_us-east-2_app.shop.1234567890abcdef_20261122T0745Z_192.0.2.1_20sg8hgm.log";
    let text = lines(0, 5);
    logs.write(format!("packed/{name}.gz"), &gzip(text.as_bytes()));
    logs.write(format!("unpacked/{name}"), text.as_bytes());
    for folder in ["packed", "unpacked", "packed"] {
        export(logs.path(), &[folder, "-o", "out/", "--format", "csv"]);
        assert_eq!(row_count(&logs.path().join("out")), 5, "{folder}");
    }
}

#[test]
fn piped_input_is_not_exported_into_a_folder() {
    let logs = Logs::new();
    for args in [&["-", "-o", "out/"][..], &["-", "-o", "out", "--partition-by", "day"], &["/dev/stdin", "-o", "out/"]]
    {
        let mut command = command(logs.path(), args);
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(lines(0, 5).as_bytes()).expect("it takes so much");
        drop(writer);
        command.stdin(reader);
        let output = finish(command);
        let stderr = &output.stderr;
        assert_eq!(output.code, Some(2), "{args:?}: {stderr}");
        assert!(
            stderr.contains("cannot be exported into a folder") && stderr.contains("Give a file with --output"),
            "{stderr}"
        );
    }
    assert_eq!(files_below(logs.path()), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_run_left_in_a_folder_is_removed_by_the_next() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 5).as_bytes());
    for name in ["_part-0123456789abcdef-0000.parquet.partial", "_part-0123456789abcdef-0001.csv.partial"] {
        logs.write(format!("out/day=2026-11-20/hour=07/{name}"), b"half");
    }
    logs.write("out/mine/notes.partial", b"kept");
    export(logs.path(), &["a.log", "-o", "out", "--partition-by", "day", "--format", "csv"]);
    let left: Vec<String> = parts(&logs.path().join("out")).into_keys().collect();
    assert!(left[0].starts_with("day=2026-11-22/part-") && left[1..] == ["mine/notes.partial"], "{left:?}");
    assert!(!logs.path().join("out/day=2026-11-20").exists());
}

#[test]
fn a_closed_standard_error_does_not_change_the_exit_status() {
    let logs = Logs::new();
    logs.write("a.log", format!("{}nonsense\n", lines(0, 5)).as_bytes());
    logs.write("b.log", b"nonsense\n");
    for (name, expected) in [("a.log", 0), ("b.log", 2), ("c.log", 2)] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command(logs.path(), &[name, "-o", "x.parquet"]);
        let status = command.stdout(Stdio::null()).stderr(writer).status().expect("the program runs");
        assert_eq!(status.code(), Some(expected), "{name}");
    }
}

#[test]
fn a_log_is_not_replaced_by_its_export() {
    let logs = Logs::new();
    let text = lines(0, 5);
    let log = logs.write("in/a.log", text.as_bytes());
    let other = logs.write("in/x.csv.partial", text.as_bytes());
    symlink(&log, logs.path().join("link.csv")).expect("a link");
    let files = files_below(logs.path());
    for args in [
        &["in/a.log", "-o", "in/a.log", "-f", "csv"][..],
        &["in/a.log", "-o", "./in/../in/a.log", "-f", "csv"],
        &["in/a.log", "-o", "link.csv"],
        &["in", "-o", "in/a.log", "-f", "parquet"],
        &["in", "-o", "in/a.log", "-f", "csv", "--until", "2020-01-01"],
        &["in/x.csv.partial", "-o", "in/x.csv"],
    ] {
        let output = run(logs.path(), args);
        let stderr = &output.stderr;
        assert_eq!(output.code, Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains("is read as a log and would be lost"), "{args:?}: {stderr}");
        assert!(
            [&log, &other].iter().all(|path| fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())),
            "{args:?}"
        );
    }
    assert_eq!(files_below(logs.path()), files);
    // A file that is not one of the logs may be among them, and may be replaced.
    for _ in 0..2 {
        assert!(export(logs.path(), &["in", "-o", "in/y.csv"]).starts_with("5 rows"));
    }
}

#[test]
fn a_table_is_not_replaced_if_nothing_could_be_read() {
    let logs = Logs::new();
    logs.write("garbage.log", b"garbage\n");
    logs.write("damaged.log.gz", &gzip(b"")[..12]);
    fs::create_dir(logs.path().join("empty")).expect("a folder");
    logs.write("old.parquet", b"old");
    logs.write("a.log", lines(0, 5).as_bytes());
    export(logs.path(), &["a.log", "-o", "out/"]);
    let old = files_below(logs.path());
    for input in ["garbage.log", "damaged.log.gz", "empty"] {
        for output in ["old.parquet", "out/", "new.csv"] {
            let run = run(logs.path(), &[input, "-o", output]);
            let stderr = &run.stderr;
            assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{input} {output}: {stderr}");
            let expected = format!("no record was read, so nothing was written: {output} is unchanged");
            assert!(stderr.contains(&expected), "{input} {output}: {stderr}");
        }
    }
    assert_eq!(files_below(logs.path()), old);
    assert_eq!(fs::read(logs.path().join("old.parquet")).expect("it is there"), b"old");
    // If something could be read, it is written, and the message says that it is incomplete.
    let output = run(logs.path(), &["a.log", "damaged.log.gz", "nowhere.log", "-o", "old.parquet"]);
    assert_eq!(output.code, Some(2));
    let said = &output.stdout;
    assert!(said.ends_with(": old.parquet; incomplete, because 2 objects could not be read to the end\n"), "{said}");
    assert_eq!(parquet_rows(&logs.path().join("old.parquet")).0, 5);
}

#[test]
fn a_replaced_file_keeps_its_permissions() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 5).as_bytes());
    let path = logs.write("x.csv", b"old");
    let mode = || fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777;
    for wanted in [0o600, 0o640, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).expect("it is ours");
        export(logs.path(), &["a.log", "-o", "x.csv"]);
        assert_eq!((mode(), rows_of(&fs::read(&path).expect("it is there")).len()), (wanted, 5));
    }
}

#[test]
fn more_partitions_than_open_files_make_no_difference() {
    let logs = Logs::new();
    // The hours of four days in turn, so that each file is written to again and again, except
    // those that had to be closed.
    let object = |first: u64| -> String {
        let lines = (0..96).map(|hour: u64| {
            let time = format!("2026-11-{:02}T{:02}:00:{first:02}.000000Z", 1 + hour / 24, hour % 24);
            line().field(alb::TIME, &time).field(alb::REQUEST_CREATION_TIME, &time).build() + "\n"
        });
        lines.collect()
    };
    for number in 0..3 {
        logs.write(format!("in/{number}.log"), object(number).as_bytes());
    }
    export(logs.path(), &["in", "-o", "out", "--partition-by", "hour", "--format", "csv"]);
    let parts = parts(&logs.path().join("out"));
    assert_eq!(parts.values().map(|text| rows_of(text.as_bytes()).len()).sum::<usize>(), 3 * 96);
    let folders: std::collections::BTreeSet<&str> =
        parts.keys().map(|path| path.rsplit_once('/').expect("a folder").0).collect();
    assert_eq!(folders.len(), 96);
}

#[test]
fn all_files_of_a_folder_have_the_same_format_and_columns() {
    let logs = Logs::new();
    logs.write("a.log", lines(0, 5).as_bytes());
    logs.write("b.log", lines(5, 5).as_bytes());
    let first = ["a.log", "-o", "out/", "--columns", "time,client_ip", "--partition-by", "day"];
    export(logs.path(), &first);
    let before = files_below(&logs.path().join("out"));
    for (args, wanted) in [
        (
            &["--columns", "time,client_ip", "--partition-by", "day", "--format", "csv"][..],
            "use --format parquet, write",
        ),
        (&["--columns", "client_ip,time", "--partition-by", "day"], "use --columns time,client_ip, write"),
        (&["--columns", "time,client_ip"], "use --partition-by day, write"),
    ] {
        for input in ["a.log", "b.log"] {
            let output = run(logs.path(), &[&[input, "-o", "out/"], args].concat());
            assert_eq!(output.code, Some(2), "{input} {args:?}");
            assert!(output.stderr.contains(wanted), "{input} {args:?}: {}", output.stderr);
            assert_eq!(files_below(&logs.path().join("out")), before, "{input} {args:?}: nothing has changed");
        }
    }
    export(logs.path(), &["b.log", "-o", "out/", "--columns", "time,client_ip", "--partition-by", "day"]);
    assert_eq!(files_below(&logs.path().join("out")).len(), before.len() + 1, "one more of the same form");
}

#[test]
fn a_folder_list_that_is_invalid_or_names_files_outside_is_refused() {
    let logs = Logs::new();
    logs.write("in/a.log", lines(0, 5).as_bytes());
    let precious = logs.write("precious", b"kept");
    let listing = |path: &str| {
        let files = format!(r#"[{{"path":"{path}","objects":[]}}]"#);
        format!(r#"{{"version":1,"format":"parquet","columns":["time"],"partition_by":[],"files":{files}}}"#)
    };
    for list in [
        listing("../precious"),
        listing("/precious"),
        r#"{"version":0,"files":[]}"#.to_owned(),
        r#"{"version":2,"files":[]}"#.to_owned(),
        r#"{"version":1,"files":[]}"#.to_owned(),
        "nonsense".to_owned(),
    ] {
        logs.write("out/_albscope.json", list.as_bytes());
        let output = run(logs.path(), &["in", "-o", "out/"]);
        assert_eq!(output.code, Some(2), "{list}");
        assert!(output.stderr.contains("_albscope.json in this folder cannot be used"), "{list}");
        assert_eq!(fs::read(&precious).expect("it is there"), b"kept");
        let parts =
            files_below(&logs.path().join("out")).into_iter().filter(|path| path.to_string_lossy().contains("/part-"));
        assert_eq!(parts.count(), 0, "{list}: nothing is left of what could not be published");
    }
}

#[test]
fn every_record_of_hostile_lines_is_a_row_once() {
    let variants: Vec<LineBuilder> = vec![
        line(),
        line().tail(""),
        line().tail("\"Root=1-6921698f-36d228ad5d99923122bbe354\""),
        line().request(""),
        line().request("-"),
        line().request("- - -"),
        line().request("--location http://a.example:80/ HTTP/1.1"),
        line().agent(""),
        line().agent_bytes(b"\xff\xfe\0\x1b[2J"),
        line().field(alb::TYPE, "h3"),
        line().field(alb::TRACE_ID, "\"Self=1-2-3;Root=1-67891233-abcdef012345678912345678\""),
        line().request(&format!("GET http://a.example:80/{} HTTP/1.1", "x".repeat(70_000))),
    ];
    let mut object = Vec::new();
    for variant in &variants {
        object.extend_from_slice(&variant.build_bytes());
        object.extend_from_slice(b"\r\n\r\n");
    }
    let logs = Logs::new();
    logs.write("a.log", &object);
    for name in ["x.parquet", "x.csv.gz"] {
        let said = export(logs.path(), &["a.log", "-o", name, "--columns", "default,text"]);
        assert!(said.starts_with(&format!("{} rows in 1 file", variants.len())), "{said}");
    }
    assert_eq!(parquet_rows(&logs.path().join("x.parquet")).0, i64::try_from(variants.len()).expect("a few"));
}

/// Writes several objects with lines some of whose requests and targets are the same.
fn write_alike(logs: &Logs) {
    let requests = [
        "GET https://a.example:443/items/17?page=2 HTTP/1.1",
        "GET https://a.example:443/items/18?page=2 HTTP/1.1",
        "POST http://[2001:db8::1]:80/ HTTP/2.0",
        "- http://a.example:80- -",
        "-",
        "",
        "GET",
    ];
    let targets = ["10.0.0.1:80", "10.0.0.2:8080", "-", "2001:db8::7:80", "lambda"];
    for object in 0..4_usize {
        let mut lines = Vec::new();
        for number in 0..40 {
            let mut it = line().request(requests[(number * 3 + object) % requests.len()]);
            it = it.field(alb::TARGET, targets[(number + object) % targets.len()]);
            if number % 11 == 0 {
                it = it.field(alb::TARGET_GROUP_ARN, "-").field(alb::ELB_STATUS_CODE, "502");
            }
            lines.extend_from_slice(&it.build_bytes());
            lines.push(b'\n');
        }
        logs.write(format!("in/{object}.log"), &lines);
    }
}

#[test]
fn a_derived_column_is_the_same_without_the_column_it_is_made_of() {
    let logs = Logs::new();
    write_alike(&logs);
    let made: Vec<_> = RequestTable::COLUMNS.iter().filter(|column| column.derived_from.is_some()).collect();
    assert!(made.len() > 8, "{made:?}");
    let whole = rows_of(export(logs.path(), &["in", "-o", "-", "--format", "csv"]).as_bytes());
    for column in made {
        let base = column.derived_from.expect("it is made of one");
        let is_made = |name: &str| RequestTable::COLUMNS.iter().any(|it| it.name == name && it.derived_from.is_some());
        assert!(!is_made(base), "{} is made of {base}, which is made of another", column.name);
        let alone =
            export(logs.path(), &["in", "-o", "-", "--format", "csv", "--columns", &format!("{},line", column.name)]);
        let alone = rows_of(alone.as_bytes());
        assert_eq!(alone.len(), 160);
        for (alone, whole) in alone.iter().zip(&whole) {
            assert_eq!(alone[column.name], whole[column.name], "{} in {whole:?}", column.name);
            if whole[base].is_empty() {
                assert_eq!(whole[column.name], "", "{} without {base}", column.name);
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_before_it() {
    // Bytes that must be escaped as the load balancer would escape them, and the escaped form.
    let pairs: [[&[u8]; 2]; 2] = [
        [b"GET https://a.example:443/users/\xff/ HTTP/1.1", b"GET https://a.example:443/users/\\xFF/ HTTP/1.1"],
        [b"GET \x01ttps://a.example:443/x HTTP/1.1", b"GET \\x01ttps://a.example:443/x HTTP/1.1"],
    ];
    let logs = Logs::new();
    for [raw, escaped] in pairs {
        let rows = [[raw, escaped], [escaped, raw]].map(|requests| {
            let lines = requests.map(|request| line().request_bytes(request).build_bytes());
            logs.write("a.log", &lines.join(&b'\n'));
            let text = export(logs.path(), &["a.log", "-o", "-", "--format", "csv"]);
            rows_of(text.as_bytes()).into_iter().map(|mut row| row.remove("line").map(|_| row)).collect::<Vec<_>>()
        });
        assert_eq!(rows[0], rows[1]);
        assert_eq!(rows[0][0], rows[0][1], "what is written the same has the same parts");
    }
}

#[test]
fn a_filter_can_be_printed_and_parsed_again() {
    let filter = Filter::parse("elapsed > 10").expect("an expression");
    assert!(filter.has_column("elapsed") && !filter.has_column("line"));
    assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
}
