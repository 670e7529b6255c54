//! Small numbers in the encoding that Parquet calls hybrid: a long run of one number as the number and its count, all
//! other numbers packed with as few bits as the largest needs.
//!
//! Source: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>

/// Numbers in one packed group.
const PACK: usize = 8;

/// Writes numbers of at most `width` bits each. `width` is at most 32.
pub(super) fn write_hybrid<T: Copy + Eq + Into<u32>>(numbers: &[T], width: u32, out: &mut Vec<u8>) {
    // A run takes up to five bytes, and splits the packed numbers around it in two.
    let least = (64 / width.max(1) as usize).max(PACK);
    let (mut packed_to, mut at) = (0, 0);
    while let Some(pack) = numbers.get(at..at + PACK) {
        let run = if is_same(pack, pack[0]) { run(&numbers[at..]) } else { 0 };
        if run >= least {
            write_packed(&numbers[packed_to..at], width, out);
            write_run(run, pack[0].into(), width, out);
            at += run;
            packed_to = at;
        } else {
            at += PACK;
        }
    }
    write_packed(&numbers[packed_to..], width, out);
}

/// How often the first number comes before a different one.
fn run<T: Copy + Eq>(numbers: &[T]) -> usize {
    const WIDE: usize = 64;
    let first = numbers[0];
    let wide = numbers.chunks_exact(WIDE).take_while(|chunk| is_same(chunk, first)).count() * WIDE;
    wide + numbers[wide..].iter().take_while(|number| **number == first).count()
}

/// Compares all numbers, because an early exit would be slower.
#[inline]
fn is_same<T: Copy + Eq>(numbers: &[T], number: T) -> bool {
    numbers.iter().fold(0, |differ, other| differ | u8::from(*other != number)) == 0
}

/// Writes one number and how often it comes.
pub(super) fn write_run(times: usize, number: u32, width: u32, out: &mut Vec<u8>) {
    write_header((times as u64) << 1, out);
    out.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Writes numbers packed. Their count must be a multiple of [`PACK`], except at the end of a sequence.
fn write_packed<T: Copy + Into<u32>>(numbers: &[T], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let packs = numbers.len().div_ceil(PACK);
    write_header((packs as u64) << 1 | 1, out);
    let end = out.len() + packs * width as usize;
    out.reserve(end - out.len() + size_of::<u32>());
    let (mut bits, mut filled) = (0_u64, 0);
    for &number in numbers {
        bits |= u64::from(number.into()) << filled;
        filled += width;
        if filled >= u32::BITS {
            out.extend_from_slice(&bits.to_le_bytes()[..size_of::<u32>()]);
            bits >>= u32::BITS;
            filled -= u32::BITS;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..size_of::<u32>()]);
    out.resize(end, 0);
}

/// Writes seven bits per byte, the lowest first. All bytes except the last have the eighth bit set.
fn write_header(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use polars_parquet::parquet::encoding::hybrid_rle::HybridRleDecoder;
    use proptest::prelude::*;

    use super::*;

    /// Writes numbers, and reads them back with polars' decoder.
    fn read(numbers: &[u32], width: u32) -> Vec<u32> {
        let mut bytes = Vec::new();
        write_hybrid(numbers, width, &mut bytes);
        let decoder = HybridRleDecoder::new(&bytes, width, numbers.len());
        decoder.collect().expect("it can be read")
    }

    proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(
            width in 0_u32..=32,
            runs in prop::collection::vec((any::<u32>(), prop_oneof![Just(1_usize), 1..20_usize, 1..300_usize]), 0..60),
        ) {
            let mask = u32::MAX.checked_shr(32 - width).unwrap_or(0);
            let numbers: Vec<u32> = runs.iter().flat_map(|&(number, times)| vec![number & mask; times]).collect();
            prop_assert_eq!(read(&numbers, width), numbers);
        }
    }

    #[test]
    fn a_column_of_one_value_takes_a_few_bytes() {
        let mut bytes = Vec::new();
        write_hybrid(&vec![5_u8; 100_000], 3, &mut bytes);
        assert_eq!(bytes, [0xc0, 0x9a, 0x0c, 5], "200,000 in three bytes of seven bits, then 5");
    }
}
