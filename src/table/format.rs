//! The formats in which a table can be written.

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Parquet: typed and compressed.
    Parquet,
    /// CSV.
    Csv,
    /// CSV compressed with gzip.
    CsvGz,
}

impl TableFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Csv, Self::CsvGz];

    /// The extension of its files' names, without the first dot. It is also the format's id.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
        }
    }

    /// The format of a file, by its name. `None` if the name has no known extension; case does not matter.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| name.ends_with(&format!(".{}", format.extension())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_extension() {
        for (name, expected) in [
            ("requests.parquet", Some(TableFormat::Parquet)),
            ("out/requests.csv", Some(TableFormat::Csv)),
            ("requests.CSV.gz", Some(TableFormat::CsvGz)),
            ("requests.gz", None),
            ("parquet", None),
            ("csv", None),
        ] {
            assert_eq!(TableFormat::of_name(name), expected, "{name}");
        }
    }
}
