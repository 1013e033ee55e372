use domain::verify::VerifyObserver;

use super::*;
use crate::report::verify::Form;

fn settings(domain: &str) -> StateSettings {
    let all = [("MOGILE_DOMAIN", domain), ("--deep", "true")];
    all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn begun(path: &Path, domain: &str) -> Result<StateFile, UsageError> {
    let mut state = StateFile::open(path)?;
    state.agree(settings(domain)).map(|()| state)
}

fn error(path: &Path) -> String {
    begun(path, "ours").err().expect("it is refused").0
}

#[test]
fn a_state_goes_on_with_its_own_settings_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, list) = (folder.path().join("state"), folder.path().join("list"));
    let lines = VerifyList::create(Form::List, &list, folder.path()).expect("a new file");
    let state = begun(&path, "ours").expect("a new one");
    assert_eq!(state.place("--list"), None);
    let keeper = state.keep(vec![&lines], 0).expect("it is written");
    let another = error(&path);
    assert!(another.contains("of a comparison that runs now"), "{another}");
    let (end, kept) = keeper.finish();
    assert_eq!((end.trouble, end.continued.len(), end.ranges_kept), (None, 0, 0));
    assert!(error(&path).contains("that runs now"), "its report is not printed yet");
    drop(kept);
    let state = begun(&path, "ours").expect("it is there");
    assert_eq!(
        state.place("--list"),
        Some(ListPlace { bytes: 0, lines: 0, tail: domain::Sha1::of(b"") })
    );
    assert_eq!(state.setting("MOGILE_DOMAIN"), Some("ours"));
    drop(state);
    let other = begun(&path, "theirs").err().expect("another store").0;
    let words = "with other settings: MOGILE_DOMAIN was `ours` and is `theirs`.";
    assert!(other.starts_with("--state: `") && other.contains(words), "{other}");
    let state = begun(&path, "ours").expect("it is there");
    let (end, kept) = state.keep(vec![&lines], 0).expect("it is written").finish();
    assert_eq!((end.trouble, end.continued.len()), (None, 1));
    // It is killed before its report is printed: the next one prints it.
    drop(kept);
    let state = begun(&path, "ours").expect("it has not ended");
    let (end, kept) = state.keep(vec![&lines], 0).expect("it is written").finish();
    assert_eq!((end.trouble, end.continued.len()), (None, 2));
    kept.end().expect("written");
    let over = error(&path);
    assert!(over.contains("came to its end at 20") && over.contains("another file"), "{over}");
    let names = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(names, 2, "the file that replaces another does not stay");
}

/// A comparison that goes on has not compared again what it had compared before something was journalled.
#[test]
fn a_state_that_goes_on_keeps_its_first_begin() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let begin = |now: Option<u64>| {
        let mut state = begun(&path, "ours").expect("a state");
        let first = state.first_begin(now);
        drop(state.keep(vec![], 0).expect("it is written").finish());
        first
    };
    assert_eq!([begin(Some(7)), begin(Some(9)), begin(None)], [Some(7); 3]);
    fs::remove_file(&path).expect("removed");
    // Its begin was not known, and no later one takes its place: a file of an earlier version has none, too.
    assert_eq!([begin(None), begin(Some(9))], [None; 2]);
}

#[test]
fn what_is_no_whole_state_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    begun(&path, "ours").expect("a new one").keep(Vec::new(), 0).expect("it is written");
    let whole = fs::read(&path).expect("it is there");
    for at in 0..whole.len() {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1;
        for spoilt in [&spoilt[..], &whole[..at.max(1)]] {
            fs::write(&path, spoilt).expect("written");
            error(&path);
            assert_eq!(fs::read(&path).expect("it is there"), spoilt);
        }
    }
    for (text, words) in [
        ("7\tmissing\n", "is no state of `verify`"),
        ("mogile2s3-verify-state 2 abc\n{}\n", "another version of this tool"),
        ("mogile2s3-verify-state 1 abc\n{}\n", "is damaged (its checksum is wrong)"),
    ] {
        fs::write(&path, text).expect("written");
        let said = error(&path);
        assert!(said.contains(words), "{said}");
    }
    fs::write(&path, "").expect("written");
    assert!(begun(&path, "ours").is_ok(), "an empty file is none");
    let said = error(folder.path());
    assert!(said.contains("cannot be opened"), "{said}");
}

#[test]
fn a_state_that_cannot_be_written_is_said_at_once() {
    let path = Path::new("/no/such/folder/state");
    let error = error(path);
    assert!(error.contains("`/no/such/folder/state` cannot be opened"), "{error}");
}

/// A comparison puts new files in the place of the first one, and has each of them.
#[test]
fn a_state_that_is_written_again_and_again_stays_with_its_comparison() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let first = LockedFile::open(&path).expect("a new file");
    let taken = || matches!(LockedFile::open(&path), Err(LockError::Taken));
    assert!(taken());
    // Another one has opened the file before it was replaced, and locks it afterwards.
    let opened = File::open(&path).expect("it is there");
    let new = folder.path().join("state.new");
    let second = LockedFile::of(File::create(&new).expect("made")).expect("locked");
    fs::rename(&new, &path).expect("renamed");
    drop(first);
    assert!(opened.try_lock().is_ok(), "nothing has the old one");
    assert!(taken(), "the new one has its owner");
    drop(second);
    assert!(LockedFile::open(&path).is_ok());
}

/// A list whose lines are lost must not be continued as if it had them.
#[test]
fn no_state_is_kept_behind_a_list_that_lacks_lines() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let list =
        VerifyList::create(Form::List, Path::new("/dev/full"), folder.path()).expect("it opens");
    list.range_done(0);
    let refused = begun(&path, "ours").expect("none yet").keep(vec![&list], 0);
    let error = refused.err().expect("it is no plain file").0;
    assert!(error.contains("/dev/full"), "{error}");
}
