//! Pages by polars' writer, and their compression.

use std::io;

use polars_arrow::array::Array;
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::compression::compress as compress_bytes;
use polars_parquet::parquet::error::ParquetResult;
use polars_parquet::parquet::page::{CompressedDictPage, DictPage};
use polars_parquet::write::{
    CompressedPage, CompressionOptions, Encoding, Page, ParquetType, WriteOptions, array_to_columns, compress,
};

/// Encodes an array as pages. `parquet_type` is the column's type.
pub(super) fn pages_of(
    array: Box<dyn Array>,
    encoding: Encoding,
    parquet_type: ParquetType,
    options: WriteOptions,
) -> io::Result<Vec<Page>> {
    let columns = array_to_columns(array, parquet_type, options, &[encoding]).map_err(io::Error::other)?;
    columns.into_iter().flatten().map(|page| page.map_err(io::Error::other)).collect()
}

/// Compresses a page, and returns it with its compressed size in bytes. The page may wait long to be written, so
/// unused capacity is released.
pub(super) fn packed(page: Page, compression: CompressionOptions) -> ParquetResult<(CompressedPage, usize)> {
    match page {
        Page::Dict(DictPage { buffer, num_values, is_sorted }) => {
            let mut bytes = Vec::new();
            compress_bytes(compression, &buffer, &mut bytes)?;
            bytes.shrink_to_fit();
            let size = bytes.len();
            let bytes = CowBuffer::Owned(bytes);
            let page = CompressedDictPage::new(bytes, compression.into(), buffer.len(), num_values, is_sorted);
            Ok((CompressedPage::Dict(page), size))
        }
        page @ Page::Data(_) => {
            let mut page = compress(page, Vec::new(), compression)?;
            let size = match &mut page {
                CompressedPage::Data(page) => {
                    page.slice_mut().to_mut().shrink_to_fit();
                    page.compressed_size()
                }
                CompressedPage::Dict(_) => unreachable!("a page of data stays one"),
            };
            Ok((page, size))
        }
    }
}
