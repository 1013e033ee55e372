//! Whether writes to a store have stopped: nothing moves for a while, and every row is as it was before.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{self, Either};

use super::look::{Look, Movement};
use super::read_state::{FreezePorts, FreezeTrouble, StateProgress, read_state};
use crate::cleanup::StopRequest;
use crate::store_state::{StateChange, StoreState};
use crate::{BucketMap, limits};

/// What is looked at, and for how long.
pub struct FreezePlan<'a> {
    /// The bucket map, which says what is content.
    pub buckets: &'a BucketMap,
    /// For this long nothing may move.
    pub window: Duration,
    /// Ends the watch early.
    pub stop: StopRequest,
}

/// What a watch saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// Nothing moved. This is what the store and its clients hold.
    Still(Box<StoreState>),
    /// Uploads are under way, or rows came.
    Moving(Vec<Movement>),
    /// The last rows stayed, and other rows changed in the window.
    Changed(Vec<StateChange>),
    /// The operator ended the watch.
    Interrupted,
}

/// Reads the whole state, watches the last rows for the window, and reads the whole state again.
///
/// The second reading sees what no last row shows: the rename of an upload that was closed before, and a
/// deletion.
pub async fn watch(
    ports: &FreezePorts,
    plan: &FreezePlan<'_>,
    progress: &(dyn Fn(StateProgress) + Sync),
    remaining: &(dyn Fn(Duration) + Sync),
) -> Result<Watched, FreezeTrouble> {
    let whole = watch_to_the_end(ports, plan, progress, remaining).boxed();
    match future::select(whole, plan.stop.clone()).await {
        Either::Left((watched, _)) => watched,
        Either::Right(((), _)) => Ok(Watched::Interrupted),
    }
}

async fn watch_to_the_end(
    ports: &FreezePorts,
    plan: &FreezePlan<'_>,
    progress: &(dyn Fn(StateProgress) + Sync),
    remaining: &(dyn Fn(Duration) + Sync),
) -> Result<Watched, FreezeTrouble> {
    // Uploads under way, and rights that lack, are known before minutes of reading.
    let uploads = ports.database.uploads_under_way().await?;
    if uploads.rows > 0 {
        let (rows, newest) = (uploads.rows, uploads.newest);
        return Ok(Watched::Moving(vec![Movement::Uploads { rows, newest }]));
    }
    let before = read_state(ports, plan.buckets, progress).await?;
    let look = Look::of(&before);
    let mut left = plan.window;
    loop {
        remaining(left);
        let pause = left.min(limits::FREEZE_LOOK);
        ports.clock.sleep(pause).await;
        left = left.saturating_sub(pause);
        let moved = look.movements(ports).await?;
        if !moved.is_empty() {
            return Ok(Watched::Moving(moved));
        }
        if left.is_zero() {
            break;
        }
    }
    let after = read_state(ports, plan.buckets, progress).await?;
    let changed = after.changes_since(&before);
    if !changed.is_empty() {
        return Ok(Watched::Changed(changed));
    }
    // Rows that came during the second reading.
    let moved = look.movements(ports).await?;
    Ok(if moved.is_empty() { Watched::Still(Box::new(after)) } else { Watched::Moving(moved) })
}
