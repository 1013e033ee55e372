//! The verifications table, straight in DynamoDB's tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{LedgerError, VerificationLog};
use domain::{Fid, S3Bucket, Sha1, Verification, VerifiedFile};
use dynoxide::{AttributeValue, Database};

use super::table::{Table, listed};
use super::{Call, PortFaults};
use crate::world::dynamodb::{Fields, Item, number, text};

/// [`VerificationLog`] over a table of `dynoxide`'s: hash key `run` (`{run}#{fid mod 64}`), range key
/// `fid`, and `sha1`, `bucket`, `sight`, `length` and `verified_at`.
pub struct PortVerifications(Table);

impl PortVerifications {
    /// Over this table.
    #[must_use]
    pub const fn new(database: Database, table: String, faults: Arc<PortFaults>) -> Self {
        Self(Table::new(database, table, faults))
    }
}

#[async_trait]
impl VerificationLog for PortVerifications {
    async fn record(&self, verifications: &[Verification]) -> Result<(), LedgerError> {
        let fids = listed(verifications.iter().map(|one| one.fid));
        let last: BTreeMap<_, _> =
            verifications.iter().map(|one| ((one.run.as_str(), one.fid), one)).collect();
        let items: Vec<Item> = last.into_values().map(item_of).collect();
        self.0.ask_batch(Call::RecordVerifications, &fids, &items, |items| self.0.put(items)).await
    }

    async fn verified(
        &self,
        run: &str,
        each: &mut (dyn FnMut(VerifiedFile) + Send),
    ) -> Result<(), LedgerError> {
        let all = || {
            let mut items = Vec::new();
            for shard in 0..SHARDS {
                items.extend(self.0.query(key_of(run, shard))?);
            }
            Ok(items)
        };
        let items = self.0.ask(Call::Verified, run, all).await?;
        items.iter().filter_map(|item| parse(item).ok()).for_each(each);
        Ok(())
    }
}

const SHARDS: u64 = 64;

fn key_of(run: &str, shard: u64) -> (String, AttributeValue) {
    text("run", &format!("{run}#{shard}"))
}

fn parse(item: &Item) -> Result<VerifiedFile, String> {
    let fields = Fields(item);
    let bucket = S3Bucket::new(fields.the_text("bucket")?).ok_or("no bucket")?;
    let sha1 = Sha1::from_hex(fields.the_text("sha1")?).map_err(|error| error.to_string())?;
    Ok(VerifiedFile { fid: Fid(fields.the_number("fid")?), bucket, sha1 })
}

fn item_of(verification: &Verification) -> Item {
    Item::from([
        key_of(&verification.run, verification.fid.0 % SHARDS),
        number("fid", verification.fid.0),
        text("sha1", &verification.sha1.to_string()),
        text("bucket", verification.bucket.as_str()),
        text("sight", verification.sight.name()),
        number("length", verification.length.0),
        number("verified_at", verification.verified_at.0),
    ])
}

#[cfg(test)]
mod tests {
    use domain::{ByteCount, Sight, Timestamp};
    use roaring::RoaringTreemap;

    use super::*;
    use crate::port::VirtualClock;
    use crate::world::dynamodb::{create_verifications_table, new_database};

    #[test]
    fn each_run_has_its_own_passes_and_a_second_pass_of_a_file_is_the_same() {
        let database = new_database().unwrap();
        create_verifications_table(&database, "verifications").unwrap();
        let log = PortVerifications::new(database, "verifications".into(), Arc::default());
        let passed = |run: &str, fid| Verification {
            run: run.to_owned(),
            fid: Fid(fid),
            sha1: Sha1::of(b""),
            bucket: S3Bucket::new("new-repo").unwrap(),
            length: ByteCount(0),
            sight: Sight::Head,
            verified_at: Timestamp(1_767_225_600_123),
        };
        let asked = async {
            let mut all: Vec<_> = (1..=60).map(|fid| passed("one", fid)).collect();
            all.extend([passed("", 3), passed("-", 4), passed("one", 60), passed("", 1 << 40)]);
            log.record(&all).await?;
            log.record(&[passed("", 3)]).await?;
            let mut runs = Vec::new();
            for run in ["one", "", "-", "none"] {
                let mut fids = RoaringTreemap::new();
                let mut each = |file: VerifiedFile| {
                    fids.insert(file.fid.0);
                };
                log.verified(run, &mut each).await?;
                runs.push(fids);
            }
            Ok::<_, LedgerError>(runs)
        };
        let runs = VirtualClock::default().run(asked).unwrap().unwrap();
        assert_eq!(runs[0], (1..=60).collect());
        assert_eq!(runs[1], [3, 1 << 40].into_iter().collect());
        assert_eq!(runs[2], [4].into_iter().collect());
        assert!(runs[3].is_empty());
    }
}
