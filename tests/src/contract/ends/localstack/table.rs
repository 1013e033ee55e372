//! Its DynamoDB.

use std::collections::HashMap;

use adapters::aws::SdkConfig;
use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};

use crate::contract::table::{Attribute, Table};

/// A table of a LocalStack.
pub struct LocalstackTable {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

/// An attribute of a key: its name and type.
pub type KeyPart = (&'static str, ScalarAttributeType);

/// A number in a key.
#[must_use]
pub const fn number(name: &'static str) -> KeyPart {
    (name, ScalarAttributeType::N)
}

/// A text in a key.
#[must_use]
pub const fn text(name: &'static str) -> KeyPart {
    (name, ScalarAttributeType::S)
}

impl LocalstackTable {
    /// Makes a table with this key: its hash, and its range where there is one.
    pub async fn new(config: &SdkConfig, table: &str, key: &[KeyPart]) -> anyhow::Result<Self> {
        let client = aws_sdk_dynamodb::Client::new(config);
        let mut made = client.create_table().table_name(table);
        for ((name, kind), part) in key.iter().zip([KeyType::Hash, KeyType::Range]) {
            let part = KeySchemaElement::builder().attribute_name(*name).key_type(part);
            let named = AttributeDefinition::builder().attribute_name(*name);
            let named = named.attribute_type(kind.clone()).build()?;
            made = made.key_schema(part.build()?).attribute_definitions(named);
        }
        let made = made.billing_mode(BillingMode::PayPerRequest);
        made.send().await.context("making a table")?;
        Ok(Self { client, table: table.to_owned() })
    }
}

#[async_trait]
impl Table for LocalstackTable {
    async fn plant(&self, item: &[(&str, Attribute<'_>)]) -> anyhow::Result<()> {
        let value = |value: Attribute<'_>| match value {
            Attribute::Number(number) => AttributeValue::N(number.to_string()),
            Attribute::Text(text) => AttributeValue::S(text.to_owned()),
        };
        let item = item.iter().map(|(name, held)| ((*name).to_owned(), value(*held)));
        let item: HashMap<_, _> = item.collect();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(drop).context("planting an item")
    }
}
