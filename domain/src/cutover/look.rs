//! Quick looks at whether anything moves. Each asks for the last rows only.

use serde::Serialize;

use super::read_state::{FreezePorts, FreezeTrouble};
use crate::Fid;
use crate::ports::{RowId, UploadsUnderWay};
use crate::retried::retried;
use crate::store_state::StoreState;

/// The last rows of all tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    highest_fid: Option<Fid>,
    uploads: UploadsUnderWay,
    contentrepo: RowId,
    rhino: Option<RowId>,
}

/// Something that moved while nothing was to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Movement {
    /// MogileFS gave out this fid.
    Fid(Option<Fid>),
    /// An upload to MogileFS began or ended: its table `tempfile` has another number of rows, or another
    /// newest one.
    Upload {
        /// The number of rows before.
        before: u64,
        /// The number of rows now.
        now: u64,
    },
    /// contentrepo has a row behind the last one.
    ContentrepoRow(String),
    /// rhino has another last row.
    RhinoRow(String),
}

impl Look {
    /// The first look, behind a reading of the whole state.
    pub(super) async fn first(
        ports: &FreezePorts,
        state: &StoreState,
    ) -> Result<Self, FreezeTrouble> {
        let last = state.contentrepo.last.as_deref().and_then(|last| last.parse().ok());
        let contentrepo = last.map_or(RowId::START, RowId);
        // A row that came since the reading is a movement that the next look sees.
        Ok(Self { contentrepo, ..Self::at(ports, contentrepo).await? })
    }

    /// A look that reads contentrepo's rows behind `contentrepo` only.
    async fn at(ports: &FreezePorts, contentrepo: RowId) -> Result<Self, FreezeTrouble> {
        let FreezePorts { database, content_repo, rhino, clock, .. } = ports;
        let newer = retried(&**clock, 0, || content_repo.objects(contentrepo, 1)).await?;
        Ok(Self {
            highest_fid: retried(&**clock, 0, || database.highest_fid()).await?,
            uploads: retried(&**clock, 0, || database.uploads_under_way()).await?,
            contentrepo: newer.last().map_or(contentrepo, |row| row.id),
            rhino: retried(&**clock, 0, || rhino.last()).await?,
        })
    }

    /// What moved since this look.
    pub(super) async fn movements(
        &self,
        ports: &FreezePorts,
    ) -> Result<Vec<Movement>, FreezeTrouble> {
        let now = Self::at(ports, self.contentrepo).await?;
        let mut moved = Vec::new();
        if now.highest_fid != self.highest_fid {
            moved.push(Movement::Fid(now.highest_fid));
        }
        if now.uploads != self.uploads {
            let (before, now) = (self.uploads.rows, now.uploads.rows);
            moved.push(Movement::Upload { before, now });
        }
        if now.contentrepo != self.contentrepo {
            moved.push(Movement::ContentrepoRow(now.contentrepo.to_string()));
        }
        if now.rhino != self.rhino {
            let last = now.rhino.map_or_else(|| "none".to_owned(), |last| last.to_string());
            moved.push(Movement::RhinoRow(last));
        }
        Ok(moved)
    }
}
