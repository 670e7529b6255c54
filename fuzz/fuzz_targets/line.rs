//! Any bytes as one line: nothing panics, no byte is lost between the fields, and if the line gives an exchange, every
//! getter can read it.

#![no_main]

use albscope::classify::{Outcome, classify};
use albscope::kind::{Alb, alb, of_line};
use albscope::record::{Bounds, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    // This is for lines that could not be parsed, but it must survive any bytes.
    let _ = of_line(line);
    let mut bounds = Bounds::default();
    let Ok(record) = Record::<Alb>::parse(line, &mut bounds) else { return };

    assert!(!record.is_empty());
    joined_fields_give_the_line_back(&record);

    let getters_read = [
        record.time().is_ok(),
        record.request_creation_time().is_ok(),
        record.request_processing_time().is_ok(),
        record.target_processing_time().is_ok(),
        record.response_processing_time().is_ok(),
        record.elb_status_code().is_ok(),
        record.target_status_code().is_ok(),
        record.received_bytes().is_ok(),
        record.sent_bytes().is_ok(),
        record.elapsed().is_ok(),
    ];
    let _ = (record.client(), record.target(), record.unknown_tail());
    let request_line = record.request_line();
    if let (Some(url), Some(path)) = (request_line.url, request_line.path()) {
        assert!(!path.is_empty() && path.len() <= url.len().max(1));
    }

    if let Ok(exchange) = record.exchange() {
        assert_eq!(getters_read, [true; 10], "an exchange was made of a field that its getter refuses");
        assert!(classify(&exchange).index() < Outcome::COUNT);
        let elapsed = exchange.elapsed.exact();
        assert!(elapsed.is_none() || record.value(alb::REQUEST_CREATION_TIME).is_some());
    }
});

/// Checks that the fields, with their quotes and the spaces between them, give the line back.
fn joined_fields_give_the_line_back(record: &Record<'_, Alb>) {
    let mut rest = record.line();
    for index in 0..record.len() {
        if index > 0 {
            rest = rest.strip_prefix(b" ").expect("a blank before each field but the first");
        }
        let field = record.bytes(index).expect("a field below the record's length");
        let quoted = [b"\"", field, b"\""].concat();
        rest =
            rest.strip_prefix(quoted.as_slice()).or_else(|| rest.strip_prefix(field)).expect("the field at its place");
    }
    assert!(rest.is_empty(), "bytes behind the last field");
    assert_eq!(record.bytes(record.len()), None);
}
