//! What a run would read: the answer to `--dry-run`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::plain::sanitize_terminal;
use super::text::table::{align_right, new_table};
use super::{numbers, phrases};
use crate::source::{Listing, Source};
use crate::timestamp::MICROS_PER_SECOND;

/// What a run would read, and what that would take. Its JSON is a stable format like that of [`super::Report`]: keys
/// are only added.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// Version of albscope.
    pub albscope_version: &'static str,
    /// Objects to read.
    pub objects: u64,
    /// Their bytes as stored, as far as known.
    pub bytes: u64,
    /// How many of the objects are in the cache.
    pub cached_objects: u64,
    /// How many of the objects are archived and cannot be read until they are restored.
    pub archived_objects: u64,
    /// One row per load balancer and day, sorted by both in that order.
    pub days: Vec<PlanDay>,
    /// Objects left out, by reason.
    pub objects_skipped: BTreeMap<&'static str, u64>,
    /// Folders left out, by reason; their objects are not listed.
    pub folders_skipped: BTreeMap<&'static str, u64>,
    /// How often the listing jumped over keys that the selection rules out. Those keys were neither listed nor
    /// counted.
    pub jumps: u64,
    /// Requests that the listing took.
    pub list_requests: u64,
    /// Requests that reading will take, not counting retries.
    pub read_requests: u64,
    /// What could not be listed: where, and why.
    pub problems: Vec<PlanProblem>,
}

/// The objects of one load balancer on one day.
#[derive(Clone, Debug, Serialize)]
pub struct PlanDay {
    /// Its resource id; `None` for objects whose names do not have it.
    pub load_balancer: Option<String>,
    /// The day (UTC) of their log intervals, `2026-11-22`; `None` for objects whose names do not have it.
    pub day: Option<String>,
    /// How many objects.
    pub objects: u64,
    /// Their bytes as stored, as far as known.
    pub bytes: u64,
}

/// What could not be listed.
#[derive(Clone, Debug, Serialize)]
pub struct PlanProblem {
    /// A path or URL.
    pub object: String,
    /// What the file system or S3 reported.
    pub reason: String,
}

