//! One report in every format. Review a changed snapshot as you would review a changed page.

mod causes;
mod every_format;
mod fixture;
mod html;
mod limits;
mod pictures;
mod text;

pub(crate) use fixture::report;
