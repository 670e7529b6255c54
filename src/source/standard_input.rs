//! Standard input.

use std::io;

use super::backend::Source;
use super::cancel::CancelToken;
use super::listing::Listing;
use super::object::Object;
use super::selection::Selection;
use crate::decode::Body;
use crate::error::Result;

/// Standard input: one object, named `-`.
#[derive(Debug)]
pub struct StandardInput;

impl Source for StandardInput {
    fn list(&self, _: &Selection, _: &CancelToken) -> Listing {
        Listing { objects: vec![Object::standard_input()], ..Listing::default() }
    }

    fn open<'a>(&self, _: &Object, _: &'a mut Vec<u8>) -> Result<Body<'a>> {
        Ok(Body::Stream(Box::new(io::stdin())))
    }
}
