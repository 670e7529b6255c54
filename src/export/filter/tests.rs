use proptest::prelude::*;

use super::expression::{Comparison, Condition, Pattern, Value};
use super::*;
use crate::classify::classify;
use crate::export::requests::RequestTable;
use crate::kind::{Alb, alb};
use crate::record::{Bounds, Record};
use crate::table::schema::{Column, DataType, Table};
use crate::timestamp::Timestamp;

/// A request that was never forwarded: no times, no target status, and an answer by the load balancer.
const REFUSED: &str = r#"https 2026-11-22T07:41:20.518414Z app/shop/50dc6c495c0c9188 192.0.2.10:55123 10.0.0.1:80 -1 -1 -1 502 - 120 353 "GET https://a.example:443/api/items/17?page=2 HTTP/1.1" "it's a \"browser\"" - - arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-api/73e2d6bc24d8a067 "Root=1-6921698f-36d228ad5d99923122bbe354" "-" "-" 100 2026-11-22T07:41:20.516000Z "waf,forward" "-" "-" "10.0.0.1:80" "-" "-" "-" TID_1 "-" "-" "-" 198.51.100.7 "-" "-""#;

fn admits_line(line: &[u8], expression: &str) -> bool {
    let filter = Filter::parse(expression).unwrap_or_else(|error| panic!("{error}"));
    let mut bounds = Bounds::default();
    let record: Record<'_, Alb> = Record::parse(line, &mut bounds).expect("a line");
    let exchange = record.exchange().expect("sound fields");
    let row = RequestRow::new(
        &record,
        &exchange,
        classify(&exchange),
        (line, "a.log", 7),
        record.value(alb::REQUEST_LINE).unwrap_or_default(),
    );
    filter.admits(&row, crate::table::escape::is_clean(line))
}

fn admits(expression: &str) -> bool {
    admits_line(REFUSED.as_bytes(), expression)
}

#[test]
fn values_are_compared_by_their_type() {
    for expression in [
        "elb_status_code = 502",
        "elb_status_code==502",
        "elb_status_code>=500 and elapsed<=0.002",
        "elapsed = 0.002 and elapsed < 10",
        "received_bytes != 353",
        "line > 6",
        "time >= 2026-11-22 and time < 2026-11-22T07:42",
        "time = 2026-11-22T07:41:20.518414Z",
        "outcome = connect-failed",
        "outcome in (connect-timeout, connect-failed)",
        "outcome not in (connect-timeout, \"ok\")",
        "target = 10.0.0.1:80 and target_ip = 10.0.0.1 and target_port = 80",
        "target_group = shop-api",
        "elb = app/shop/50dc6c495c0c9188",
        "client_ip ~ 192.0.2.*",
        "url_path ~ /api/*",
        "url_path ~ *items*",
        "url_path ~ /api/items/17",
        "url_path !~ /api/items",
        "url_query = 'page=2'",
        "user_agent ~ 'it''s a *'",
        "is_failure",
        "is_failure = true",
        "is_failure AND NOT elb_status_code < 500",
    ] {
        assert!(admits(expression), "{expression}");
    }
    for expression in [
        "elb_status_code = 503",
        "elapsed > 0.002",
        "outcome in (ok)",
        "target_ip = 10.0.0.1:80",
        "url_path ~ items",
        "url_path ~ *items",
        "url_path ~ API*",
        "not is_failure",
        "is_failure = false",
        "time < 2026-11-22",
    ] {
        assert!(!admits(expression), "{expression}");
    }
}

