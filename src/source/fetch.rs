//! An object that is being fetched from a remote store.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::decode::Body;
use crate::error::{Error, Result};

/// Called once, from any thread, when waiting for a [`Fetch`] no longer blocks: the object has arrived, has
/// failed, or has begun to stream.
pub type Arrived = Box<dyn FnOnce() + Send>;

/// An object that is being fetched. Dropping it gives the object up.
pub struct Fetch {
    receiver: Receiver<Result<Fetched>>,
}

/// What arrived.
pub enum Fetched {
    /// The whole object.
    Whole {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Reserves the object's memory until a worker takes the object; dropping it releases the reservation.
        hold: Box<dyn Send>,
    },
    /// The object as a stream: the rest arrives while it is read.
    Stream(Box<dyn Read + Send>),
}

/// The sending end of a [`Fetch`]. Dropping it without a delivery fails the fetch.
pub struct Delivery {
    sender: Option<SyncSender<Result<Fetched>>>,
    arrived: Option<Arrived>,
}

/// Makes both ends of a fetch. `arrived` is called after the delivery, or when the [`Delivery`] is dropped without one.
#[must_use]
pub fn fetch_channel(arrived: Arrived) -> (Delivery, Fetch) {
    let (sender, receiver) = sync_channel(1);
    (Delivery { sender: Some(sender), arrived: Some(arrived) }, Fetch { receiver })
}

impl Fetch {
    /// Waits for the object. If it arrives whole, its bytes are moved into `scratch`. `name` is the
    /// object's name, for an error.
    ///
    /// # Errors
    /// The error that was delivered, or [`crate::ErrorKind::Source`] if the source gave the
    /// object up without a delivery.
    pub fn wait<'a>(self, name: &str, scratch: &'a mut Vec<u8>) -> Result<Body<'a>> {
        let gone = |_| Err(Error::source(name, io::Error::other("fetching it was abandoned")));
        match self.receiver.recv().unwrap_or_else(gone)? {
            Fetched::Whole { bytes, hold: _ } => {
                *scratch = bytes;
                Ok(Body::Bytes(scratch))
            }
            Fetched::Stream(stream) => Ok(Body::Stream(stream)),
        }
    }
}

impl Delivery {
    /// Delivers the object, or the error that kept it from arriving.
    pub fn deliver(mut self, fetched: Result<Fetched>) {
        if let Some(sender) = self.sender.take() {
            // The reader may be gone.
            let _ = sender.send(fetched);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // Drop the sender first: whoever `arrived` wakes must find the object, or a closed channel.
        self.sender = None;
        if let Some(arrived) = self.arrived.take() {
            arrived();
        }
    }
}
