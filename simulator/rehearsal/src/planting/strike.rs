//! Requests about a file that are to be struck.

use std::time::Duration;

use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::mogile::fid_path;

use super::acts::StoredFile;
use super::planter::Planter;
use crate::hazard::{Request, RequestFault};

impl Planter<'_> {
    /// Strikes the next `times` requests of a kind about this file.
    pub(super) fn strike(
        &self,
        stored: &StoredFile,
        request: Request,
        fault: RequestFault,
        times: u32,
    ) -> anyhow::Result<()> {
        let fault = as_fault(fault, stored.file.content.length());
        let add = |service, operation: &str, target: &str| {
            let rule = Rule::once(service, operation, target, fault.clone());
            self.world.faults.add(Rule { times, ..rule });
        };
        let s3 = |operation| add(Service::S3, operation, &stored.target());
        let node = |device| add(Service::StorageNode, "GET", &fid_path(device, stored.fid));
        match request {
            Request::Paths => add(Service::Tracker, "get_paths", &stored.key),
            Request::First => self.devices_of(&stored.key)?.into_iter().take(1).for_each(node),
            Request::Every => self.devices_of(&stored.key)?.into_iter().for_each(node),
            Request::Put => s3("PUT"),
            Request::Copy => s3("COPY"),
            Request::Create => s3("CREATE_MULTIPART"),
            Request::Part => s3("PART"),
            Request::Complete => s3("COMPLETE"),
        }
        Ok(())
    }
}

/// Content that trickles takes so long: longer than any time-out of a rehearsal.
const TRICKLE: Duration = Duration::from_mins(1);

fn as_fault(fault: RequestFault, length: u64) -> Fault {
    let half = usize::try_from(length / 2).unwrap_or(usize::MAX);
    let pieces = u32::try_from(length.max(1)).unwrap_or(u32::MAX);
    let inside_200 = |carried_out| {
        let code = "InternalError".to_owned();
        Fault::RefuseInside200 { code, carried_out }
    };
    match fault {
        RequestFault::RequestLost => Fault::RequestLost,
        RequestFault::AnswerLost => Fault::AnswerLost,
        RequestFault::Silent => Fault::Hang,
        RequestFault::Refused(status, code) => Fault::Refuse { status, code: code.to_owned() },
        RequestFault::ErrorInside200 => inside_200(false),
        RequestFault::DoneAndErrorInside200 => inside_200(true),
        RequestFault::Hangs => Fault::HangInBody(half),
        RequestFault::BreaksOff => Fault::TruncateBody(half),
        RequestFault::Announces(bytes) => Fault::Announce(bytes),
        RequestFault::Trickles => Fault::Trickle((TRICKLE / pieces).max(Duration::from_millis(1))),
    }
}
