//! Every short sequence of answers, faults and foreign writes, against a model bucket of one key.

use super::*;
use crate::ByteCount;

const GOOD: Sha1 = Sha1::from_bytes([1; 20]);
const BAD: Sha1 = Sha1::from_bytes([2; 20]);

/// Gives every sequence of choices once: the last one that can still be raised is, and those
/// behind it begin anew.
#[derive(Default)]
struct Choices {
    made: Vec<(usize, usize)>,
    at: usize,
}

impl Choices {
    fn of(&mut self, options: usize) -> usize {
        if self.at == self.made.len() {
            self.made.push((0, options));
        }
        let (chosen, _) = self.made[self.at];
        self.at += 1;
        chosen
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.of(options.len())]
    }

    /// Goes on to the next sequence; false when there was none left.
    fn advance(&mut self) -> bool {
        self.at = 0;
        while let Some((chosen, options)) = self.made.pop() {
            if chosen + 1 < options {
                self.made.push((chosen + 1, options));
                return true;
            }
        }
        false
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    sha1: Sha1,
    etag: ETag,
    tells_sha1: bool,
    ours: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mogile {
    Whole,
    Broken,
    UnknownWithRow,
    UnknownWithoutRow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Refused,
    RequestLost,
    AnswerLost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranger {
    Idle,
    WritesGood,
    WritesBad,
    Deletes,
}

/// One key of a bucket, its intermediary, MogileFS, and what else happens.
struct World {
    at_key: Option<Object>,
    intermediary: Option<Sha1>,
    mogile: Mogile,
    answers_sha1: bool,
    etags: u32,
    /// Every object that was ever at the key and good.
    good: Vec<ETag>,
    faults_left: u8,
    strangers_left: u8,
    disturbed: bool,
    trace: Vec<String>,
}

impl World {
    fn any(choices: &mut Choices, faults: u8, strangers: u8) -> (Self, Ways) {
        let mut world = Self {
            at_key: None,
            intermediary: choices.pick(&[None, Some(GOOD), Some(BAD)]),
            mogile: choices.pick(&[
                Mogile::Whole,
                Mogile::Broken,
                Mogile::UnknownWithRow,
                Mogile::UnknownWithoutRow,
            ]),
            answers_sha1: choices.pick(&[true, false]),
            etags: 0,
            good: Vec::new(),
            faults_left: faults,
            strangers_left: strangers,
            disturbed: false,
            trace: Vec::new(),
        };
        match choices.of(5) {
            0 => {}
            1 => world.write(GOOD, true, false),
            2 => world.write(GOOD, false, false),
            3 => world.write(BAD, true, false),
            _ => world.write(BAD, false, false),
        }
        let (copy, mogile) = choices.pick(&[(true, true), (true, false), (false, true)]);
        (world, Ways { copy, mogile })
    }

    fn write(&mut self, sha1: Sha1, tells_sha1: bool, ours: bool) {
        self.etags += 1;
        let etag = ETag(self.etags.to_string());
        if sha1 == GOOD {
            self.good.push(etag.clone());
        }
        self.at_key = Some(Object { sha1, etag, tells_sha1, ours });
    }

    fn etag_now(&self) -> Option<&ETag> {
        self.at_key.as_ref().map(|object| &object.etag)
    }

    /// A write of ours takes effect on what is there, which must not be proven content.
    fn overwrite(&mut self, sha1: Sha1) -> Seen {
        let destroys = self.at_key.as_ref().is_some_and(|object| object.sha1 == GOOD);
        assert!(!destroys, "proven content was overwritten: {:#?}", self.trace);
        self.write(sha1, self.answers_sha1, true);
        let etag = ETag(self.etags.to_string());
        let sha1 = self.answers_sha1.then_some(sha1);
        Seen::Stored(StoredObject { etag, sha1, proof: Proof::Put })
    }

    fn put_by_mogile(&mut self, condition_holds: bool) -> Seen {
        match self.mogile {
            Mogile::Whole if condition_holds => self.overwrite(GOOD),
            Mogile::Whole => Seen::Occupied,
            Mogile::Broken => Seen::SourceFailed(Reason::new(ReasonKind::NoReplica, "broken")),
            Mogile::UnknownWithRow | Mogile::UnknownWithoutRow => Seen::SourceUnknown,
        }
    }

    /// Carries an action out as S3 and MogileFS would.
    fn effect(&mut self, action: &Action) -> Seen {
        match action {
            Action::Copy => match (self.intermediary, &self.at_key) {
                (None, _) => Seen::NoIntermediary,
                (Some(_), Some(_)) => Seen::Occupied,
                (Some(sha1), None) => self.overwrite(sha1),
            },
            Action::Create => self.put_by_mogile(self.at_key.is_none()),
            Action::Replace(_) if self.at_key.is_none() => Seen::Absent,
            Action::Replace(etag) => self.put_by_mogile(self.etag_now() == Some(etag)),
            Action::Look => self.at_key.as_ref().map_or(Seen::Absent, |object| {
                Seen::Found(FoundObject {
                    etag: object.etag.clone(),
                    length: ByteCount(1),
                    sha1: object.tells_sha1.then_some(object.sha1),
                })
            }),
            Action::Download(etag) => match &self.at_key {
                Some(object) if object.etag == *etag => Seen::Downloaded(object.sha1),
                Some(_) => Seen::Occupied,
                None => Seen::Absent,
            },
            Action::Undo(etag) => match &self.at_key {
                Some(object) if object.etag == *etag => {
                    assert_eq!(object.sha1, BAD, "proven content was deleted: {:#?}", self.trace);
                    assert!(object.ours, "somebody's object was deleted: {:#?}", self.trace);
                    self.at_key = None;
                    Seen::Removed
                }
                Some(_) => Seen::Occupied,
                None => Seen::Removed,
            },
            Action::CheckRow if self.mogile == Mogile::UnknownWithRow => Seen::RowPresent,
            Action::CheckRow => Seen::RowAbsent,
            Action::End(_) => unreachable!("nothing is carried out behind the end"),
        }
    }

    fn carry_out(&mut self, action: &Action, choices: &mut Choices) -> Seen {
        self.let_a_stranger_in(choices);
        let fault = if self.faults_left == 0 {
            Fault::None
        } else {
            choices.pick(&[Fault::None, Fault::Refused, Fault::RequestLost, Fault::AnswerLost])
        };
        if fault != Fault::None {
            self.faults_left -= 1;
            self.disturbed = true;
        }
        let lost = || Reason::new(ReasonKind::StoreUnreachable, "lost");
        let writes =
            matches!(action, Action::Copy | Action::Create | Action::Replace(_) | Action::Undo(_));
        let seen = match fault {
            Fault::None => self.effect(action),
            Fault::Refused if *action == Action::Copy => Seen::CopyRefused(lost()),
            Fault::RequestLost if writes => Seen::Uncertain(lost()),
            Fault::AnswerLost if writes => {
                let _ = self.effect(action);
                Seen::Uncertain(lost())
            }
            Fault::Refused | Fault::RequestLost | Fault::AnswerLost => Seen::Failed(lost()),
        };
        self.trace.push(format!("{action:?} ({fault:?}) -> {seen:?}"));
        seen
    }

    fn let_a_stranger_in(&mut self, choices: &mut Choices) {
        if self.strangers_left == 0 {
            return;
        }
        let stranger = choices.pick(&[
            Stranger::Idle,
            Stranger::WritesGood,
            Stranger::WritesBad,
            Stranger::Deletes,
        ]);
        match stranger {
            Stranger::Idle => return,
            Stranger::WritesGood => self.write(GOOD, true, false),
            Stranger::WritesBad => self.write(BAD, false, false),
            Stranger::Deletes => self.at_key = None,
        }
        self.strangers_left -= 1;
        self.disturbed = true;
        self.trace.push(format!("a stranger: {stranger:?}"));
    }
}

/// Runs one file to its end, and checks what must hold of every end.
fn run(choices: &mut Choices, faults: u8, strangers: u8) {
    let (mut world, ways) = World::any(choices, faults, strangers);
    let begun_with = world.at_key.clone();
    let look_first = choices.pick(&[false, true]);
    let (mut state, mut action) = State::begin(GOOD, ways, look_first);
    let mut actions = 0;
    let ending = loop {
        if let Action::End(ending) = action {
            break ending;
        }
        actions += 1;
        assert!(actions <= limits::ACTIONS + 3, "no end: {:#?}", world.trace);
        let seen = world.carry_out(&action, choices);
        (state, action) = state.next(seen);
    };
    check_end(&world, &ending);
    if !world.disturbed {
        check_undisturbed_end(&world, ways, begun_with.as_ref(), &ending);
    }
}

fn check_end(world: &World, ending: &Ending) {
    let trace = &world.trace;
    let bad_of_ours = world.at_key.as_ref().is_some_and(|object| object.ours && object.sha1 == BAD);
    match ending {
        Ending::Proven(evidence) => {
            assert!(world.good.contains(&evidence.etag), "recorded unproven: {trace:#?}");
            assert!(!bad_of_ours, "a bad object of ours behind a record: {trace:#?}");
        }
        Ending::Gone => {
            assert_eq!(world.mogile, Mogile::UnknownWithoutRow, "{trace:#?}");
            assert!(!bad_of_ours, "a bad object of ours left in silence: {trace:#?}");
        }
        Ending::Failed(failure) => {
            let told = matches!(failure.left, Left::OurObject | Left::PerhapsOurs);
            assert!(!bad_of_ours || told, "a bad object of ours not told of: {trace:#?}");
        }
    }
}

/// Without faults and strangers the end is the best one that there is.
fn check_undisturbed_end(world: &World, ways: Ways, before: Option<&Object>, ending: &Ending) {
    let trace = &world.trace;
    let good_before = before.is_some_and(|object| object.sha1 == GOOD);
    let copied = ways.copy && before.is_none() && world.intermediary == Some(GOOD);
    let from_mogile = ways.mogile && world.mogile == Mogile::Whole;
    if *ending == Ending::Gone {
        return assert!(ways.mogile, "only MogileFS can tell that a file is gone: {trace:#?}");
    }
    let proven = matches!(ending, Ending::Proven(_));
    assert_eq!(proven, good_before || copied || from_mogile, "{ending:?} after {trace:#?}");
    if let Ending::Proven(evidence) = ending {
        assert_eq!(evidence.route.is_none(), good_before, "{evidence:?} after {trace:#?}");
    }
    if let Ending::Failed(failure) = ending {
        let foreign = before.is_some_and(|object| object.sha1 == BAD);
        let left = if foreign { Left::WrongObject } else { Left::Nothing };
        assert_eq!(failure.left, left, "{failure:?} after {trace:#?}");
    }
    // A store that tells no SHA-1 costs a look and a download for every object.
    let longest = if world.answers_sha1 { 6 } else { 10 };
    assert!(trace.len() <= longest, "a long way round: {trace:#?}");
}

fn run_all(faults: u8, strangers: u8) -> usize {
    let mut choices = Choices::default();
    let mut runs = 0;
    loop {
        run(&mut choices, faults, strangers);
        runs += 1;
        if !choices.advance() {
            return runs;
        }
    }
}

#[test]
fn undisturbed_files_end_as_well_as_they_can() {
    assert_eq!(run_all(0, 0), 2 * 3 * 4 * 2 * 5 * 3);
}

#[test]
fn any_two_faults_break_no_promise() {
    assert!(run_all(2, 0) > 1_000);
}

#[test]
fn any_three_foreign_writes_break_no_promise() {
    assert!(run_all(0, 3) > 1_000);
}

#[test]
fn faults_and_foreign_writes_together_break_no_promise() {
    assert!(run_all(2, 1) > 10_000);
    assert!(run_all(1, 2) > 10_000);
}