#[test]
fn a_list_is_tested_by_its_items() {
    assert!(admits("actions_executed = waf and actions_executed = forward"));
    assert!(admits("actions_executed ~ for* and actions_executed in (redirect, waf)"));
    assert!(admits("actions_executed != redirect"));
    assert!(!admits("actions_executed != waf"));
    assert!(!admits("actions_executed = 'waf,forward'"));
    let answered = REFUSED.replace(r#""10.0.0.1:80" "-""#, r#""10.0.0.1:80" "- 200""#);
    assert!(admits_line(answered.as_bytes(), "target_status_code_list = 200 and target_status_code_list < 201"));
    assert!(!admits_line(answered.as_bytes(), "target_status_code_list > 200"));
}

#[test]
fn an_absent_value_is_neither_equal_nor_unequal() {
    for expression in [
        "target_status_code = 200",
        "target_status_code != 200",
        "not target_status_code = 200",
        "target_status_code in (200)",
        "target_status_code not in (200)",
        "target_status_code = 200 or target_processing_time > 0",
        "not (is_failure and target_status_code = 200)",
        "target_status_code is not null",
    ] {
        assert!(!admits(expression), "{expression}");
    }
    for expression in [
        "target_status_code is null",
        "target_status_code = 200 or is_failure",
        "not (target_status_code = 200 and not is_failure)",
        "not target_status_code is not null",
    ] {
        assert!(admits(expression), "{expression}");
    }
}

#[test]
fn not_binds_before_and_which_binds_before_or() {
    for (expression, meaning) in [
        ("line=1 or line=2 and line=3", "(line = 1 or (line = 2 and line = 3))"),
        ("line=1 and line=2 or line=3", "((line = 1 and line = 2) or line = 3)"),
        ("not line=1 and line=2", "(not line = 1 and line = 2)"),
        ("not (line=1 and line=2)", "not (line = 1 and line = 2)"),
        ("(line=1 or line=2) and line=3", "((line = 1 or line = 2) and line = 3)"),
        ("not not is_failure", "not not is_failure"),
        ("line not in (1,2)", "not line in (1, 2)"),
        ("elapsed>1.5", "elapsed > 1.500000"),
        ("elb='a''b'", "elb = 'a''b'"),
    ] {
        let parsed = Filter::parse(expression).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parsed.to_string(), meaning, "{expression}");
    }
}

#[test]
fn the_filter_sees_a_text_as_the_file_has_it() {
    let line = REFUSED.as_bytes().to_vec();
    let index = line.windows(4).position(|four| four == b"it's").expect("it is there");
    let mut unclean = line;
    unclean[index] = 0xff;
    assert!(admits_line(&unclean, r"user_agent ~ \xFF*"));
}

#[test]
fn an_error_marks_the_part_at_fault() {
    for (expression, expected) in [
        (
            "status>=500",
            "there is no column status; did you mean elb_status_code, target_status_code, target_status_code_list?\n  status>=500\n  ^^^^^^",
        ),
        (
            "ellapsed > 1",
            "there is no column ellapsed; did you mean elapsed, elapsed_from?\n  ellapsed > 1\n  ^^^^^^^^",
        ),
        ("xyzzy = 1", "there is no column xyzzy\n  xyzzy = 1\n  ^^^^^"),
        (
            "elapsed > ten",
            "elapsed is compared with a number of seconds with at most six decimals\n  elapsed > ten\n            ^^^",
        ),
        (
            "elb_status_code = 5xx",
            "elb_status_code is compared with a whole number\n  elb_status_code = 5xx\n                    ^^^",
        ),
        (
            "time > 2026-11-22ZZ",
            "time is compared with a time such as 2026-11-22T07:30:00Z or 2026-11-22\n  time > 2026-11-22ZZ\n         ^^^^^^^^^^^^",
        ),
        ("outcome > ok", "outcome has no order; use =, != or in, or ~ for text\n  outcome > ok\n          ^"),
        ("line ~ 1", "line is not text; ~ and !~ compare only text\n  line ~ 1\n       ^"),
        ("is_failure and", "expected a column\n  is_failure and\n                ^"),
        ("outcome", "expected a comparison after outcome: =, !=, in, is null, …\n  outcome\n         ^"),
        ("elb = ", "expected a value\n  elb = \n        ^"),
        (
            "elb = null",
            "expected a value; null is a keyword, so put it in quotes to use it as a value\n  elb = null\n        ^^^^",
        ),
        ("(is_failure", "this parenthesis is not closed\n  (is_failure\n  ^"),
        ("is_failure)", "expected `and`, `or` or the end of the expression\n  is_failure)\n            ^"),
        ("elb = 'a", "this quote is not closed\n  elb = 'a\n        ^^"),
        ("line in 1", "expected `(` after `in`\n  line in 1\n          ^"),
        ("line in (1 2)", "expected a comma or `)`\n  line in (1 2)\n             ^"),
        ("line is 1", "expected `null`\n  line is 1\n          ^"),
        ("line not 1", "expected `in` after `not`\n  line not 1\n           ^"),
        ("! is_failure", "unexpected !; expected not, != or !~\n  ! is_failure\n  ^"),
        ("漢字 = 1", "there is no column 漢字\n  漢字 = 1\n  ^^^^"),
        ("", "expected a column\n  \n  ^"),
    ] {
        let error = Filter::parse(expression).expect_err(expression);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn too_deep_nesting_is_refused() {
    for level in ["(", "not "] {
        let error = Filter::parse(&format!("{}is_failure", level.repeat(100_000))).expect_err("too deep");
        assert!(error.to_string().starts_with("this is nested too deep"), "{level}");
    }
}

#[test]
fn a_pattern_matches_the_whole_text() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("*ab", "aab", true),
        ("**", "x", true),
        ("ab*ba", "aba", false),
    ] {
        assert_eq!(Pattern(pattern.to_owned()).fits(text.as_bytes()), expected, "{pattern} {text}");
    }
}

