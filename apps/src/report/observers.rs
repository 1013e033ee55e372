use domain::steps::{Page, RunObserver};
use domain::{Failure, SourceFile};

/// Several observers of one run.
pub struct Observers<'a>(pub Vec<&'a dyn RunObserver>);

impl RunObserver for Observers<'_> {
    fn expect(&self, rows: Option<u64>) {
        self.0.iter().for_each(|observer| observer.expect(rows));
    }

    fn read(&self, page: &Page) {
        self.0.iter().for_each(|observer| observer.read(page));
    }

    fn settled(&self, file: &SourceFile, failure: Option<&Failure>) {
        self.0.iter().for_each(|observer| observer.settled(file, failure));
    }
}
