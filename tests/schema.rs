//! docs/schema.md describes the tables of the code.

use std::path::Path;

use albscope::export::docs::schema_page;

#[test]
fn the_page_of_columns_matches_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema.md");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema_page()).expect("the page can be written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == schema_page(),
        "docs/schema.md is not what the code says: UPDATE_SCHEMA=1 cargo test --test schema"
    );
}
