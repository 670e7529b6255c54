use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn member(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

fn members(texts: &[&[u8]]) -> Vec<u8> {
    texts.iter().flat_map(|text| member(text)).collect()
}

/// Decodes to the end and returns the text and the damage.
fn decode(body: Body<'_>) -> (Vec<u8>, Option<Problem>) {
    let mut decompressor = Decompressor::new();
    let mut decoder = Decoder::new(body, &mut decompressor).expect("memory does not fail");
    let mut buffer = Buffer::new();
    loop {
        match decoder.fill(&mut buffer) {
            Ok(true) => {}
            Ok(false) => return (buffer.pending().to_vec(), None),
            Err(damage) => {
                assert!(matches!(decoder.fill(&mut buffer), Ok(false)), "damage is reported once");
                return (buffer.pending().to_vec(), Some(damage.problem));
            }
        }
    }
}

fn both_ways(object: &[u8]) -> (Vec<u8>, Option<Problem>) {
    let in_memory = decode(Body::Bytes(object));
    let streamed = decode(Body::Stream(Box::new(object)));
    assert!(in_memory == streamed, "the two ways differ: {:?} and {:?}", in_memory.1, streamed.1);
    in_memory
}

#[test]
fn all_members_are_read_and_a_line_may_span_two() {
    let object = members(&[b"first line\nsecond ", b"line\n", b"", b"third\n"]);
    assert_eq!(both_ways(&object), (b"first line\nsecond line\nthird\n".to_vec(), None));
}

#[test]
fn empty_objects_hold_nothing() {
    assert_eq!(both_ways(b""), (Vec::new(), None));
    assert_eq!(both_ways(&member(b"")), (Vec::new(), None));
}

#[test]
fn plain_text_is_recognised_by_its_content() {
    assert_eq!(both_ways(b"plain\n"), (b"plain\n".to_vec(), None));
    assert_eq!(both_ways(b"x"), (b"x".to_vec(), None));
}

#[test]
fn a_cut_off_member_gives_the_text_before_the_cut() {
    let text: Vec<u8> = (0..20_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    let object = members(&[b"whole\n", &text]);
    let (decoded, problem) = both_ways(&object[..object.len() - 9]);
    assert_eq!(problem, Some(Problem::GzipTruncated));
    assert!(decoded.starts_with(b"whole\nline 0\n"));
    assert!(decoded.len() > text.len() * 9 / 10, "only {} bytes were saved", decoded.len());
}

#[test]
fn a_wrong_checksum_in_the_second_member_is_damage_after_its_text() {
    let mut object = members(&[b"one\n", b"two\n"]);
    let crc = object.len() - 8;
    object[crc] ^= 0xff;
    assert_eq!(both_ways(&object), (b"one\ntwo\n".to_vec(), Some(Problem::GzipDamaged)));
}

#[test]
fn garbage_after_the_last_member_is_not_reported_as_a_damaged_member() {
    let mut object = members(&[b"one\n"]);
    object.extend_from_slice(b"garbage");
    assert_eq!(both_ways(&object), (b"one\n".to_vec(), Some(Problem::GzipTrailingGarbage)));
}

#[test]
fn zero_padding_after_the_last_member_is_skipped() {
    let mut object = members(&[b"one\n"]);
    object.extend_from_slice(&[0; 512]);
    assert_eq!(both_ways(&object), (b"one\n".to_vec(), None));
}

#[test]
fn the_damage_is_located_in_the_stored_object() {
    let mut object = members(&[b"one\n"]);
    let end = object.len() as u64;
    object.extend_from_slice(b"garbage");
    let mut decompressor = Decompressor::new();
    let mut decoder = Decoder::new(Body::Bytes(&object), &mut decompressor).expect("memory does not fail");
    let mut buffer = Buffer::new();
    assert!(decoder.fill(&mut buffer).is_ok());
    assert_eq!(decoder.fill(&mut buffer).expect_err("garbage").stored_byte, end);
}

#[test]
fn a_bomb_is_decoded_in_bounded_memory() {
    // 160 MiB of one byte: more than a member may take in memory.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let block = vec![b'a'; 1024 * 1024];
    for _ in 0..160 {
        encoder.write_all(&block).expect("a Vec takes all");
    }
    let object = encoder.finish().expect("a Vec takes all");
    let mut decompressor = Decompressor::new();
    let mut decoder = Decoder::new(Body::Bytes(&object), &mut decompressor).expect("memory does not fail");
    let mut buffer = Buffer::new();
    let mut total = 0;
    while decoder.fill(&mut buffer).expect("a sound stream") {
        total += buffer.pending().len();
        buffer.clear();
        assert!(buffer.spare_len() <= MAX_MEMBER_BYTES + STEP_BYTES);
    }
    assert_eq!(total, 160 * block.len());
}

#[test]
fn a_reader_that_gives_single_bytes_is_read_in_full() {
    struct Trickle<'a>(&'a [u8]);
    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = out.len().min(1);
            Read::read(&mut self.0, &mut out[..count])
        }
    }
    let object = members(&[b"one\ntw", b"o\n"]);
    assert_eq!(decode(Body::Stream(Box::new(Trickle(&object)))), (b"one\ntwo\n".to_vec(), None));
}

#[test]
fn a_signal_does_not_end_a_log() {
    /// Is interrupted before each read.
    struct Interrupted<'a>(&'a [u8], bool);
    impl Read for Interrupted<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let size = out.len().min(self.0.len()).min(20);
            self.0.read(&mut out[..size])
        }
    }
    let text = "a line\n".repeat(1_000).into_bytes();
    for object in [text.clone(), members(&[&text, &text]), [members(&[&text]), vec![0; 100]].concat()] {
        let (decoded, problem) = decode(Body::Stream(Box::new(Interrupted(&object, false))));
        assert_eq!((decoded.len() % text.len(), problem), (0, None));
        assert!(decoded.starts_with(&text));
    }
}

proptest! {
    #[test]
    fn both_ways_give_the_same_bytes(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let (decoded, problem) = both_ways(&members(&texts));
        prop_assert_eq!(decoded, texts.concat());
        prop_assert_eq!(problem, None);
    }

    #[test]
    fn both_ways_agree_on_damaged_objects(
        texts in prop::collection::vec(prop::collection::vec(32..120_u8, 0..300), 1..5),
        offset in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        cut in any::<prop::sample::Index>(),
    ) {
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let mut object = members(&texts);
        let offset = offset.index(object.len());
        object[offset] ^= flip;
        let cut = cut.index(object.len() + 1);
        both_ways(&object[..cut]);
    }
}
