use proptest::prelude::*;

use super::*;
use crate::classify::classify;
use crate::record::Bounds;
use crate::table::column_buffer::ColumnBuffer;
use crate::table::escape::is_clean;
use crate::table::row_buffer::RowBuffer;

/// What lines of one log may have after the request, by group of fields. Some texts make a line that has no plain
/// reading, and in such a line the same bytes may be other fields.
const ENDS: &[&[&str]] = &[
    &[
        r#""curl/8" - - -"#,
        r#""curl/8" - - arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/73"#,
        r#""a \"browser\"" ECDHE TLSv1.2 -"#,
        r#""a "raw" one" ECDHE TLSv1.2 -"#,
        "\"caf\u{e9} \u{1}\" - - -",
        r#""" - - -"#,
    ],
    &[r#""Root=1-1-1""#],
    &[r#""-" "-" 0"#, r#""shop.example" "session-reused" 100"#, "shop.example - -1", r#""-" "-" x"#],
    &["2026-11-22T07:41:20.516000Z"],
    &[
        r#""forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#,
        r#""waf,forward" "-" "-" "10.0.0.1:80 10.0.0.2:80" "- 200" "-" "-""#,
        r#""waf,forward" "-" "-" 10.0.0.1:80 10.0.0.2:80 - 200 "-" "-""#,
        r#""redirect" "https://a.example/" "-" "-" "-" "Ambiguous" "BadHeader""#,
    ],
    &["TID_1", "TID_2", "-"],
    &[
        r#""-" "-" "-" 10.0.3.99 "-" "-""#,
        r#""a.example" "/a "b" c" "TransformBufferFull" 10.0.3.99 "-" "-""#,
        r#""-" "-" "-" 10.0.3.99 "-" "8" more "and more""#,
        r#""-" "-""#,
        "",
    ],
];

fn line() -> impl Strategy<Value = String> {
    let ends: Vec<_> = ENDS.iter().map(|texts| prop::sample::select(*texts)).collect();
    (ends, 1..=ENDS.len(), prop::sample::select(&["/a", "/a?b=1", "/c d"][..])).prop_map(|(ends, count, path)| {
        let mut line = format!(
            "https 2026-11-22T07:41:20.518414Z app/shop/50 192.0.2.10:55123 10.0.0.1:80 0.001 0.002 0.000 200 200 120 353 \"GET https://a.example:443{path} HTTP/1.1\""
        );
        for end in ends.into_iter().take(count).filter(|end| !end.is_empty()) {
            line.push(' ');
            line.push_str(end);
        }
        line
    })
}

/// The values of some columns as text, and the bytes that their texts take in a file.
fn taken_in(columns: &[&'static Column<RequestTable>], lines: &[String]) -> (Vec<String>, usize) {
    let mut taken_in = RowBuffer::new(columns);
    let mut bounds = Bounds::default();
    for line in lines {
        let line = line.as_bytes();
        let Ok(record) = Record::<'_, Alb>::parse(line, &mut bounds) else { continue };
        let Ok(exchange) = record.exchange() else { continue };
        let request = record.value(alb::REQUEST_LINE).unwrap_or_default();
        let row = RequestRow::new(&record, &exchange, classify(&exchange), (line, "a.log", 7), request);
        taken_in.push(columns, &row, is_clean(line));
    }
    taken_in.seal();
    let values = taken_in.columns.iter().take(columns.len()).map(|values| match values {
        ColumnBuffer::Dictionary(words) => {
            let texts: Vec<_> = (0..taken_in.rows).map(|row| words.get(row).map(String::from_utf8_lossy)).collect();
            format!("{texts:?}")
        }
        ColumnBuffer::Strings(texts, are_absent) => {
            let texts: Vec<_> = (0..taken_in.rows).map(|row| String::from_utf8_lossy(texts.get(row))).collect();
            format!("{texts:?} {are_absent:?}")
        }
        ColumnBuffer::Numbers(numbers) => format!("{numbers:?}"),
        ColumnBuffer::Flags(flags) => format!("{flags:?}"),
    });
    (values.collect(), taken_in.written_bytes())
}

proptest! {
    #[test]
    fn columns_collected_together_equal_columns_collected_alone(lines in prop::collection::vec(line(), 0..30)) {
        let columns: Vec<_> = RequestTable::COLUMNS.iter().collect();
        let (together, bytes) = taken_in(&columns, &lines);
        let alone: Vec<_> = columns.iter().map(|column| taken_in(&[column], &lines)).collect();
        prop_assert_eq!(bytes, alone.iter().map(|(_, bytes)| bytes).sum::<usize>());
        for (column, (together, (alone, _))) in columns.iter().zip(together.iter().zip(&alone)) {
            prop_assert_eq!(together, &alone[0], "{}", column.name);
        }
    }
}

#[test]
fn every_column_of_a_joint_is_one_of_the_table() {
    for name in FIELD_GROUPS.iter().flat_map(|joint| joint.columns) {
        assert!(RequestTable::COLUMNS.iter().any(|column| column.name == *name), "{name}");
    }
}

#[test]
fn a_line_that_is_not_read_plainly_shares_no_text_with_others() {
    let start = r#"https 2026-11-22T07:41:20.518414Z app/shop/50 192.0.2.10:55123 10.0.0.1:80 0.001 0.002 0.000 200 200 120 353 "GET / HTTP/1.1""#;
    let span_of = |line: &str| {
        let mut bounds = Bounds::default();
        let record = Record::<'_, Alb>::parse(line.as_bytes(), &mut bounds).expect("a line");
        let exchange = record.exchange().expect("sound fields");
        let row = RequestRow::new(&record, &exchange, classify(&exchange), (line.as_bytes(), "a.log", 7), b"");
        let [agent, .., tail] = FIELD_GROUPS else { panic!("several") };
        [(agent.text)(&row), (tail.text)(&row)].map(|text| String::from_utf8_lossy(text).into_owned())
    };
    let plain = format!(r#"{start} "curl/8" - - - "Root=1-1-1" "-" "-" 0"#);
    assert_eq!(span_of(&plain), [r#" "curl/8" - - -"#, ""]);
    let escaped = format!(r#"{start} "a \"browser\"" - - - "Root=1-1-1" "-" "-" 0"#);
    assert_eq!(span_of(&escaped), [format!("\n{escaped}"), format!("\n{escaped}")]);
}
