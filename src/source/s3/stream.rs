//! An object that is too large to hold, as a stream of its ranges.

use std::collections::VecDeque;
use std::io::{self, Read};

use md5::{Digest, Md5};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::error::{S3Error, S3ErrorKind};
use super::origin::{Md5Sum, WRONG_MD5};
use super::remote::{PendingRange, RemoteObject};
use crate::error::Error;
use crate::source::etag::Etag;
use crate::source::fetch::{Delivery, Fetched};

/// Ranges that are fetched ahead. With the one that is being read and the one that waits to be read, eight are in
/// memory.
const RANGES_AHEAD: usize = 6;

/// Streams an object, [`RANGES_AHEAD`] ranges ahead of the reader.
pub(super) async fn stream(object: &RemoteObject, delivery: Delivery, hold: OwnedSemaphorePermit) {
    let (sender, receiver) = channel(1);
    let mut rest = object.ranges();
    let mut ahead: VecDeque<PendingRange> = rest.by_ref().take(RANGES_AHEAD).collect();
    let reader = RangesReader { receiver, range: io::Cursor::default(), _hold: hold };
    let mut undelivered = Some((delivery, reader));
    let mut cache_writer = object.cache_writer();
    let mut expected = object.etag.as_ref().and_then(Etag::as_md5);
    let mut digest = Md5::new();
    while let Some(range) = ahead.pop_front() {
        let bytes = match range.wait().await {
            Ok(range) => {
                expected = expected.filter(|_| range.may_be_md5 && object.origin.may_be_md5());
                range.bytes
            }
            Err(error) => {
                let error = object.error(&error);
                match undelivered.take() {
                    Some((delivery, _)) => delivery.deliver(Err(error)),
                    None => send(&sender, Err(reason_of(&error))).await,
                }
                return;
            }
        };
        // Deliver the reader when there is something to read. An error before that fails the fetch itself.
        if let Some((delivery, reader)) = undelivered.take() {
            delivery.deliver(Ok(Fetched::Stream(Box::new(reader))));
        }
        if expected.is_some() {
            tokio::task::block_in_place(|| digest.update(&bytes));
        }
        if let Some(writer) = &mut cache_writer
            && tokio::task::block_in_place(|| writer.write(&bytes)).is_err()
        {
            cache_writer = None;
        }
        if sender.send(Ok(bytes)).await.is_err() {
            return;
        }
        ahead.extend(rest.next());
    }
    if let Err(error) = check(object, digest.finalize().into(), expected).await {
        send(&sender, Err(reason_of(&object.error(&error)))).await;
        return;
    }
    if let Some(writer) = cache_writer {
        // If the disk is full or broken, the next run has to fetch the object again. This run is not affected.
        let _ = tokio::task::block_in_place(|| writer.finish());
    }
}

/// Checks whether a stream with the MD5 `sum` matched its `ETag`. The reader has the content already, so reading it
/// again cannot correct it. It is read again only if it is not known yet whether this source's `ETag`s are MD5 sums at
/// all.
async fn check(object: &RemoteObject, sum: Md5Sum, expected: Option<Md5Sum>) -> Result<(), S3Error> {
    let origin = &object.origin;
    let Some(expected) = expected.filter(|_| origin.may_be_md5()) else { return Ok(()) };
    if origin.matches(sum, expected, &mut Vec::new())? {
        return Ok(());
    }
    if !origin.are_md5() && object.md5_again().await? == sum {
        origin.are_others();
        return Ok(());
    }
    Err(S3Error::new(S3ErrorKind::Other, WRONG_MD5))
}

async fn send(sender: &Sender<io::Result<Vec<u8>>>, message: io::Result<Vec<u8>>) {
    // The reader may be gone.
    let _ = sender.send(message).await;
}

fn reason_of(error: &Error) -> io::Error {
    io::Error::other(std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string))
}

/// Reads the ranges of an object as they arrive.
struct RangesReader {
    receiver: Receiver<io::Result<Vec<u8>>>,
    range: io::Cursor<Vec<u8>>,
    _hold: OwnedSemaphorePermit,
}

impl Read for RangesReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.range.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            match self.receiver.blocking_recv() {
                Some(range) => self.range = io::Cursor::new(range?),
                None => return Ok(0),
            }
        }
    }
}
