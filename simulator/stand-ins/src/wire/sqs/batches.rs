//! The operations on batches, of which any entry may fail alone.

use serde_json::{Map, Value, json};

use super::SqsBackend;
use super::messages::told_of;
use super::refusal::Refusal;
use super::request::Fields;
use crate::world::queue::{Outgoing, SqsError, check_batch, check_batch_bytes};

impl SqsBackend {
    pub(super) fn send_batch(&self, fields: &Fields, processed: usize) -> Result<Value, Refusal> {
        let (queue, batch) = (fields.queue()?, Batch::of(fields)?);
        self.world.settings(queue)?;
        let outgoing: Vec<Outgoing> =
            batch.entries.iter().map(|(_, entry)| entry.outgoing()).collect::<Result<_, _>>()?;
        check_batch_bytes(outgoing.iter().map(Outgoing::size))?;
        let mut outgoing = outgoing.into_iter();
        Ok(batch.carried_out(processed, |_| {
            let Some(outgoing) = outgoing.next() else { return Ok(Map::new()) };
            Ok(told_of(self.world.send(queue, outgoing)?))
        }))
    }

    pub(super) fn delete_batch(&self, fields: &Fields, processed: usize) -> Result<Value, Refusal> {
        let (queue, batch) = (fields.queue()?, Batch::of(fields)?);
        self.world.settings(queue)?;
        let receipts = batch.receipts()?;
        Ok(batch.carried_out(processed, |at| {
            self.world.delete(queue, &receipts[at])?;
            Ok(Map::new())
        }))
    }

    pub(super) fn change_visibility_batch(
        &self,
        fields: &Fields,
        processed: usize,
    ) -> Result<Value, Refusal> {
        let (queue, batch) = (fields.queue()?, Batch::of(fields)?);
        self.world.settings(queue)?;
        let receipts = batch.receipts()?;
        let times = batch.entries.iter().map(|(_, entry)| entry.seconds("VisibilityTimeout"));
        let times: Vec<_> = times.collect::<Result<_, _>>()?;
        Ok(batch.carried_out(processed, |at| {
            let time = times[at].ok_or(SqsError::MissingParameter("VisibilityTimeout"))?;
            self.world.change_visibility(queue, &receipts[at], time)?;
            Ok(Map::new())
        }))
    }
}

/// The entries of a batch, each with its identifier.
struct Batch {
    entries: Vec<(String, Fields)>,
}

impl Batch {
    fn of(fields: &Fields) -> Result<Self, Refusal> {
        let with_id = |entry: Fields| Ok((entry.the_text("Id")?.to_owned(), entry));
        let entries: Vec<_> =
            fields.entries()?.into_iter().map(with_id).collect::<Result<_, Refusal>>()?;
        check_batch(entries.iter().map(|(id, _)| id.as_str()))?;
        Ok(Self { entries })
    }

    fn receipts(&self) -> Result<Vec<String>, Refusal> {
        let receipt =
            |(_, entry): &(String, Fields)| entry.the_text("ReceiptHandle").map(str::to_owned);
        self.entries.iter().map(receipt).collect()
    }

    /// Acts on the first `processed` entries, by their places, and tells each one's fate.
    fn carried_out(
        &self,
        processed: usize,
        mut act: impl FnMut(usize) -> Result<Map<String, Value>, SqsError>,
    ) -> Value {
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (at, (id, _)) in self.entries.iter().enumerate() {
            if at >= processed {
                failed.push(json!({
                    "Id": id,
                    "SenderFault": false,
                    "Code": "InternalError",
                    "Message": "left out by the fault script",
                }));
                continue;
            }
            match act(at) {
                Ok(mut told) => {
                    told.insert("Id".to_owned(), id.clone().into());
                    successful.push(Value::Object(told));
                }
                Err(refusal) => failed.push(json!({
                    "Id": id,
                    "SenderFault": true,
                    "Code": refusal.codes().1,
                    "Message": refusal.to_string(),
                })),
            }
        }
        let lists = [("Successful", successful), ("Failed", failed)];
        // Empty lists are not there.
        lists.into_iter().filter(|(_, list)| !list.is_empty()).collect()
    }
}
