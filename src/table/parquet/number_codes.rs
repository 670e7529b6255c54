//! A dictionary of numbers: each distinct number once, and a code for each row.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::table::column_buffer::ABSENT_NUMBER;
use crate::table::dictionary::ABSENT_CODE;

/// Maximum distinct values per four rows for a dictionary to be worth its page.
const MAX_DISTINCT_IN_FOUR: usize = 3;

/// Whether `distinct` values in `rows` rows are too many for a dictionary.
pub(super) fn hardly_repeat(distinct: usize, rows: usize) -> bool {
    distinct * 4 > rows * MAX_DISTINCT_IN_FOUR
}

/// The code of each row's number, and the distinct numbers by code. `None` if there is no number, or if numbers
/// hardly repeat.
#[expect(clippy::cast_possible_truncation, reason = "the span is small")]
pub(super) fn codes_of(numbers: &[i64]) -> Option<(Vec<u32>, Vec<i64>)> {
    /// Numbers within this span, such as ports, statuses and most durations, are looked up in an array instead of a
    /// hash map.
    const MAX_SPAN: u64 = 1 << 16;
    const HASHER: FixedState = FixedState::with_seed(1);
    let present = || numbers.iter().copied().filter(|number| *number != ABSENT_NUMBER);
    let (least, greatest) = (present().min()?, present().max()?);
    // Durations are whole milliseconds if the log has milliseconds only.
    let step = if present().all(|number| number % 1000 == 0) { 1000 } else { 1 };
    let span = greatest.abs_diff(least) / step;
    if span < MAX_SPAN {
        let mut codes = vec![ABSENT_CODE; span as usize + 1];
        return codes_by(numbers, |number, next| {
            let code = &mut codes[(number.abs_diff(least) / step) as usize];
            if *code == ABSENT_CODE {
                *code = next;
            }
            *code
        });
    }
    let mut codes: HashMap<i64, u32, FixedState> = HashMap::with_hasher(HASHER);
    codes_by(numbers, |number, next| *codes.entry(number).or_insert(next))
}

/// Does the work of [`codes_of`]. `code_of` returns the code of a number, which is the given one if the number is
/// new.
fn codes_by(numbers: &[i64], mut code_of: impl FnMut(i64, u32) -> u32) -> Option<(Vec<u32>, Vec<i64>)> {
    let mut distinct = Vec::new();
    let mut codes = Vec::with_capacity(numbers.len());
    for &number in numbers {
        if number == ABSENT_NUMBER {
            codes.push(ABSENT_CODE);
            continue;
        }
        let next = u32::try_from(distinct.len()).ok()?;
        let code = code_of(number, next);
        if code == next {
            if hardly_repeat(distinct.len(), numbers.len()) {
                return None;
            }
            distinct.push(number);
        }
        codes.push(code);
    }
    Some((codes, distinct))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![
            4 => -3..3_i64,
            2 => (-3..3_i64).prop_map(|number| number * 1000),
            1 => Just(ABSENT_NUMBER),
        ]
    }

    proptest! {
        #[test]
        fn codes_stand_for_their_numbers(
            few in prop::collection::vec(number(), 0..40),
            far in prop::option::of(any::<i64>()),
            step in prop::sample::select(&[1, 1000][..]),
        ) {
            // Each number comes twice, so the distinct ones are few enough for a dictionary.
            let numbers: Vec<i64> = few.iter().map(|number| number.saturating_mul(step)).chain(far).collect();
            let numbers = [numbers.clone(), numbers].concat();
            let coded = codes_of(&numbers);
            prop_assert_eq!(coded.is_none(), numbers.iter().all(|number| *number == ABSENT_NUMBER));
            let (codes, distinct) = coded.unwrap_or_default();
            let value_of = |code: &u32| distinct.get(*code as usize).copied().unwrap_or(ABSENT_NUMBER);
            prop_assert_eq!(codes.iter().map(value_of).collect::<Vec<_>>(), if codes.is_empty() { Vec::new() } else { numbers });
        }
    }
}
