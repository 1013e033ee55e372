use domain::engine::{OutageObserver, RunObserver};
use domain::migrate::Page;
use domain::{Failure, Finding, Reason, SourceFile};

/// Several observers of one run.
pub struct Observers<'a>(pub Vec<&'a dyn RunObserver>);

impl OutageObserver for Observers<'_> {
    fn holding(&self, why: &Reason) {
        self.0.iter().for_each(|observer| observer.holding(why));
    }

    fn going_on(&self) {
        self.0.iter().for_each(|observer| observer.going_on());
    }
}

impl RunObserver for Observers<'_> {
    fn expect(&self, rows: Option<u64>) {
        self.0.iter().for_each(|observer| observer.expect(rows));
    }

    fn types_read(&self, rows: u64) {
        self.0.iter().for_each(|observer| observer.types_read(rows));
    }

    fn read(&self, page: &Page) {
        self.0.iter().for_each(|observer| observer.read(page));
    }

    fn settled(&self, file: &SourceFile, failure: Option<&Failure>) {
        self.0.iter().for_each(|observer| observer.settled(file, failure));
    }

    fn noticed(&self, file: &SourceFile, finding: &Finding) {
        self.0.iter().for_each(|observer| observer.noticed(file, finding));
    }
}
