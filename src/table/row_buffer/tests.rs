use proptest::prelude::*;

use super::*;
use crate::table::column_buffer::ABSENT_NUMBER;
use crate::table::dictionary::ABSENT_CODE;

/// A table with a column of each kind.
enum Kinds {}

type KindsRow = (Option<String>, Option<String>, Option<i64>, Option<bool>);

impl Table for Kinds {
    type Row<'a> = KindsRow;
    const NAME: &'static str = "kinds";
    const MEANING: &'static str = "a row of a test";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::<Self>::new("word", DataType::Text, |row| Cell::text(row.0.as_deref().map(str::as_bytes)), ""),
        Column::<Self>::new("text", DataType::Text, |row| Cell::text(row.1.as_deref().map(str::as_bytes)), "").unique(),
        Column::<Self>::new("number", DataType::Integer, |row| Cell::integer(row.2), ""),
        Column::<Self>::new("flag", DataType::Flag, |row| row.3.map_or(Cell::Absent, Cell::Flag), ""),
    ];
}

fn columns_of(rows: &[KindsRow]) -> RowBuffer {
    let table: Vec<_> = Kinds::COLUMNS.iter().collect();
    let mut columns = RowBuffer::new(&table);
    for row in rows {
        columns.push(&table, row, false);
    }
    columns
}

fn rows_of(mut columns: RowBuffer) -> Vec<KindsRow> {
    columns.seal();
    let [
        ColumnBuffer::Dictionary(dictionary),
        ColumnBuffer::Strings(texts, are_absent),
        ColumnBuffer::Numbers(numbers),
        ColumnBuffer::Flags(flags),
    ] = columns.columns.as_slice()
    else {
        panic!("one column of each kind");
    };
    let text_of = |text: &[u8]| String::from_utf8(text.to_vec()).expect("UTF-8");
    let rows = (0..columns.rows).map(|row| {
        let number = Some(numbers[row]).filter(|number| *number != ABSENT_NUMBER);
        (dictionary.get(row).map(text_of), (!are_absent[row]).then(|| text_of(texts.get(row))), number, flags[row])
    });
    rows.collect()
}

fn row() -> impl Strategy<Value = KindsRow> {
    (
        prop::option::of("[a-c]{0,2}"),
        prop::option::of("[ -~]{0,8}"),
        prop::option::of(0..i64::MAX),
        any::<Option<bool>>(),
    )
}

proptest! {
    #[test]
    fn rows_come_out_as_they_went_in(rows in prop::collection::vec(row(), 0..40)) {
        prop_assert_eq!(rows_of(columns_of(&rows)), rows);
    }

    #[test]
    fn appended_rows_are_those_of_both(one in prop::collection::vec(row(), 0..40), other in prop::collection::vec(row(), 0..40)) {
        let mut both = columns_of(&one);
        both.append(columns_of(&other));
        let whole = columns_of(&[one, other].concat());
        let sizes = |columns: &RowBuffer| (columns.bytes(), columns.text_bytes(), columns.written_bytes());
        prop_assert_eq!(sizes(&both), sizes(&whole));
        prop_assert_eq!(rows_of(both), rows_of(whole));
    }
}

proptest! {
    /// Values that follow from another one are kept once for each of it, and laid out when the rows are written.
    #[test]
    fn laid_out_values_are_those_of_their_indexes_and_absent_without_one(
        rows in prop::collection::vec(row(), 1..20),
        indexes in prop::collection::vec(prop::option::of(any::<prop::sample::Index>()), 0..30),
    ) {
        let indexes = indexes.into_iter().map(|index| index.map(|index| index.index(rows.len())));
        let indexes: Vec<Option<usize>> = indexes.collect();
        let codes: Vec<u32> =
            indexes.iter().map(|index| index.map_or(ABSENT_CODE, |index| u32::try_from(index).expect("few"))).collect();
        let mut columns = columns_of(&rows);
        columns.columns.iter_mut().for_each(|column| column.lay_out(&codes));
        columns.rows = codes.len();
        let expected: Vec<KindsRow> =
            indexes.iter().map(|index| index.map_or((None, None, None, None), |index| rows[index].clone())).collect();
        let absent: Vec<bool> = columns.columns.iter().map(ColumnBuffer::has_absent).collect();
        let is_absent: [fn(&KindsRow) -> bool; 4] =
            [|row| row.0.is_none(), |row| row.1.is_none(), |row| row.2.is_none(), |row| row.3.is_none()];
        prop_assert_eq!(absent, is_absent.map(|is_absent| expected.iter().any(is_absent)));
        prop_assert_eq!(rows_of(columns), expected);
    }
}

#[test]
fn prefetched_texts_come_out_as_they_went_in() {
    let word = |row: usize| Some(format!("word {}", row * 7919 % (3 * FAR)));
    let rows_from =
        |rows: std::ops::Range<usize>| rows.map(|row| (word(row), None, None, None)).collect::<Vec<KindsRow>>();
    let (one, other) = (rows_from(0..4 * FAR), rows_from(5 * FAR..8 * FAR));
    let mut both = columns_of(&one);
    assert_eq!(both.far, 1, "one column has more texts than are near");
    both.append(columns_of(&other));
    assert_eq!(rows_of(both), [one, other].concat());
}

#[test]
fn a_repeated_text_is_kept_once() {
    let text = "x".repeat(1000);
    let row = (Some(text.clone()), Some(text), None, None);
    let columns = columns_of(&vec![row; 100]);
    assert_eq!((columns.text_bytes(), columns.written_bytes()), (1000 + 100 * 1000, 2 * 100 * 1000));
}
