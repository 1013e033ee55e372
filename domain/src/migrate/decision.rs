//! Decides the next action for one file. It is a pure function of what is known and what the last
//! action has shown.
//!
//! It keeps four promises, whatever the actions show (`tests` walks every short sequence against a
//! model bucket). Proven content is never overwritten or deleted. A wrong object of ours is
//! replaced, deleted or reported. A file is recorded only after its SHA-1 was seen to be equal.
//! Every path ends.

#[cfg(test)]
mod tests;

use crate::{
    ETag, Failure, FoundObject, Left, Proof, Reason, ReasonKind, Route, Sha1, StoredObject, limits,
};

/// The ways that are still open to get the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// An intermediary is believed to be in the bucket, and may be copied.
    pub copy: bool,
    /// The content may be read from MogileFS.
    pub mogile: bool,
}

/// The next action for a file. Every write and delete has a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// COPY the intermediary, if nothing is at the key.
    Copy,
    /// PUT from MogileFS, if nothing is at the key.
    Create,
    /// PUT from MogileFS over the object that was judged wrong.
    Replace(ETag),
    /// HEAD of the final key.
    Look,
    /// GET of the object with this `ETag`, to hash its content.
    Download(ETag),
    /// DELETE of the wrong object of ours with this `ETag`.
    Undo(ETag),
    /// Does the index still have the row, under this key?
    CheckRow,
    /// The file has reached its end.
    End(Ending),
}

/// The end of one file's decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The content is proven and is to be recorded in the ledger.
    Proven(Evidence),
    /// Neither trackers nor index have the file any more, or both have it under another key.
    Gone,
    /// The file is given up.
    Failed(Failure),
}

/// The evidence on which a ledger record rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The way in which the SHA-1 was seen.
    pub proof: Proof,
    /// How the content came to the final key; [`None`] when it was already there.
    pub route: Option<Route>,
    /// The `ETag` of the object whose SHA-1 was seen.
    pub etag: ETag,
}

/// The result of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The write was carried out.
    Stored(StoredObject),
    /// The condition did not hold: something (else) is at the key.
    Occupied,
    /// The answer was lost. The write or delete may have been carried out.
    Uncertain(Reason),
    /// There is no intermediary to copy.
    NoIntermediary,
    /// S3 refuses this copy for good. A PUT may still succeed.
    CopyRefused(Reason),
    /// No replica gave the content.
    SourceFailed(Reason),
    /// The trackers do not know the key.
    SourceUnknown,
    /// The index still has the row, under this key.
    RowPresent,
    /// The index has no such row any more, or has it under another key.
    RowAbsent,
    /// Nothing is at the key.
    Absent,
    /// This object is at the key.
    Found(FoundObject),
    /// The object's bytes have this SHA-1.
    Downloaded(Sha1),
    /// The wrong object was deleted.
    Removed,
    /// The action failed without effect, and retries did not help.
    Failed(Reason),
}

/// What is known about one file so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    expected: Sha1,
    ways: Ways,
    last: Action,
    /// The `ETag` of an object that was judged wrong and is at the key, as far as is known.
    wrong: Option<ETag>,
    /// The object that we wrote and that is at the key, as far as is known.
    ours: Option<(ETag, Route)>,
    /// The route of a write of ours whose answer was lost.
    perhaps: Option<Route>,
    /// The end that follows when the wrong object of ours is deleted.
    pending: Option<Ending>,
    trouble: Option<Reason>,
    looked: bool,
    actions_left: u8,
    undos_left: u8,
}

impl State {
    /// Returns the first action for a file whose content has SHA-1 `expected`. `look_first` means
    /// that an object is expected at the key: a HEAD costs a twelfth of a refused write.
    #[must_use]
    pub fn begin(expected: Sha1, ways: Ways, look_first: bool) -> (Self, Action) {
        let state = Self {
            expected,
            ways,
            last: Action::Look,
            wrong: None,
            ours: None,
            perhaps: None,
            pending: None,
            trouble: None,
            looked: false,
            actions_left: limits::ACTIONS,
            undos_left: 3,
        };
        if look_first { state.act(Action::Look) } else { state.bring() }
    }

