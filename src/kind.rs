//! The kinds of log. One file per kind: how it is recognised and, if it is read, its fields, its getters, and the way
//! from its record to what the rest of the library needs, for the access log an
//! [`Exchange`](crate::classify::Exchange).
//!
//! The kind of an object is what its first line says ([`of_object`]). A new kind is one file and one line in
//! `log_kinds!` below. One that is read also gets a variant of [`AnyRecord`] there, and the compiler then asks
//! everyone who takes in records what to do with it.

pub mod alb;
mod beginning;
mod classic;
mod connection;
mod health_check;
mod network;
mod test_object;

pub use alb::{Alb, LoggedRequest};

use crate::error::Problem;
use crate::record::ReadKind;
pub use crate::schema::LogKind;

macro_rules! log_kinds {
    (read { $($variant:ident($logged:ty) = $kind:ty;)* } recognised { $($module:ident)* }) => {
        /// Every kind of log. Kinds that are named by fewer marks come after those that have more.
        pub static LOG_KINDS: &[&LogKind] = &[$(<$kind as ReadKind>::KIND,)* $(&$module::KIND),*];

        /// A record of one of the kinds that are read, with its values.
        #[derive(Clone, Copy)]
        pub enum AnyRecord<'a> {
            $(
                #[doc = concat!("A record of ", stringify!($kind), ".")]
                $variant($logged),
            )*
        }

        $(
            impl<'a> From<$logged> for AnyRecord<'a> {
                fn from(logged: $logged) -> Self {
                    Self::$variant(logged)
                }
            }
        )*

        /// Runs `visitor` for the type of `kind`. For a kind that is not read this is [`Alb`]: its lines are
        /// then distinguished from access log lines one by one.
        pub fn visit<V: KindVisitor>(kind: &LogKind, visitor: V) -> V::Output {
            $(
                if kind == <$kind as ReadKind>::KIND {
                    return visitor.visit::<$kind>();
                }
            )*
            visitor.visit::<Alb>()
        }
    };
}

log_kinds! {
    read {
        Access(LoggedRequest<'a>) = Alb;
    }
    recognised { connection health_check test_object network classic }
}

/// Something that is done for a log, in code of its own for each kind that is read.
pub trait KindVisitor {
    /// What it gives.
    type Output;

    /// Does it for the kind `K`.
    fn visit<K>(self) -> Self::Output
    where
        K: ReadKind,
        for<'a> AnyRecord<'a>: From<K::Logged<'a>>;
}

/// The kind of log that a line is of. `None` if it has the marks of none.
#[must_use]
pub fn of_line(line: &[u8]) -> Option<&'static LogKind> {
    LOG_KINDS.iter().copied().find(|kind| (kind.is_line)(line))
}

