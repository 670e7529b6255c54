//! An object on its way from a place that is far away.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::decode::Body;
use crate::error::{Error, Result};

/// Called once, from any thread, when a [`Fetch`] no longer makes its reader wait: the object is here, or failed, or began to stream.
pub type Arrived = Box<dyn FnOnce() + Send>;

/// An object under way. Dropping it gives the object up.
pub struct Fetch {
    receiver: Receiver<Result<Fetched>>,
}

/// What arrived.
pub enum Fetched {
    /// All of it.
    Whole {
        /// Its bytes.
        bytes: Vec<u8>,
        /// The memory that was set aside for it while it was on its way; dropped when a worker takes it.
        hold: Box<dyn Send>,
    },
    /// Its beginning; more comes as it is read.
    Stream(Box<dyn Read + Send>),
}

/// The other end of a [`Fetch`]. Dropping it without a delivery fails the fetch.
pub struct Delivery {
    sender: Option<SyncSender<Result<Fetched>>>,
    arrived: Option<Arrived>,
}

/// Both ends of an object's way.
pub(crate) fn way(arrived: Arrived) -> (Delivery, Fetch) {
    let (sender, receiver) = sync_channel(1);
    (Delivery { sender: Some(sender), arrived: Some(arrived) }, Fetch { receiver })
}

impl Fetch {
    /// Waits for the object, which is kept in `scratch` if it comes whole. `name` is the object's, for an error.
    ///
    /// # Errors
    /// What the source could not do, and [`crate::ErrorKind::Source`] when the source was gone before the object came.
    pub fn wait<'a>(self, name: &str, scratch: &'a mut Vec<u8>) -> Result<Body<'a>> {
        let gone = |_| Err(Error::source(name, io::Error::other("fetching it was given up")));
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
    /// Hands the object over, or says why it does not come.
    pub fn deliver(mut self, fetched: Result<Fetched>) {
        if let Some(sender) = self.sender.take() {
            // Nobody may be waiting any more.
            let _ = sender.send(fetched);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // The sender goes first: who is told that something arrived finds it, or finds that nothing will.
        self.sender = None;
        if let Some(arrived) = self.arrived.take() {
            arrived();
        }
    }
}
