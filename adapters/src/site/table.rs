//! Reads and changes the settings of tables.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification,
    PointInTimeRecoveryStatus, ScalarAttributeType, TableDescription, TableStatus,
};
use domain::blueprint::{KeyColumn, KeyKind, TableChange, TableKey, TableState};
use domain::ports::SiteError;

use super::bucket::incomplete;
use super::refusal::{done, present};
use super::{AwsSite, System};

const NO_TABLE: &[&str] = &["ResourceNotFoundException", "TableNotFoundException"];

impl AwsSite {
    pub(super) async fn look_at_table(&self, name: &str) -> Result<Option<TableState>, SiteError> {
        let Some((table, key)) = self.describe_table(name).await? else { return Ok(None) };
        // A table in deletion counts as one that is changing, until it is gone.
        let active = table.table_status == Some(TableStatus::Active);
        let billing = table.billing_mode_summary.and_then(|summary| summary.billing_mode);
        Ok(Some(TableState {
            active,
            key,
            on_demand: billing == Some(BillingMode::PayPerRequest),
            // While the table is being made its settings cannot be read.
            recoverable: active && self.is_recoverable(name).await?,
            protected: table.deletion_protection_enabled == Some(true),
        }))
    }

    /// The table with its key.
    pub(super) async fn describe_table(
        &self,
        name: &str,
    ) -> Result<Option<(TableDescription, TableKey)>, SiteError> {
        let call = "DescribeTable";
        let request = self.dynamodb.describe_table().table_name(name).send();
        let answer = present(self.answer(System::DynamoDb, call, request).await, NO_TABLE)?;
        let Some(table) = answer.and_then(|answer| answer.table) else { return Ok(None) };
        let key = key(&table).ok_or_else(|| {
            let why = "the answer tells no key that can be understood".to_owned();
            SiteError::Refused { call, why }
        })?;
        Ok(Some((table, key)))
    }

    async fn is_recoverable(&self, name: &str) -> Result<bool, SiteError> {
        let request = self.dynamodb.describe_continuous_backups().table_name(name).send();
        let answer = self.answer(System::DynamoDb, "DescribeContinuousBackups", request).await;
        let answer = answer.map_err(|refusal| refusal.error)?;
        let status = answer
            .continuous_backups_description
            .and_then(|backups| backups.point_in_time_recovery_description)
            .and_then(|recovery| recovery.point_in_time_recovery_status);
        Ok(status == Some(PointInTimeRecoveryStatus::Enabled))
    }

    pub(super) async fn set_up_table(
        &self,
        name: &str,
        change: &TableChange,
    ) -> Result<(), SiteError> {
        match change {
            TableChange::Create(key) => self.create_table(name, key).await,
            TableChange::MakeRecoverable => {
                let on = PointInTimeRecoverySpecification::builder();
                let on = on.point_in_time_recovery_enabled(true).build().map_err(incomplete)?;
                let request = self.dynamodb.update_continuous_backups().table_name(name);
                let request = request.point_in_time_recovery_specification(on).send();
                let call = "UpdateContinuousBackups";
                done(self.answer(System::DynamoDb, call, request).await, &[])
            }
            TableChange::Protect => {
                let request = self.dynamodb.update_table().table_name(name);
                let request = request.deletion_protection_enabled(true).send();
                done(self.answer(System::DynamoDb, "UpdateTable", request).await, &[])
            }
        }
    }

    async fn create_table(&self, name: &str, key: &TableKey) -> Result<(), SiteError> {
        let mut request = self
            .dynamodb
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .deletion_protection_enabled(true);
        let hash = (&key.hash, KeyType::Hash);
        let range = key.range.iter().map(|range| (range, KeyType::Range));
        for (column, role) in std::iter::once(hash).chain(range) {
            let element = KeySchemaElement::builder().attribute_name(&column.name).key_type(role);
            let definition = AttributeDefinition::builder()
                .attribute_name(&column.name)
                .attribute_type(ScalarAttributeType::from(column.kind.name()));
            request = request
                .key_schema(element.build().map_err(incomplete)?)
                .attribute_definitions(definition.build().map_err(incomplete)?);
        }
        let answer = self.answer(System::DynamoDb, "CreateTable", request.send()).await;
        // The table is already being made.
        done(answer, &["ResourceInUseException"])
    }
}

/// Reads a table's key from its description; [`None`] where the key cannot be understood.
fn key(table: &TableDescription) -> Option<TableKey> {
    let column = |element: &KeySchemaElement| {
        let name = element.attribute_name();
        let mut definitions = table.attribute_definitions().iter();
        let definition = definitions.find(|definition| definition.attribute_name() == name)?;
        let kind: KeyKind = definition.attribute_type().as_str().parse().ok()?;
        Some(KeyColumn { name: name.to_owned(), kind })
    };
    let of_role = |role: &KeyType| table.key_schema().iter().find(|key| key.key_type() == role);
    let hash = column(of_role(&KeyType::Hash)?)?;
    let range = match of_role(&KeyType::Range) {
        Some(element) => Some(column(element)?),
        None => None,
    };
    Some(TableKey { hash, range })
}