fn value_of(data_type: DataType) -> BoxedStrategy<Value> {
    match data_type {
        DataType::Text | DataType::TextList(_) => any::<String>().prop_map(Value::Text).boxed(),
        DataType::Integer | DataType::IntegerList(_) => any::<i64>().prop_map(Value::Integer).boxed(),
        DataType::Seconds => (-(i64::MAX - 1)..i64::MAX).prop_map(Value::Micros).boxed(),
        DataType::Time => {
            let micros = -62_135_596_800_000_000_i64..253_402_300_800_000_000;
            micros.prop_map(|micros| Value::Time(Timestamp::from_micros(micros))).boxed()
        }
        DataType::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
    }
}

fn test_of(column: &'static Column<RequestTable>) -> BoxedStrategy<Condition> {
    let comparisons = Comparison::ALL.into_iter().map(|(_, comparison)| comparison);
    let has_order =
        matches!(column.data_type, DataType::Integer | DataType::IntegerList(_) | DataType::Seconds | DataType::Time);
    let comparisons: Vec<Comparison> =
        comparisons.filter(|comparison| has_order || !comparison.needs_order()).collect();
    let value = value_of(column.data_type);
    let mut tests = vec![
        (prop::sample::select(comparisons), value.clone())
            .prop_map(|(comparison, value)| Condition::Compare(comparison, value))
            .boxed(),
        prop::collection::vec(value, 1..4).prop_map(Condition::In).boxed(),
        Just(Condition::IsNull).boxed(),
    ];
    match column.data_type {
        DataType::Text | DataType::TextList(_) => {
            tests.push(any::<String>().prop_map(|text| Condition::Like(Pattern(text))).boxed());
        }
        DataType::Flag => tests.push(Just(Condition::IsTrue).boxed()),
        _ => {}
    }
    prop::strategy::Union::new(tests).boxed()
}

fn expression() -> impl Strategy<Value = Expression> {
    let columns: Vec<&'static Column<RequestTable>> = RequestTable::COLUMNS.iter().collect();
    let test = prop::sample::select(columns)
        .prop_flat_map(|column| test_of(column).prop_map(move |test| Expression::Condition(column, test)));
    test.prop_recursive(5, 30, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(one, other)| Expression::Or(Box::new(one), Box::new(other))),
            pair.prop_map(|(one, other)| Expression::And(Box::new(one), Box::new(other))),
            inner.prop_map(|inner| Expression::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn a_printed_expression_parses_to_the_same_expression(expression in expression()) {
        let printed = expression.to_string();
        let read = Filter::parse(&printed);
        prop_assert_eq!(read.map(|filter| filter.0), Ok(expression), "{}", printed);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(error.to_string().contains('^'));
        }
    }

    #[test]
    fn no_sequence_of_tokens_makes_the_parser_panic(words in prop::collection::vec(prop::sample::select(vec![
        "and", "or", "not", "in", "is", "null", "(", ")", ",", "=", "<", "~", "line", "elb", "is_failure", "1", "'a'", "\"",
    ]), 0..12)) {
        let _ = Filter::parse(&words.join(" ")).map_err(|error| error.to_string());
    }
}
