//! Reads the items of one hash key.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::LedgerError;

use super::{PAGE_ITEMS, Table};
use crate::dynamodb::item::{Item, number};

/// The items of one hash key.
pub(in crate::dynamodb) struct Range<'a> {
    /// The name of the hash key, and its value.
    pub hash: (&'a str, AttributeValue),
    /// The name of the range key, and the number above which the items are wanted.
    pub above: Option<(&'a str, u64)>,
    /// The attributes that are wanted.
    pub wanted: &'a [&'a str],
}

impl Table {
    /// Queries the items of a range, consistently, and passes them to `each`, ascending by range key.
    /// `salt` spreads the pauses between retries.
    pub(in crate::dynamodb) async fn query(
        &self,
        salt: u64,
        range: Range<'_>,
        each: &mut (dyn FnMut(Item) + Send),
    ) -> Result<(), LedgerError> {
        let query = self.query_of(range).limit(PAGE_ITEMS);
        let page = |from| {
            let call = query.clone().set_exclusive_start_key(from).send();
            async {
                let page = self.answer("Query", call).await?;
                Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
            }
        };
        self.pages(salt, page, each).await
    }

    /// Returns the last item of a range, read consistently.
    pub(in crate::dynamodb) async fn last_of(
        &self,
        range: Range<'_>,
    ) -> Result<Option<Item>, LedgerError> {
        let query = self.query_of(range).limit(1).scan_index_forward(false);
        let answer = self.answer("Query", query.send()).await?;
        Ok(answer.items.unwrap_or_default().into_iter().next())
    }

    fn query_of(
        &self,
        Range { hash: (hash, value), above, wanted }: Range<'_>,
    ) -> QueryFluentBuilder {
        let mut condition = "#hash = :value".to_owned();
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .expression_attribute_names("#hash", hash)
            .expression_attribute_values(":value", value);
        if let Some((range, above)) = above {
            condition.push_str(" AND #range > :above");
            query = query
                .expression_attribute_names("#range", range)
                .expression_attribute_values(":above", number(above));
        }
        let mut projection = Vec::new();
        for (number, name) in wanted.iter().enumerate() {
            let alias = format!("#w{number}");
            query = query.expression_attribute_names(&alias, *name);
            projection.push(alias);
        }
        query.key_condition_expression(condition).projection_expression(projection.join(", "))
    }
}
