//! A world with plain files in it: nothing is wrong with any of them.

use std::time::SystemTime;

use anyhow::Context;
use bytes::Bytes;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use stand_ins::world::bucket::{Attributes, Content, Object};

use super::bare::{From, Order};
use crate::corpus::{self, CorpusFile};

/// How a planted file can be brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From MogileFS alone.
    Mogile,
    /// By copy too.
    Copy,
}

/// A world, and what its files are called.
pub struct Field {
    /// The world.
    pub world: EmbeddedWorld,
    /// How a loop without any knowledge would bring each file.
    pub orders: Vec<Order>,
}

impl Field {
    /// A world without files.
    pub async fn new() -> anyhow::Result<Self> {
        let world = EmbeddedWorld::start().await.context("starting the world")?;
        Ok(Self { world, orders: Vec::new() })
    }

    /// Plants so many files of so many bytes (at least eight, or they could not all differ).
    pub fn plant_many(&mut self, files: usize, bytes: usize, way: Way) -> anyhow::Result<()> {
        let mut content = vec![0; bytes.max(8)];
        ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut content);
        for _ in 0..files {
            content[..8].copy_from_slice(&(self.orders.len() as u64).to_le_bytes());
            self.plant(&corpus::of_bytes(Bytes::copy_from_slice(&content)), way)?;
        }
        Ok(())
    }

    /// Plants one file, with a replica on either node.
    pub fn plant(&mut self, file: &CorpusFile, way: Way) -> anyhow::Result<()> {
        let (old, new) = BUCKETS[0];
        let (first, second) = self.world.devices.split_at(self.world.devices.len() / 2);
        let number = self.orders.len();
        let devices = [first[number % first.len()], second[number % second.len()]];
        let key = format!("{}-{old}", file.sha1);
        let mogile = &self.world.mogile;
        let fid = mogile.store(self.world.dmid, &key, &file.content, &devices);
        let from = match way {
            Way::Mogile => {
                let url = mogile.url(fid, devices[number % devices.len()]);
                From::Node(url.context("a replica without a URL")?)
            }
            Way::Copy => {
                let digits = format!("{:010}", fid.0);
                let key =
                    format!("{}/{}/{}/{digits}.fid", &digits[..1], &digits[1..4], &digits[4..7]);
                let content = Content::of(file.content.read()?);
                let object = Object::new(content, Attributes::default(), SystemTime::now());
                self.world.s3.plant(new, &key, object).context("planting an intermediary")?;
                From::Intermediary(key)
            }
        };
        self.orders.push(Order { from, bucket: new.to_owned(), key: file.sha1.clone() });
        Ok(())
    }
}
