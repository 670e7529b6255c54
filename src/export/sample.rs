//! `--sample`: a share of the requests, always the same ones.

use std::str::FromStr;

/// A share of all traces. Whether a request is in it depends on its trace id alone. So the same requests are drawn
/// from any part of the logs, in any order, by any version of this program, and a smaller share is a subset of a
/// larger one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceSample {
    percent: f64,
    /// Hashes below this are in the sample; `None` if all are.
    below: Option<u64>,
}

impl TraceSample {
    /// `percent` of all traces, above 0 and at most 100. `None` for any other number.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the range, above 0")]
    pub fn new(percent: f64) -> Option<Self> {
        let is_share = percent > 0.0 && percent <= 100.0;
        let below = (percent < 100.0).then(|| (percent / 100.0 * u64::MAX as f64) as u64);
        is_share.then_some(Self { percent, below })
    }

    /// The share, in percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        self.percent
    }

    /// Whether a request is in the sample. `trace_id` is the field's value; a line without one is sampled by its
    /// whole text.
    pub(super) fn admits(self, trace_id: Option<&[u8]>, line: &[u8]) -> bool {
        self.below.is_none_or(|below| stable_hash(trace_id.map_or(line, root_of)) < below)
    }
}

impl FromStr for TraceSample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
        percent
            .and_then(Self::new)
            .ok_or_else(|| "expected a share above 0% and at most 100%, such as 10% or 0.1%".to_owned())
    }
}

/// What all requests of one trace share: the root in the trace id if there is one, else the whole id.
fn root_of(trace_id: &[u8]) -> &[u8] {
    let mut fields = trace_id.split(|&byte| byte == b';');
    fields.find(|field| field.starts_with(b"Root=")).unwrap_or(trace_id)
}

/// A hash that is the same in all versions: 64-bit FNV-1a, then the finalizer of `MurmurHash3`, because FNV alone
/// leaves the high bits of short texts alike.
///
/// Sources: <http://www.isthe.com/chongo/tech/comp/fnv/>,
/// <https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp>
pub(super) fn stable_hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        for (text, expected) in [
            ("", 0xEFD0_1F60_BA99_2926),
            ("a", 0x82A2_A958_A9BE_CE5B),
            ("Root=1-6afd5d58-3e934b9d7dfd08825ef444e3", 0x19FD_9A65_1E27_452A),
        ] {
            assert_eq!(stable_hash(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_share_of_traces_is_drawn_and_a_smaller_one_is_a_part_of_it() {
        let traces: Vec<String> = (0..100_000).map(|number| format!("Root=1-6afd5d58-{number:024x}")).collect();
        let drawn = |share: &str| -> Vec<&String> {
            let sample: TraceSample = share.parse().expect("a share");
            traces.iter().filter(|trace| sample.admits(Some(trace.as_bytes()), b"")).collect()
        };
        let (all, tenth, hundredth) = (drawn("100%"), drawn("10%"), drawn("1 %"));
        assert_eq!(all.len(), traces.len());
        assert!((9_700..10_300).contains(&tenth.len()), "{}", tenth.len());
        assert!((900..1_100).contains(&hundredth.len()), "{}", hundredth.len());
        assert!(hundredth.iter().all(|trace| tenth.contains(trace)));
    }

    #[test]
    fn a_trace_goes_by_its_root_and_a_line_without_one_by_its_text() {
        assert_eq!(
            root_of(b"Self=1-2-3;Root=1-67891233-abcdef012345678912345678;Foo=1"),
            b"Root=1-67891233-abcdef012345678912345678"
        );
        assert_eq!(root_of(b"Root=1-67891233-abcdef012345678912345678"), b"Root=1-67891233-abcdef012345678912345678");
        assert_eq!(root_of(b"anything"), b"anything");
        let sample = TraceSample::new(50.0).expect("a share");
        let lines: Vec<String> = (0..1000).map(|number| format!("line {number}")).collect();
        let drawn = lines.iter().filter(|line| sample.admits(None, line.as_bytes())).count();
        assert!((400..600).contains(&drawn), "{drawn}");
    }

    #[test]
    fn text_that_is_not_a_share_is_refused() {
        for text in ["", "%", "0%", "-1%", "101%", "10", "nan%", "inf%", "10%%"] {
            assert!(text.parse::<TraceSample>().is_err(), "{text}");
        }
    }
}
