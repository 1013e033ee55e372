//! What AWS charges: a table of prices, and exact sums by it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::named::named;

/// An amount of money in millionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars {
    /// Millionths of a dollar.
    pub millionths: u64,
}

/// Rounded up to the cent: `$65.65`.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.millionths.div_ceil(10_000);
        f.pad(&format!("${}.{:02}", cents / 100, cents % 100))
    }
}

/// In JSON dollars with six decimals, as text.
impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!(
            "{}.{:06}",
            self.millionths / 1_000_000,
            self.millionths % 1_000_000
        ))
    }
}

impl std::iter::Sum for Dollars {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let millionths = all.fold(0, |sum: u64, one| sum.saturating_add(one.millionths));
        Self { millionths }
    }
}

/// A price in dollars with at most six decimals, written as text: `0.625`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    millionths: u64,
}

/// A text that is no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no price: give dollars with at most six decimals, such as \"0.625\"")]
pub struct NoPrice(String);

impl FromStr for Price {
    type Err = NoPrice;

    fn from_str(text: &str) -> Result<Self, NoPrice> {
        let no_price = || NoPrice(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| {
            !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|c| c.is_ascii_digit())
        };
        if !is_number(whole) || !is_number(decimals) || decimals.len() > 6 {
            return Err(no_price());
        }
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| no_price());
        let millionths = number(&format!("{decimals:0<6}"))?;
        Ok(Self { millionths: number(whole)? * 1_000_000 + millionths })
    }
}

/// In dollars, without the zeros at the end: `0.625`, `5`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.millionths / 1_000_000, self.millionths % 1_000_000);
        let decimals = format!("{rest:06}");
        let decimals = decimals.trim_end_matches('0');
        // Cents are written with both digits.
        f.write_str(&format!("{whole}.{decimals:0<2}"))
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What AWS counts, and charges by the million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A PUT, COPY, or LIST, the beginning or end of an upload, and each of its parts.
    S3Write,
    /// A GET or HEAD.
    S3Read,
    /// An item of at most 1 KB written.
    #[serde(rename = "dynamodb-write")]
    DynamoDbWrite,
    /// 4 KB read consistently, or 8 KB otherwise.
    #[serde(rename = "dynamodb-read")]
    DynamoDbRead,
    /// A request with at most 64 KB.
    SqsRequest,
    /// One call of a function.
    LambdaRequest,
    /// A second of a function with 1 GB of memory.
    LambdaGbSecond,
    /// A job of S3 Batch Operations.
    BatchJob,
    /// An object in such a job.
    BatchObject,
}

named!(Unit {
    S3Write = "s3-write",
    S3Read = "s3-read",
    DynamoDbWrite = "dynamodb-write",
    DynamoDbRead = "dynamodb-read",
    SqsRequest = "sqs-request",
    LambdaRequest = "lambda-request",
    LambdaGbSecond = "lambda-gb-second",
    BatchJob = "batch-job",
    BatchObject = "batch-object",
});

/// What AWS charges by the gigabyte (2^30 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerGb {
    /// Bytes that pass a NAT gateway.
    pub nat: Price,
    /// Bytes that pass an interface endpoint, such as that of SQS.
    #[serde(rename = "interface-endpoint")]
    pub interface_endpoint: Price,
    /// Bytes that are kept for a month.
    #[serde(rename = "storage-month")]
    pub storage_month: Price,
    /// Bytes that S3 reads to compute a checksum, in a job of S3 Batch Operations.
    #[serde(rename = "compute-checksum")]
    pub compute_checksum: Price,
}

/// What AWS charges by the hour; a part of an hour counts as a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerHour {
    /// A NAT gateway.
    pub nat: Price,
    /// An interface endpoint, in each availability zone that it is in.
    #[serde(rename = "interface-endpoint")]
    pub interface_endpoint: Price,
}

/// A table of prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    /// The AWS region that has these prices.
    pub region: String,
    /// When they were read from Amazon's pages.
    pub as_of: String,
    units: BTreeMap<Unit, Price>,
    /// The prices of data.
    pub per_gb: PerGb,
    /// The prices of time.
    pub per_hour: PerHour,
}

/// The table as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    region: String,
    as_of: String,
    dollars_per_million: BTreeMap<String, Price>,
    dollars_per_gb: PerGb,
    dollars_per_hour: PerHour,
}

/// A file that is no table of prices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricesError {
    /// It is not JSON of this form.
    #[error("{0}")]
    Form(String),
    /// It has no price for this unit.
    #[error("`dollars_per_million` has no `{0}`")]
    Missing(&'static str),
    /// It has a price for something that is not charged here.
    #[error("`dollars_per_million` has `{0}`, which is none of the units")]
    Unknown(String),
}

impl Prices {
    /// The prices of us-east-1 (<https://aws.amazon.com/s3/pricing/>, and the same page of each other
    /// service; <https://aws.amazon.com/privatelink/pricing/> for interface endpoints, and
    /// <https://aws.amazon.com/vpc/pricing/> for NAT gateways). Free tiers are not part of them.
    ///
    /// # Panics
    ///
    /// Never: the table is part of the program, and a test reads it.
    #[must_use]
    pub fn us_east_1() -> Self {
        Self::parse(include_str!("../prices.json")).expect("the table is well-formed")
    }

