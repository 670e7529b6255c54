//! Gzip of many members, in memory and streaming.

use std::io::{self, BufRead};

use flate2::{Decompress, DecompressError, FlushDecompress, Status};

use super::buffer::{Buffer, STEP_BYTES};
use super::damage::Damage;
use super::libdeflate::{Decompressor, Refusal, Sizes};
use crate::error::Problem;

/// The first two bytes of every gzip member.
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A member that decodes to more than this is streamed. This bounds a worker's memory.
pub const MAX_MEMBER_BYTES: usize = 128 * 1024 * 1024;

/// Room for the first try at a member whose size is not known.
const FIRST_ROOM_BYTES: usize = 1024 * 1024;

/// Deflate cannot make more than this many bytes out of one.
const MAX_DEFLATE_RATIO: usize = 1032;

/// The largest window deflate knows; every member can be read with it.
const MAX_WINDOW_BITS: u8 = 15;

/// A whole object in memory, decoded member by member.
pub(super) struct GzipMembers<'a> {
    rest: &'a [u8],
    /// Offset of `rest` in the object.
    offset: u64,
    decompressor: &'a mut Decompressor,
    /// Set once a member has to be streamed; all members after it are streamed too.
    stream: Option<GzipStream<&'a [u8]>>,
}

impl<'a> GzipMembers<'a> {
    pub(super) fn new(object: &'a [u8], decompressor: &'a mut Decompressor) -> Self {
        Self { rest: object, offset: 0, decompressor, stream: None }
    }

    pub(super) fn fill(&mut self, buffer: &mut Buffer) -> Result<bool, Damage> {
        if self.stream.is_none() && !self.rest.is_empty() {
            if self.rest.starts_with(&GZIP_MAGIC) && self.member(buffer) {
                return Ok(true);
            }
            self.stream = Some(GzipStream::new(self.rest, self.offset));
        }
        match &mut self.stream {
            Some(stream) => stream.fill(buffer),
            None => Ok(false),
        }
    }

    /// Decodes one member. `false` if libdeflate cannot, because the member is damaged or too large.
    fn member(&mut self, buffer: &mut Buffer) -> bool {
        let mut room = buffer.spare(self.likely_size().max(FIRST_ROOM_BYTES)).len();
        loop {
            match self.decompressor.member(self.rest, buffer.spare(room)) {
                Ok(sizes) => {
                    buffer.filled(sizes.decoded);
                    self.rest = &self.rest[sizes.stored..];
                    self.offset += sizes.stored as u64;
                    return true;
                }
                Err(Refusal::InsufficientSpace) if room < MAX_MEMBER_BYTES => room = (room * 2).min(MAX_MEMBER_BYTES),
                Err(Refusal::InsufficientSpace | Refusal::BadMember) => return false,
            }
        }
    }

    /// The object's last four bytes are the decoded size of its last member. That is right for an object of one
    /// member and a guess otherwise. It is not trusted in either case.
    fn likely_size(&self) -> usize {
        let size = self.rest.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize);
        let possible = self.rest.len().saturating_mul(MAX_DEFLATE_RATIO).min(MAX_MEMBER_BYTES);
        if size <= possible { size } else { 0 }
    }
}

/// Gzip of many members from a stream, in bounded memory.
///
/// `flate2::bufread::MultiGzDecoder` does nearly this, but it drops what a damaged member still gave in its last
/// step, and it cannot distinguish bytes after the last member from a damaged member. So this drives flate2's
/// inflater itself.
pub(super) struct GzipStream<R: BufRead> {
    reader: R,
    /// Offset of `reader` in the object.
    offset: u64,
    /// Decodes the member that `reader` is in. `None` between members.
    inflater: Option<Decompress>,
}

impl<R: BufRead> GzipStream<R> {
    /// `offset` is the offset of `reader` in the object. A member begins or has just ended there.
    pub(super) fn new(reader: R, offset: u64) -> Self {
        Self { reader, offset, inflater: None }
    }

    pub(super) fn fill(&mut self, buffer: &mut Buffer) -> Result<bool, Damage> {
        loop {
            if self.inflater.is_none() && !self.begins_member()? {
                return Ok(false);
            }
            let (progress, status) = self.inflate(buffer)?;
            match status {
                Ok(Status::StreamEnd) => self.inflater = None,
                Ok(Status::Ok | Status::BufError) if progress.stored == 0 && progress.decoded == 0 => {
                    let reason = io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends inside a member");
                    return Err(self.damage(Problem::GzipTruncated, reason));
                }
                Ok(Status::Ok | Status::BufError) => {}
                Err(reason) => {
                    let reason = io::Error::new(io::ErrorKind::InvalidData, reason);
                    return Err(self.damage(Problem::GzipDamaged, reason));
                }
            }
            if progress.decoded > 0 {
                return Ok(true);
            }
        }
    }

    /// One step of the inflater. Its output counts even if the step fails.
    #[expect(clippy::cast_possible_truncation, reason = "differences of totals within one step fit the step's buffers")]
    fn inflate(&mut self, buffer: &mut Buffer) -> Result<(Sizes, Result<Status, DecompressError>), Damage> {
        let stored = match filled(&mut self.reader) {
            Ok(stored) => stored,
            Err(reason) => return Err(Damage { problem: Problem::Unreadable, stored_byte: self.offset, reason }),
        };
        let inflater = self.inflater.get_or_insert_with(|| Decompress::new_gzip(MAX_WINDOW_BITS));
        let (stored_before, decoded_before) = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(stored, &mut buffer.spare(STEP_BYTES)[..STEP_BYTES], FlushDecompress::None);
        let progress = Sizes {
            stored: (inflater.total_in() - stored_before) as usize,
            decoded: (inflater.total_out() - decoded_before) as usize,
        };
        buffer.filled(progress.decoded);
        self.reader.consume(progress.stored);
        self.offset += progress.stored as u64;
        Ok((progress, status))
    }

    /// Whether another member follows. Zero bytes after the last member are padding and are skipped.
    fn begins_member(&mut self) -> Result<bool, Damage> {
        loop {
            let bytes = match filled(&mut self.reader) {
                Ok(bytes) => bytes,
                Err(reason) => return Err(self.damage(Problem::Unreadable, reason)),
            };
            let Some(&first) = bytes.first() else { return Ok(false) };
            if first == GZIP_MAGIC[0] {
                return Ok(true);
            }
            let padding = bytes.iter().take_while(|&&byte| byte == 0).count();
            if padding == 0 {
                let reason = io::Error::new(io::ErrorKind::InvalidData, "no gzip member begins here");
                return Err(self.damage(Problem::GzipTrailingGarbage, reason));
            }
            self.reader.consume(padding);
            self.offset += padding as u64;
        }
    }

    fn damage(&self, problem: Problem, reason: io::Error) -> Damage {
        Damage { problem, stored_byte: self.offset, reason }
    }
}

/// What a reader has, after it was filled. A signal that interrupts it is no error.
fn filled<R: BufRead>(reader: &mut R) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            // At its end, a reader would be read again.
            Ok([]) => return Ok(&[]),
            Ok(_) => break,
        }
    }
    reader.fill_buf()
}
