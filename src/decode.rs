//! Compressed bytes to bytes. The first bytes of an object, never its name, decide whether it is gzip or plain
//! text.
//!
//! Input: an object's bytes, in memory or as a stream. Output: decoded bytes, appended to a [`Buffer`] piece by
//! piece, and at most one [`Damage`] at the end. Load balancers write gzip of **many members**; a reader that stops
//! at the first loses most lines.
//!
//! There are two ways to decode. They give the same bytes, which a property test checks. The one exception is a
//! member whose header has a wrong checksum of its own: only streaming checks it. Load balancers write no header
//! checksum.
//!
//! - *in memory*: one member after the other with libdeflate, into a buffer that is reused. The fast one.
//! - *streaming*: `flate2` in bounded memory, for pipes, for objects too large to hold, for members that decode to
//!   more than [`MAX_MEMBER_BYTES`], and to save the bytes before the damage in a member that libdeflate refuses.

mod buffer;
mod damage;
mod gzip;
mod libdeflate;

use std::io::{self, BufRead, BufReader, Read};

pub use buffer::Buffer;
pub use damage::Damage;
pub use gzip::MAX_MEMBER_BYTES;
pub use libdeflate::Decompressor;

use crate::error::Problem;
use buffer::STEP_BYTES;
use gzip::{GZIP_MAGIC, GzipMembers, GzipStream};

/// An object's bytes, as a source hands them out.
pub enum Body<'a> {
    /// All of them, held in memory.
    Bytes(&'a [u8]),
    /// A stream of unknown length.
    Stream(Box<dyn Read + Send + 'a>),
}

/// Decodes one object, gzip or plain text.
pub struct Decoder<'a> {
    encoding: Encoding<'a>,
}

enum Encoding<'a> {
    /// Gzip in memory.
    Members(GzipMembers<'a>),
    /// Gzip from a stream.
    Stream(GzipStream<Box<dyn BufRead + 'a>>),
    Plain {
        reader: Box<dyn BufRead + 'a>,
        /// Bytes read so far.
        read: u64,
    },
    Ended,
}

impl<'a> Decoder<'a> {
    /// Looks at the first bytes of `body` and picks the way to decode it. `decompressor` is lent by the worker,
    /// which reuses it.
    ///
    /// # Errors
    /// When the first bytes of a stream cannot be read.
    pub fn new(body: Body<'a>, decompressor: &'a mut Decompressor) -> io::Result<Self> {
        let encoding = match body {
            Body::Bytes(bytes) if bytes.starts_with(&GZIP_MAGIC) => {
                Encoding::Members(GzipMembers::new(bytes, decompressor))
            }
            Body::Bytes(bytes) => Encoding::Plain { reader: Box::new(bytes), read: 0 },
            Body::Stream(stream) => return Self::of_stream(stream),
        };
        Ok(Self { encoding })
    }

    /// Looks at the first bytes of `stream` and decodes it in bounded memory.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub fn of_stream(stream: impl Read + 'a) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(STEP_BYTES, stream);
        // One `read` of a pipe may give a single byte; the magic number needs two.
        let first = peek_two(&mut reader)?;
        let reader: Box<dyn BufRead + 'a> = Box::new(io::Cursor::new(first.clone()).chain(reader));
        let encoding = if first == GZIP_MAGIC {
            Encoding::Stream(GzipStream::new(reader, 0))
        } else {
            Encoding::Plain { reader, read: 0 }
        };
        Ok(Self { encoding })
    }

    /// Appends decoded bytes to `buffer`. `Ok(false)` means that the object has ended; every further call returns
    /// it too.
    ///
    /// # Errors
    /// Once, if nothing more can be decoded. `buffer` then holds everything before the damage.
    pub fn fill(&mut self, buffer: &mut Buffer) -> Result<bool, Damage> {
        let filled = match &mut self.encoding {
            Encoding::Members(members) => members.fill(buffer),
            Encoding::Stream(stream) => stream.fill(buffer),
            Encoding::Plain { reader, read } => match fill_from(reader, buffer) {
                Ok(count) => {
                    *read += count as u64;
                    Ok(count > 0)
                }
                Err(reason) => Err(Damage { problem: Problem::Unreadable, stored_byte: *read, reason }),
            },
            Encoding::Ended => Ok(false),
        };
        if !matches!(filled, Ok(true)) {
            self.encoding = Encoding::Ended;
        }
        filled
    }
}

/// Reads once into `buffer` and returns how many bytes came; 0 at the end of `reader`.
fn fill_from(reader: &mut impl Read, buffer: &mut Buffer) -> io::Result<usize> {
    loop {
        match reader.read(&mut buffer.spare(STEP_BYTES)[..STEP_BYTES]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(count) => {
                buffer.filled(count);
                return Ok(count);
            }
        }
    }
}

/// The first two bytes of a stream, or fewer if it is shorter.
fn peek_two(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::with_capacity(2);
    reader.by_ref().take(2).read_to_end(&mut first)?;
    Ok(first)
}

#[cfg(test)]
mod tests;