    /// Returns the next action after the last one had the result `seen`.
    #[must_use]
    pub fn next(mut self, seen: Seen) -> (Self, Action) {
        match seen {
            Seen::Stored(object) => self.stored(object),
            Seen::Found(object) => self.found(object),
            Seen::Downloaded(sha1) => self.downloaded(&sha1),
            Seen::Occupied => self.act(Action::Look),
            Seen::Uncertain(reason) => self.uncertain(reason),
            Seen::NoIntermediary => {
                self.ways.copy = false;
                self.bring()
            }
            Seen::CopyRefused(reason) => {
                self.ways.copy = false;
                self.trouble = Some(reason);
                self.bring()
            }
            Seen::SourceFailed(reason) => self.without_mogile(reason),
            Seen::SourceUnknown => {
                self.ways.mogile = false;
                self.act(Action::CheckRow)
            }
            Seen::RowAbsent => self.conclude(Ending::Gone),
            Seen::RowPresent => self.without_mogile(Reason::new(
                ReasonKind::KeyUnknown,
                "the trackers do not know the key, though the index has its row",
            )),
            Seen::Absent | Seen::Removed => {
                (self.wrong, self.ours) = (None, None);
                match self.pending.take() {
                    Some(ending) => self.end(ending),
                    None => self.bring(),
                }
            }
            Seen::Failed(reason) => match self.last {
                Action::Undo(_) => self.end_failed(reason),
                Action::Copy
                | Action::Create
                | Action::Replace(_)
                | Action::Look
                | Action::Download(_)
                | Action::CheckRow
                | Action::End(_) => self.fail(reason),
            },
        }
    }

    /// Writes content to a key that is free, as far as is known. When no way is left, the right
    /// content may still be at the key already, so the key is looked at once.
    fn bring(self) -> (Self, Action) {
        match self.ways {
            Ways { copy: true, .. } => self.act(Action::Copy),
            Ways { mogile: true, .. } => self.act(Action::Create),
            Ways { copy: false, mogile: false } if !self.looked => self.act(Action::Look),
            Ways { copy: false, mogile: false } => {
                let reason = self.trouble.clone().unwrap_or_else(|| {
                    Reason::new(
                        ReasonKind::NoIntermediary,
                        "no intermediary to copy, and the route leaves MogileFS out",
                    )
                });
                self.fail(reason)
            }
        }
    }

    fn without_mogile(mut self, reason: Reason) -> (Self, Action) {
        self.ways.mogile = false;
        if self.wrong.is_some() {
            return self.fail(reason);
        }
        self.trouble = Some(reason);
        self.bring()
    }

    fn stored(mut self, object: StoredObject) -> (Self, Action) {
        let route = if self.last == Action::Copy { Route::Copy } else { Route::Mogile };
        (self.wrong, self.perhaps) = (None, None);
        self.ours = Some((object.etag.clone(), route));
        match object.sha1 {
            Some(sha1) if sha1 == self.expected => self.prove(object.proof, object.etag),
            Some(_) => {
                // A way that gave wrong content once is not used again.
                match route {
                    Route::Copy => self.ways.copy = false,
                    Route::Mogile => self.ways.mogile = false,
                }
                self.judged_wrong(object.etag)
            }
            // An answer without a SHA-1 proves nothing, so the object is looked at.
            None => self.act(Action::Look),
        }
    }

    fn found(mut self, object: FoundObject) -> (Self, Action) {
        // What was known about an earlier object does not hold for this one.
        self.wrong = None;
        self.ours = self.ours.filter(|(etag, _)| *etag == object.etag);
        match object.sha1 {
            Some(sha1) if sha1 == self.expected => self.prove(Proof::Head, object.etag),
            Some(_) => self.judged_wrong(object.etag),
            None => self.act(Action::Download(object.etag)),
        }
    }

    fn downloaded(self, sha1: &Sha1) -> (Self, Action) {
        let Action::Download(etag) = self.last.clone() else { return self.act(Action::Look) };
        if *sha1 == self.expected {
            self.prove(Proof::Download, etag)
        } else {
            self.judged_wrong(etag)
        }
    }

