use std::time::Duration;

use async_trait::async_trait;

use crate::blueprint::{
    Advice, Blueprint, BucketBlueprint, Entry, Outcome, QueueBlueprint, TableBlueprint, Thing,
    Verdict,
};
use crate::limits;
use crate::ports::{Clock, Site, SiteError};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass};

/// What came of a blueprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// What became of each thing and setting, in the order in which they were looked at.
    pub entries: Vec<Entry>,
    /// The job queue's URL, once there is one.
    pub jobs_url: Option<String>,
    /// The dead-letter queue's URL, once there is one.
    pub dead_letters_url: Option<String>,
}

/// Looks at everything of a blueprint, makes what is missing and changes what may be changed; with
/// `dry_run` it only says so. What cannot be set up does not keep the rest from being.
pub async fn provision(
    site: &dyn Site,
    clock: &dyn Clock,
    blueprint: &Blueprint,
    dry_run: bool,
) -> Provisioned {
    let mut builder = Builder { site, clock, dry_run, entries: Vec::new() };
    for bucket in &blueprint.buckets {
        builder.build(bucket).await;
    }
    let (mut jobs_url, mut dead_letters_url) = (None, None);
    if let Some(queues) = &blueprint.queues {
        // The job queue can name the other only when that is there.
        dead_letters_url = builder.build(&queues.dead_letters).await.map(|queue| queue.url);
        jobs_url = builder.build(&queues.jobs).await.map(|queue| queue.url);
    }
    for table in &blueprint.tables {
        builder.build(table).await;
    }
    Provisioned { entries: builder.entries, jobs_url, dead_letters_url }
}

struct Builder<'a> {
    site: &'a dyn Site,
    clock: &'a dyn Clock,
    dry_run: bool,
    entries: Vec<Entry>,
}

impl Builder<'_> {
    /// Sets one thing up, and gives how it was when it was last looked at.
    async fn build<T: OnSite>(&mut self, thing: &T) -> Option<T::State> {
        let found = match self.patiently(|| thing.look(self.site)).await {
            Ok(found) => found,
            Err(error) => return self.failed(thing, None, &error),
        };
        if found.is_none() {
            if self.dry_run {
                self.tell(thing, None, Outcome::WouldMake, "it is missing");
                return None;
            }
            let creation = thing.creation();
            if let Err(error) = self.patiently(|| thing.apply(self.site, &creation)).await {
                return self.failed(thing, None, &error);
            }
            self.tell(thing, None, Outcome::Made, "it was missing");
            // A queue wants to be left alone for a second (Amazon SQS API reference,
            // `CreateQueue`), and a table takes longer in any case.
            self.clock.sleep(limits::READY_POLL).await;
        } else {
            self.tell(thing, None, Outcome::Found, "it is there");
        }
        let found = match found {
            Some(found) if self.dry_run || T::is_ready(&found) => found,
            Some(_) | None => self.ready(thing).await?,
        };
        for Verdict { setting, advice } in thing.judge(&found) {
            self.carry_out(thing, setting, advice).await;
        }
        Some(found)
    }

    async fn carry_out<T: OnSite>(
        &mut self,
        thing: &T,
        setting: &'static str,
        advice: Advice<T::Change>,
    ) {
        let setting = Some(setting);
        match advice {
            Advice::Keep(how) => self.tell(thing, setting, Outcome::Found, &how),
            Advice::Leave(why) => self.tell(thing, setting, Outcome::Left, &why),
            Advice::Change { from, to, .. } if self.dry_run => {
                self.tell(thing, setting, Outcome::WouldChange, &format!("from {from} to {to}"));
            }
            Advice::Change { change, from, to } => {
                match self.patiently(|| thing.apply(self.site, &change)).await {
                    Ok(()) => {
                        let detail = format!("from {from} to {to}");
                        self.tell(thing, setting, Outcome::Changed, &detail);
                    }
                    Err(error) => {
                        self.failed::<_, ()>(thing, setting, &error);
                    }
                }
            }
        }
    }

    /// Waits until a thing is there and can be worked with.
    async fn ready<T: OnSite>(&mut self, thing: &T) -> Option<T::State> {
        let mut waited = Duration::ZERO;
        loop {
            match self.patiently(|| thing.look(self.site)).await {
                Ok(Some(found)) if T::is_ready(&found) => return Some(found),
                Ok(_) if waited < limits::READY_WITHIN => {
                    self.clock.sleep(limits::READY_POLL).await;
                    waited += limits::READY_POLL;
                }
                Ok(_) => {
                    let seconds = limits::READY_WITHIN.as_secs();
                    let why = format!("it was not ready within {seconds} s: run this again");
                    self.tell(thing, None, Outcome::Unreachable, &why);
                    return None;
                }
                Err(error) => return self.failed(thing, None, &error),
            }
        }
    }

    /// Repeats a call whose error may pass; for longer where the thing is known to need a while.
    async fn patiently<R, F: Future<Output = Result<R, SiteError>>>(
        &self,
        mut call: impl FnMut() -> F,
    ) -> Result<R, SiteError> {
        let mut waited = Duration::ZERO;
        loop {
            match retried(self.clock, 0, &mut call).await {
                Err(SiteError::NotYet { .. }) if waited < limits::READY_WITHIN => {
                    self.clock.sleep(limits::READY_POLL).await;
                    waited += limits::READY_POLL;
                }
                answer => return answer,
            }
        }
    }

    fn failed<T: Thing, R>(
        &mut self,
        thing: &T,
        setting: Option<&'static str>,
        error: &SiteError,
    ) -> Option<R> {
        let outcome = match error.class() {
            ErrorClass::Retry => Outcome::Unreachable,
            ErrorClass::GiveUp | ErrorClass::Corrupt => Outcome::Refused,
        };
        self.tell(thing, setting, outcome, &error.to_string());
        None
    }

    fn tell<T: Thing>(
        &mut self,
        thing: &T,
        setting: Option<&'static str>,
        outcome: Outcome,
        detail: &str,
    ) {
        let (thing, detail) = (thing.title(), detail.to_owned());
        self.entries.push(Entry { thing, setting, outcome, detail });
    }
}

/// A thing, and the calls of the site that are about it.
#[async_trait]
trait OnSite: Thing {
    async fn look(&self, site: &dyn Site) -> Result<Option<Self::State>, SiteError>;
    async fn apply(&self, site: &dyn Site, change: &Self::Change) -> Result<(), SiteError>;
}

#[async_trait]
impl OnSite for BucketBlueprint {
    async fn look(&self, site: &dyn Site) -> Result<Option<Self::State>, SiteError> {
        site.bucket(&self.name).await
    }

    async fn apply(&self, site: &dyn Site, change: &Self::Change) -> Result<(), SiteError> {
        site.change_bucket(&self.name, change).await
    }
}

#[async_trait]
impl OnSite for QueueBlueprint {
    async fn look(&self, site: &dyn Site) -> Result<Option<Self::State>, SiteError> {
        site.queue(&self.name).await
    }

    async fn apply(&self, site: &dyn Site, change: &Self::Change) -> Result<(), SiteError> {
        site.change_queue(&self.name, change).await
    }
}

#[async_trait]
impl OnSite for TableBlueprint {
    async fn look(&self, site: &dyn Site) -> Result<Option<Self::State>, SiteError> {
        site.table(&self.name).await
    }

    async fn apply(&self, site: &dyn Site, change: &Self::Change) -> Result<(), SiteError> {
        site.change_table(&self.name, change).await
    }
}