    /// Reads a table: JSON of the form of `domain/prices.json`, with a price for every unit.
    pub fn parse(text: &str) -> Result<Self, PricesError> {
        let table: Table =
            serde_json::from_str(text).map_err(|error| PricesError::Form(error.to_string()))?;
        let mut units = BTreeMap::new();
        for (name, price) in table.dollars_per_million {
            let unit = name.parse().map_err(|_| PricesError::Unknown(name.clone()))?;
            units.insert(unit, price);
        }
        match Unit::ALL.iter().find(|unit| !units.contains_key(*unit)) {
            Some(unit) => Err(PricesError::Missing(unit.name())),
            None => Ok(Self {
                region: table.region,
                as_of: table.as_of,
                units,
                per_gb: table.dollars_per_gb,
                per_hour: table.dollars_per_hour,
            }),
        }
    }

    /// The price of a million of these.
    #[must_use]
    pub fn of_million(&self, unit: Unit) -> Price {
        self.units[&unit]
    }

    /// The price of a job of S3 Batch Operations that computes a checksum of each object.
    #[must_use]
    pub fn of_checksum_job(&self, objects: u64, bytes: u64) -> Dollars {
        const GB: u64 = 1 << 30;
        let read = self.per_gb.compute_checksum.times(bytes, GB);
        [self.of(1, Unit::BatchJob), self.of(objects, Unit::BatchObject), read].into_iter().sum()
    }

    /// The price of this many, rounded down to a millionth of a dollar.
    #[must_use]
    pub fn of(&self, count: u64, unit: Unit) -> Dollars {
        self.units[&unit].times(count, 1_000_000)
    }
}

impl Price {
    /// The price of `count`, where this is the price of `of`.
    #[must_use]
    pub fn times(self, count: u64, of: u64) -> Dollars {
        let millionths = u128::from(count) * u128::from(self.millionths) / u128::from(of.max(1));
        Dollars { millionths: u64::try_from(millionths).unwrap_or(u64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_to_the_millionth_and_written_in_cents_at_least() {
        for (text, written) in [
            ("5.00", "5.00"),
            ("5", "5.00"),
            ("0.625", "0.625"),
            ("16.6667", "16.6667"),
            ("0.000001", "0.000001"),
            ("0", "0.00"),
        ] {
            let price: Price = text.parse().expect("a price");
            assert_eq!(price.to_string(), written);
            assert_eq!(written.parse(), Ok(price));
        }
        for text in ["", ".5", "5.", "-1", "1e3", "$5", "0.0000001", "1,5", "1234567890"] {
            assert_eq!(text.parse::<Price>(), Err(NoPrice(text.to_owned())), "`{text}`");
        }
    }

    #[test]
    fn a_unit_has_one_name() {
        for unit in Unit::ALL {
            assert_eq!(serde_json::to_value(unit).expect("JSON"), unit.name());
        }
    }

    #[test]
    fn a_table_has_every_unit_and_no_other() {
        let table = include_str!("../prices.json");
        let without = table.replace("\"sqs-request\": \"0.40\",", "");
        assert_eq!(Prices::parse(&without), Err(PricesError::Missing("sqs-request")));
        let other = table.replace("\"s3-read\"", "\"s3-reads\"");
        assert_eq!(Prices::parse(&other), Err(PricesError::Unknown("s3-reads".to_owned())));
        for broken in ["", "[]", "{}", &table.replace("\"0.625\"", "0.625")] {
            let error = Prices::parse(broken).expect_err("no table");
            assert!(matches!(error, PricesError::Form(_)), "{error}");
        }
    }

    #[test]
    fn s3s_own_witness_of_ten_million_files_costs_what_amazon_says() {
        let (objects, bytes) = (10_000_000, 20_000 << 30);
        let cost = Prices::us_east_1().of_checksum_job(objects, bytes);
        assert_eq!(cost, Dollars { millionths: 250_000 + 10_000_000 + 80_000_000 });
    }

    /// The request patterns of s3migrate, for ten million files. It copied each file after two HEADs
    /// and wrote an item; its verification asked for object and item, and compared listings and items
    /// at the end; its second pass sent every job again. Jobs went in batches of ten.
    #[test]
    fn s3migrates_requests_have_the_known_cost() {
        use Unit::{DynamoDbRead, DynamoDbWrite, LambdaRequest, S3Read, S3Write, SqsRequest};
        const MILLION: u64 = 1_000_000;
        let prices = Prices::us_east_1();
        let cost = |of: &[(u64, Unit)]| -> u64 {
            let all: Dollars = of.iter().map(|(count, unit)| prices.of(*count, *unit)).sum();
            all.millionths
        };
        let jobs = [(3 * MILLION, SqsRequest), (MILLION, LambdaRequest)];
        let item = (10 * MILLION, DynamoDbWrite);
        let migrate = [(10 * MILLION, S3Write), (20 * MILLION, S3Read), item];
        let migrate = cost(&jobs) + cost(&migrate);
        // An item is read inconsistently, for half the price; 20,000 pages of objects and
        // intermediaries are listed, and a gigabyte of items is scanned.
        let compared = [(20_000, S3Write), (120_000, DynamoDbRead)];
        let verify = [(10 * MILLION, S3Read), (5 * MILLION, DynamoDbRead)];
        let verify = cost(&jobs) + cost(&verify) + cost(&compared);
        let again = cost(&jobs) + cost(&[(10 * MILLION, S3Read), item]);
        assert_eq!((migrate, verify), (65_650_000, 6_140_000));
        assert_eq!((migrate + verify, migrate + verify + again), (71_790_000, 83_440_000));
    }
}