/// The kind of an object: that of its first line. If the line has the marks of no kind, or there is no line, the kind
/// that the object's name says. If the name does not say either, the access log.
#[must_use]
pub fn of_object(named: Option<&'static LogKind>, first_line: &[u8]) -> &'static LogKind {
    of_line(first_line).or(named).unwrap_or(Alb::KIND)
}

/// What is wrong with a line that was refused as a record of `kind`: if it is a line of another kind, that.
#[must_use]
pub fn problem_of(line: &[u8], kind: &LogKind, problem: Problem) -> Problem {
    of_line(line).filter(|other| *other != kind).map_or(problem, Problem::OtherLog)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::record::Bounds;
    use crate::schema::ObjectNames;

    #[test]
    fn each_kind_is_recognised_by_its_own_sample_and_by_no_other() {
        for kind in LOG_KINDS {
            for other in LOG_KINDS {
                let is_line = (kind.is_line)(other.sample_line.as_bytes());
                assert_eq!(is_line, kind == other, "{} by a line of {}", kind.id, other.id);
            }
        }
    }

    #[test]
    fn ids_and_names_are_unique() {
        let ids: BTreeSet<&str> = LOG_KINDS.iter().flat_map(|kind| [kind.id, kind.line_id]).collect();
        assert_eq!(ids.len(), LOG_KINDS.len() * 2);
        for kind in LOG_KINDS {
            assert_eq!(kind.line_id, format!("{}-line", kind.id));
            assert!(!kind.line_title.is_empty());
        }
        let names: BTreeSet<String> = LOG_KINDS.iter().map(|kind| format!("{:?}", kind.object_names)).collect();
        assert_eq!(names.len(), LOG_KINDS.len());
    }

    /// A visitor that parses the sample of a kind.
    struct ParseSample(&'static LogKind);

    impl KindVisitor for ParseSample {
        type Output = ();

        fn visit<K>(self)
        where
            K: ReadKind,
            for<'a> AnyRecord<'a>: From<K::Logged<'a>>,
        {
            assert_eq!(K::KIND, self.0);
            assert!(std::ptr::eq(K::SCHEMA, self.0.schema.expect("it is read")));
            let mut bounds = Bounds::default();
            let record = crate::record::Record::<K>::parse(self.0.sample_line.as_bytes(), &mut bounds);
            let values = record.and_then(|record| K::values(&record, None).map(|_| ()));
            assert_eq!(values, Ok(()), "{}", self.0.id);
        }
    }

    #[test]
    fn the_sample_of_each_kind_that_is_read_can_be_read() {
        for kind in LOG_KINDS.iter().filter(|kind| kind.is_read()) {
            visit(kind, ParseSample(kind));
        }
    }

    #[test]
    fn content_decides_the_kind_of_an_object_and_its_name_only_where_content_says_nothing() {
        for kind in LOG_KINDS {
            for named in LOG_KINDS {
                assert_eq!(of_object(Some(named), kind.sample_line.as_bytes()), *kind);
                for silent in ["", "not a line of any log"] {
                    assert_eq!(of_object(Some(named), silent.as_bytes()), *named);
                }
            }
            assert_eq!(of_object(None, kind.sample_line.as_bytes()), *kind);
        }
        assert_eq!(of_object(None, b"not a line of any log"), Alb::KIND);
    }

    #[test]
    fn a_line_of_another_kind_is_named_and_a_bad_line_of_the_same_kind_is_not() {
        for kind in LOG_KINDS {
            let line = kind.sample_line.as_bytes();
            assert_eq!(problem_of(line, kind, Problem::Quoting), Problem::Quoting);
            let other = LOG_KINDS.iter().find(|other| *other != kind).expect("several");
            assert_eq!(problem_of(line, other, Problem::Quoting), Problem::OtherLog(kind));
        }
    }

    #[test]
    fn lines_of_other_logs_are_recognised() {
        for (line, expected) in [
            (r#"2026-10-04T17:05:15.514108Z 2001:db8::1 36280 80 - - - "-" - - - TID_1"#, Some("connection-log")),
            (
                r#"2026-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 - -1 -1 -1 503 0 0 0 "GET http://a:80/ HTTP/1.1" "curl" - -"#,
                Some("classic-load-balancer"),
            ),
            (
                "http 2026-10-31T12:44:59.875678Z 5.0 10.0.0.1:80 my-tg FAIL - TimedOut app/my-lb/50dc6c495c0c9188 10.0.9.9",
                Some("health-check-log"),
            ),
            ("hello", None),
            ("", None),
        ] {
            assert_eq!(of_line(line.as_bytes()).map(|kind| kind.id), expected, "{line}");
        }
    }

    #[test]
    fn a_key_that_names_less_is_asked_last() {
        let marks = |kind: &LogKind| match kind.object_names {
            ObjectNames::Key { word, load_balancer } => {
                usize::from(word.is_some()) + usize::from(load_balancer.is_some())
            }
            ObjectNames::Fixed(_) => 2,
        };
        assert!(LOG_KINDS.is_sorted_by_key(|kind| usize::MAX - marks(kind)));
    }
}
