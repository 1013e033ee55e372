//! Quick looks at whether anything moves. Each asks for the last rows only.

use serde::Serialize;

use super::read_state::{FreezePorts, FreezeTrouble, nodes, patiently};
use crate::Fid;
use crate::ports::{RowId, UploadsUnderWay};
use crate::store_state::{NodeCounters, StoreState};

/// The last rows of all tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    highest_fid: Option<Fid>,
    pub(super) contentrepo: RowId,
    rhino: Option<String>,
    nodes: Vec<NodeCounters>,
}

/// Something that moved while nothing was to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Movement {
    /// Uploads to MogileFS are under way.
    Uploads {
        /// Their number.
        rows: u64,
        /// The fid of the newest.
        newest: Option<Fid>,
    },
    /// MogileFS stored a file, or deleted the one of the highest fid.
    HighestFid {
        /// The highest fid before.
        before: Option<Fid>,
        /// The highest fid now.
        now: Option<Fid>,
    },
    /// The trackers list this fid, which is behind the highest one of the database: the database is a copy, or a
    /// replica that lags.
    TrackersAhead(Fid),
    /// contentrepo has a row behind the last one.
    ContentrepoRow(String),
    /// rhino has another last row.
    RhinoRow(String),
    /// A node of contentrepo has written.
    NodeWrites {
        /// Its URL.
        node: String,
        /// Its writes by the last look.
        before: u64,
        /// Its writes now.
        now: u64,
    },
    /// A node of contentrepo was started anew: what it had written before that is not known.
    NodeRestarted(String),
}

impl Look {
    /// What the last rows must be for the store to be as this state is.
    pub(super) fn of(state: &StoreState) -> Self {
        let last = state.contentrepo.last.as_deref().and_then(|last| last.parse().ok());
        Self {
            highest_fid: state.highest_fid,
            contentrepo: last.map_or(RowId::START, RowId),
            rhino: state.rhino.last.clone(),
            nodes: state.nodes.clone(),
        }
    }

    /// What moved since. Uploads under way are a movement, too: they end as files.
    pub(super) async fn movements(
        &self,
        ports: &FreezePorts,
    ) -> Result<Vec<Movement>, FreezeTrouble> {
        let FreezePorts { database, trackers, content_repo, rhino, clock, .. } = ports;
        let clock = &**clock;
        let mut moved = Vec::new();
        let UploadsUnderWay { rows, newest } =
            patiently(clock, 0, || database.uploads_under_way()).await?;
        if rows > 0 {
            moved.push(Movement::Uploads { rows, newest });
        }
        let now = patiently(clock, 0, || database.highest_fid()).await?;
        if now != self.highest_fid {
            moved.push(Movement::HighestFid { before: self.highest_fid, now });
        }
        let last = now.unwrap_or_default();
        let behind = patiently(clock, last.0, || trackers.page(last, FIDS_BEHIND)).await?;
        let newest = behind.rows.iter().map(|row| row.fid);
        let newest = newest.chain(behind.unreadable.iter().map(|row| row.fid)).max();
        moved.extend(newest.map(Movement::TrackersAhead));
        let objects = || content_repo.objects(self.contentrepo, 1);
        let newer = patiently(clock, 0, objects).await?;
        moved.extend(newer.first().map(|row| Movement::ContentrepoRow(row.id.to_string())));
        let last = patiently(clock, 0, || rhino.last()).await?.map(|last| last.to_string());
        if last != self.rhino {
            moved.push(Movement::RhinoRow(last.unwrap_or_else(|| "none".to_owned())));
        }
        for (then, now) in self.nodes.iter().zip(nodes(ports).await?) {
            if then.started != now.started {
                moved.push(Movement::NodeRestarted(now.url));
            } else if now.wrote_since(then) {
                let (before, now_writes) = (then.writes, now.writes);
                moved.push(Movement::NodeWrites { node: now.url, before, now: now_writes });
            }
        }
        Ok(moved)
    }
}

/// Fids behind the highest one that the trackers are asked for.
const FIDS_BEHIND: usize = 100;
