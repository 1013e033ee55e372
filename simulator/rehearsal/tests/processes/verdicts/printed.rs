//! The commands in what is printed, as an operator takes them from there.

use stand_ins::fault::{Fault, Rule, Service};

use super::session::Session;

/// The first words of commands that are named without the program.
const COMMANDS: [&str; 9] =
    ["doctor", "plan", "provision", "migrate", "enqueue", "work", "dlq", "status", "fids"];

/// Every command in a text, in its order: those in backquotes, and those that have a line of their
/// own, up to a remark behind four blanks. Without the program's name.
pub fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.trim_start().strip_prefix("mogile2s3 ") {
            let end = command.find("    ").unwrap_or(command.len());
            found.push(command[..end].trim_end().to_owned());
            continue;
        }
        for quoted in line.split('`').skip(1).step_by(2) {
            let command = quoted.strip_prefix("mogile2s3 ");
            let first = quoted.split(' ').next().unwrap_or_default();
            found.extend(
                command.or_else(|| COMMANDS.contains(&first).then_some(quoted)).map(str::to_owned),
            );
        }
    }
    found
}

/// The words of a command, as a shell takes them that knows of quotes.
pub fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    let mut chars = command.chars();
    while let Some(char) = chars.next() {
        match char {
            '\'' => quoted = !quoted,
            '\\' if !quoted => words.last_mut().expect("never empty").extend(chars.next()),
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("never empty").push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The first command in a text that begins so.
pub fn command(text: &str, begin: &str) -> String {
    let all = commands(text);
    let found = all.iter().find(|command| command.starts_with(begin));
    found.unwrap_or_else(|| panic!("no command `{begin}` among {all:?} in: {text}")).clone()
}

/// A flag that a text names, with the word behind it.
pub fn flag(text: &str, flag: &str) -> [String; 2] {
    let (_, behind) = text.split_once(flag).unwrap_or_else(|| panic!("no {flag} in: {text}"));
    let value: String =
        behind.trim_start().chars().take_while(|char| !" .,;:\n`".contains(*char)).collect();
    [flag.to_owned(), value]
}

impl Session {
    /// Runs a command that was printed, with more behind it; it must end with this exit code.
    pub async fn follow_with(&self, command: &str, more: &[&str], code: i32) -> String {
        let words = words(command);
        let words: Vec<_> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.said(&words, code).await
    }

    /// Runs the first command in a text that begins so; it must end with this exit code.
    pub async fn follow(&self, text: &str, begin: &str, code: i32) -> String {
        self.follow_with(&command(text, begin), &[], code).await
    }

    /// From now on this happens to every request to a service.
    pub fn strike(&self, service: Service, fault: Fault) {
        self.stage.world.faults.add(Rule::always(service, fault));
    }

    /// No faults from now on.
    pub fn mend(&self) {
        self.stage.world.faults.clear();
    }
}

#[test]
fn commands_are_found_as_they_are_printed() {
    let text = "Then:\n  mogile2s3 migrate --fids '@my f'\\''s' --again    (or not)\nsee \
                `mogile2s3 plan`, `enqueue migrate` and `anything`.";
    let found = commands(text);
    assert_eq!(found, ["migrate --fids '@my f'\\''s' --again", "plan", "enqueue migrate"]);
    assert_eq!(words(&found[0]), ["migrate", "--fids", "@my f's", "--again"]);
    assert_eq!(flag("add --moved-from old, say", "--moved-from"), ["--moved-from", "old"]);
}