    fn uncertain(mut self, reason: Reason) -> (Self, Action) {
        match self.last {
            Action::Copy => self.perhaps = Some(Route::Copy),
            Action::Create | Action::Replace(_) => self.perhaps = Some(Route::Mogile),
            Action::Look
            | Action::Download(_)
            | Action::Undo(_)
            | Action::CheckRow
            | Action::End(_) => {}
        }
        self.trouble = Some(reason);
        self.act(Action::Look)
    }

    /// The object with this `ETag` is at the key and has other content. Only proven content may
    /// replace it, and it may be deleted only if we wrote it.
    fn judged_wrong(mut self, etag: ETag) -> (Self, Action) {
        self.wrong = Some(etag.clone());
        if self.pending.is_none() && self.ways.mogile {
            return self.act(Action::Replace(etag));
        }
        let ending = self.pending.take().unwrap_or_else(|| {
            let better = self.trouble.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            let detail = format!("its key has other content, and there is no better{better}");
            self.failure(Reason::new(ReasonKind::WrongObject, detail))
        });
        self.conclude(ending)
    }

    fn prove(self, proof: Proof, etag: ETag) -> (Self, Action) {
        let ours = self.ours.as_ref().filter(|(ours, _)| *ours == etag).map(|(_, route)| *route);
        let route = ours.or(self.perhaps);
        self.end_with(Ending::Proven(Evidence { proof, route, etag }))
    }

    fn fail(self, reason: Reason) -> (Self, Action) {
        let ending = self.failure(reason);
        self.conclude(ending)
    }

    /// Ends the file. Before that it tries to delete a wrong object of ours that is still at the
    /// key, three times at most.
    fn conclude(mut self, ending: Ending) -> (Self, Action) {
        match self.wrong_of_ours() {
            Some(etag) if self.undos_left > 0 => {
                self.undos_left -= 1;
                self.pending = Some(ending);
                self.last = Action::Undo(etag.clone());
                (self, Action::Undo(etag))
            }
            _ => self.end(ending),
        }
    }

    fn wrong_of_ours(&self) -> Option<ETag> {
        let (ours, _) = self.ours.as_ref()?;
        self.wrong.as_ref().filter(|wrong| *wrong == ours).cloned()
    }

    /// Ends the file. A failure reports what is at the key now. A file that is gone from MogileFS
    /// ends as a failure when something wrong stays in S3.
    fn end(self, ending: Ending) -> (Self, Action) {
        let left = self.left();
        let ending = match ending {
            Ending::Failed(Failure { reason, .. }) => Ending::Failed(Failure { reason, left }),
            Ending::Gone if left != Left::Nothing => {
                let detail = "the file is gone from MogileFS, but something stayed in S3";
                Ending::Failed(Failure {
                    reason: Reason::new(ReasonKind::WrongObject, detail),
                    left,
                })
            }
            other @ (Ending::Gone | Ending::Proven(_)) => other,
        };
        self.end_with(ending)
    }

    fn end_failed(self, reason: Reason) -> (Self, Action) {
        let ending = self.failure(reason);
        self.end(ending)
    }

    fn end_with(mut self, ending: Ending) -> (Self, Action) {
        self.last = Action::End(ending.clone());
        (self, Action::End(ending))
    }

    fn failure(&self, reason: Reason) -> Ending {
        Ending::Failed(Failure { reason, left: self.left() })
    }

    fn left(&self) -> Left {
        match (&self.ours, &self.wrong, self.perhaps) {
            (Some(_), ..) => Left::OurObject,
            (None, _, Some(_)) => Left::PerhapsOurs,
            (None, Some(_), None) => Left::WrongObject,
            (None, None, None) => Left::Nothing,
        }
    }

    /// Takes this action, or gives the file up when [`limits::ACTIONS`] actions are used up.
    fn act(mut self, action: Action) -> (Self, Action) {
        if let Some(left) = self.actions_left.checked_sub(1) {
            self.actions_left = left;
            self.looked |= action == Action::Look;
            self.last = action.clone();
            return (self, action);
        }
        let reason = self.trouble.clone().unwrap_or_else(|| {
            Reason::new(ReasonKind::Contended, "the object changed under our hands too often")
        });
        self.fail(reason)
    }
}
