//! What only the owner of a table can do.

use async_trait::async_trait;

/// A table of items.
#[async_trait]
pub trait Table: Sync {
    /// Puts an item there as others would have.
    async fn plant(&self, item: &[(&str, Attribute<'_>)]) -> anyhow::Result<()>;
}

/// The value of an item's attribute.
#[derive(Debug, Clone, Copy)]
pub enum Attribute<'a> {
    /// N.
    Number(u64),
    /// S.
    Text(&'a str),
}
