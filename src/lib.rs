//! albscope reads the access logs of AWS Application Load Balancers and says, for each target, why requests failed.
//!
//! The program `albscope` is a thin shell around this library. Another program reads a log like this, line by line:
//!
//! ```
//! use albscope::Reader;
//!
//! # fn main() -> albscope::Result<()> {
//! let log: &[u8] = concat!(
//!     r#"http 2019-10-11T15:01:50.492440Z app/web/c86a326e7dc14222 192.0.2.193:56488 10.0.1.107:80 -1 -1 "#,
//!     r#"-1 504 - 125 308 "GET http://example.com:80/ HTTP/1.1" "curl/7.58.0" - - "#,
//!     r#"arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/8f04c4fe71f5f794 "#,
//!     r#""Root=1-5da09954-2c342a443bfb96249aa50ed7" "-" "-" 0 2019-10-11T15:01:40.491000Z "forward" "-" "#,
//!     r#""-""#,
//! )
//! .as_bytes();
//! // Or a file: `Reader::open(path)`, gzip or plain text.
//! for record in Reader::new(log)? {
//!     let record = record?;
//!     let fields = record.record();
//!     assert_eq!(fields.elb_status_code(), Ok(Some(504)));
//!     assert_eq!(fields.target_status_code(), Ok(None)); // `-` is no status
//!     assert_eq!(record.outcome(), albscope::classify::Outcome::ConnectTimeout);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Or it reads whole folders and buckets, and asks for the causes of the failures:
//!
//! ```
//! use albscope::diagnose::{Context, diagnose};
//! use albscope::{ReadOptions, Progress, source};
//!
//! # fn main() -> albscope::Result<()> {
//! let inputs = [source::from_input("sample-logs".as_ref())?];
//! let summary = ReadOptions::new().run(&inputs, &Progress::new())?;
//! for finding in diagnose(&summary, &Context::default()).findings {
//!     println!("{} failures, {:?} confidence: {}", finding.failures, finding.confidence, finding.cause.id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Data flow
//!
//! ```text
//! source ─object→ decode ─bytes→ record ─Record→ kind ─Exchange→ classify ─Outcome→
//! aggregate ─Summary→ diagnose ─Finding→ report ─Report→ plot
//! ```
//!
//! | module | what it does |
//! | --- | --- |
//! | [`source`] | lists objects, reads their keys, leaves out those that cannot hold a wanted line |
//! | [`decode`] | gzip of many members, or plain text, to bytes |
//! | [`record`] | bytes to lines, a line to its fields |
//! | [`schema`], [`kind`] | what a log's fields are, and typed access to them |
//! | [`classify`] | how one request ended, from its own line |
//! | [`reader`] | one log in a plain loop: a record and its outcome, or what is wrong with a line |
//! | [`aggregate`] | what is kept about all requests, in bounded memory |
//! | [`diagnose`] | the likely cause for each target |
//! | [`knowledge`] | causes, servers and their timeouts, as data |
//! | [`report`] | text, JSON, Markdown and HTML |
//! | [`rules`] | what about a report makes the exit status 1 |
//! | [`plot`] | pictures as files |
//! | [`pipeline`] | runs everything in parallel, with the same result for any number of threads |
//! | [`export`] | records as tables for notebooks |
//! | [`table`] | typed rows as Parquet or CSV |
//! | [`durable_file`] | files that are either complete or absent |
//! | [`simulate`] | incidents with known causes, as a load balancer would have logged them |
//!
//! # Features
//!
//! All are on by default. Without any (`default-features = false`), the library reads logs from disk, diagnoses them
//! and renders every format of a report.
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `cli` | the program `albscope` |
//! | `s3` | inputs in S3: `source::S3`; without it, [`source::Inputs::open`] refuses them |
//! | `export` | [`export`] and [`table`] |
//! | `pictures` | [`plot`] |
//! | `simulate` | [`simulate`] |

// What only one feature uses is no dead code in a build without that feature.
#![cfg_attr(
    not(all(feature = "cli", feature = "export", feature = "pictures", feature = "s3", feature = "simulate")),
    allow(dead_code)
)]

pub mod aggregate;
pub mod classify;
pub mod decode;
pub mod diagnose;
pub mod durable_file;
pub mod error;
#[cfg(feature = "export")]
pub mod export;
pub mod kind;
pub mod knowledge;
pub mod location;
pub mod pipeline;
#[cfg(feature = "pictures")]
pub mod plot;
pub mod reader;
pub mod record;
pub mod report;
pub mod rules;
pub mod schema;
#[cfg(feature = "simulate")]
pub mod simulate;
pub mod source;
#[cfg(feature = "export")]
pub mod table;
pub mod timestamp;

pub use error::{Error, ErrorKind, Problem, Result};
pub use location::Location;
pub use pipeline::{Progress, ReadOptions};
pub use reader::{OwnedRecord, Reader};
pub use timestamp::Timestamp;