impl Plan {
    /// Sums up what the sources listed.
    #[must_use]
    pub fn new(listings: &[(&dyn Source, Listing)]) -> Self {
        let mut plan = Self { albscope_version: env!("CARGO_PKG_VERSION"), ..Self::default() };
        let mut days: BTreeMap<(Option<String>, Option<String>), (u64, u64)> = BTreeMap::new();
        for (source, listing) in listings {
            for object in &listing.objects {
                let key = object.key();
                // An interval that ends at midnight belongs to the day before.
                let day = key.as_ref().and_then(|key| key.end).map(|end| end.plus_micros(-MICROS_PER_SECOND));
                let day = day.map(|day| day.to_string()[..10].to_owned());
                let (objects, bytes) = days.entry((key.map(|key| key.load_balancer()), day)).or_default();
                *objects += 1;
                // A store may say any number, and the sum is only for people.
                *bytes = bytes.saturating_add(object.stored_bytes);
                let cost = source.cost(object);
                plan.objects += 1;
                plan.bytes = plan.bytes.saturating_add(object.stored_bytes);
                plan.cached_objects += u64::from(cost.is_cached);
                plan.archived_objects += u64::from(cost.is_archived);
                plan.read_requests += cost.requests;
            }
            for (reason, count) in &listing.skipped {
                *plan.objects_skipped.entry(reason.id()).or_default() += count;
            }
            for (reason, count) in &listing.folders_skipped {
                *plan.folders_skipped.entry(reason.id()).or_default() += count;
            }
            plan.jumps += listing.jumps;
            plan.list_requests += listing.requests;
            plan.problems.extend(listing.errors.iter().map(|error| PlanProblem {
                object: error.object().unwrap_or_default().to_owned(),
                reason: std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string),
            }));
        }
        let days = days.into_iter();
        plan.days = days
            .map(|((load_balancer, day), (objects, bytes))| PlanDay { load_balancer, day, objects, bytes })
            .collect();
        plan
    }

    /// Writes the plan as one JSON object on one line.
    ///
    /// # Errors
    /// If writing to `out` fails.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        super::json::render(self, out)
    }

    /// Writes the plan as text. Its table is at most `width` columns wide.
    ///
    /// # Errors
    /// If writing to `out` fails.
    pub fn write_text(&self, width: usize, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Would read {} ({}).", numbers::counted(self.objects, "object"), numbers::bytes(self.bytes))?;
        if !self.days.is_empty() {
            let mut table = new_table(width.saturating_sub(1));
            table.set_header(["load balancer", "day", "objects", "bytes"]);
            for day in &self.days {
                table.add_row([
                    sanitize_terminal(day.load_balancer.as_deref().unwrap_or("(not in the file name)")).into_owned(),
                    day.day.clone().unwrap_or_else(|| "-".to_owned()),
                    numbers::count(day.objects),
                    numbers::bytes(day.bytes),
                ]);
            }
            align_right(&mut table, &[2, 3]);
            for line in table.to_string().lines() {
                writeln!(out, " {}", line.trim_end())?;
            }
        }
        for (what, skipped) in [("objects", &self.objects_skipped), ("folders", &self.folders_skipped)] {
            if !skipped.is_empty() {
                writeln!(out, "{what} left out: {}", phrases::listed(skipped))?;
            }
        }
        if self.jumps > 0 {
            let jumps = numbers::counted(self.jumps, "jump");
            writeln!(out, "{jumps} over keys outside the selection; these keys were neither listed nor counted")?;
        }
        if self.archived_objects > 0 {
            let archived = numbers::counted(self.archived_objects, "object");
            writeln!(out, "archived: {archived} (must be restored before reading)")?;
        }
        if self.cached_objects > 0 {
            writeln!(out, "in the cache: {}", numbers::counted(self.cached_objects, "object"))?;
        }
        if self.list_requests > 0 {
            let (list, read) = (numbers::counted(self.list_requests, "request"), numbers::count(self.read_requests));
            writeln!(out, "Listing took {list}; reading will take {read}.")?;
        }
        for problem in &self.problems {
            writeln!(
                out,
                "could not list {}: {}",
                sanitize_terminal(&problem.object),
                sanitize_terminal(&problem.reason)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Body;
    use crate::error::Error;
    use crate::source::{CancelToken, Cost, Disk, Object, Selection};

    #[test]
    fn sizes_that_no_object_has_do_not_overflow() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.log", "b.log", "c.log"] {
            std::fs::write(folder.path().join(name), "a line").expect("a file");
        }
        let disk = Disk::new(folder.path()).expect("it is there");
        let mut listing = disk.list(&Selection::default(), &CancelToken::default());
        for object in &mut listing.objects {
            object.stored_bytes = i64::MAX as u64;
        }
        let plan = Plan::new(&[(&disk, listing)]);
        assert_eq!((plan.objects, plan.bytes, plan.days[0].bytes), (3, u64::MAX, u64::MAX));
    }

    const KEY: &str =
        "123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20261123T0000Z_10.0.3.99_5ms5iw47";

    /// A store in which every object has the cost that its size is.
    struct Store;

    impl Source for Store {
        fn list(&self, _: &Selection, _: &CancelToken) -> Listing {
            Listing::default()
        }

        fn cost(&self, object: &Object) -> Cost {
            let size = object.stored_bytes;
            Cost { requests: size, is_cached: size == 2, is_archived: size == 3 }
        }

        fn open<'a>(&self, _: &Object, _: &'a mut Vec<u8>) -> crate::Result<Body<'a>> {
            unreachable!("nothing is read")
        }
    }

    #[test]
    fn the_objects_of_all_sources_are_summed_by_load_balancer_and_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, bytes: usize| std::fs::write(folder.path().join(name), vec![b'x'; bytes]).expect("a file");
        // The interval that ends at midnight is the last one of the day before.
        write(&format!("{KEY}.log.gz"), 2);
        write(&KEY.replace("23T0000Z", "22T2355Z"), 3);
        write(&KEY.replace("23T0000Z", "23T0005Z"), 2);
        write("other.log", 4);
        write("notes.md", 1);
        let listing = |errors| {
            let found =
                Disk::new(folder.path()).expect("it is there").list(&Selection::default(), &CancelToken::default());
            Listing { requests: 7, jumps: 1, errors, ..found }
        };
        let gone = || io::Error::other("it is \u{1b}gone");
        let errors = vec![Error::source("s3://b/\u{1b}[2J", gone()), crate::ErrorKind::Cancelled.into()];
        let plan = Plan::new(&[(&Store, listing(errors)), (&Store, listing(Vec::new()))]);
        let days: Vec<_> = plan
            .days
            .iter()
            .map(|row| (row.load_balancer.as_deref(), row.day.as_deref(), row.objects, row.bytes))
            .collect();
        let shop = Some("app/shop/50dc6c495c0c9188");
        assert_eq!(days, [(None, None, 2, 8), (shop, Some("2026-11-22"), 4, 10), (shop, Some("2026-11-23"), 2, 4)]);
        assert_eq!((plan.objects, plan.bytes, plan.cached_objects, plan.archived_objects), (8, 22, 4, 2));
        assert_eq!((plan.read_requests, plan.list_requests, plan.jumps), (22, 14, 2));
        assert_eq!(plan.objects_skipped, [("not-a-log", 2)].into());
        let mut out = Vec::new();
        plan.write_text(80, &mut out).expect("a Vec takes all");
        let text = String::from_utf8(out).expect("UTF-8");
        for line in [
            "Would read 8 objects (22 B).",
            "objects left out: 2 not-a-log",
            "2 jumps over keys outside the selection; these keys were neither listed nor counted",
            "archived: 2 objects (must be restored before reading)",
            "in the cache: 4 objects",
            "Listing took 14 requests; reading will take 22.",
            "could not list s3://b/\\u{1b}[2J: it is \\u{1b}gone",
            "could not list : stopped before the end",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
        assert_eq!(
            text.lines().filter(|line| line.contains("2026-11-2") || line.contains("(not in")).count(),
            3,
            "{text}"
        );
    }

    #[test]
    fn a_plan_of_nothing_is_one_line() {
        let mut out = Vec::new();
        Plan::new(&[]).write_text(80, &mut out).expect("a Vec takes all");
        assert_eq!(out, b"Would read 0 objects (0 B).\n");
    }
}
