//! The list of modules in `domain/src/lib.rs` is the order in which they are made of each other:
//! nouns, ports, and the rooms of what is done with both. So there is no circle, and no noun knows a
//! port.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = include_str!("../../domain/src/lib.rs");

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/src")
}

/// The modules, in order.
fn modules() -> Vec<&'static str> {
    let name = |line: &'static str| line.trim_start_matches("pub ").strip_prefix("mod ");
    LIST.lines().filter_map(name).filter_map(|name| name.strip_suffix(';')).collect()
}

/// Which module each name at the root of the crate comes from.
fn names() -> BTreeMap<&'static str, &'static str> {
    let exports = LIST.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let mut names = BTreeMap::new();
    for (module, list) in exports.filter_map(|export| export.split_once("::")) {
        let list = list.trim_start_matches('{').trim_end_matches('}');
        names.extend(list.split(',').map(|name| (name.trim(), module)));
    }
    names
}

/// The code of a module, without comments and tests.
fn code(module: &str) -> String {
    let mut code = String::new();
    let mut files = vec![source().join(format!("{module}.rs")), source().join(module)];
    while let Some(file) = files.pop() {
        if file.is_dir() {
            files.extend(file.read_dir().expect("readable").flatten().map(|entry| entry.path()));
        } else if file.exists() && file.file_stem().is_some_and(|stem| stem != "tests") {
            let text = fs::read_to_string(&file).expect("readable");
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            code.extend(text.lines().filter(is_code).map(|line| format!("{line}\n")));
        }
    }
    code
}

/// The first names behind `crate::`, also those of a list in braces.
fn used(code: &str) -> Vec<&str> {
    let mut used = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            used.push(first_name(rest));
            continue;
        };
        let (mut depth, mut begin) = (1, 0);
        for (at, char) in list.char_indices() {
            depth += i32::from(char == '{') - i32::from(char == '}');
            if depth == 0 || (depth == 1 && char == ',') {
                used.push(first_name(list[begin..at].trim()));
                begin = at + 1;
            }
            if depth == 0 {
                break;
            }
        }
    }
    used.retain(|name| !name.is_empty());
    used
}

fn first_name(text: &str) -> &str {
    text.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default()
}

#[test]
fn each_module_is_made_of_those_before_it() {
    let (modules, names) = (modules(), names());
    let place = |module: &str| modules.iter().position(|other| *other == module);
    for (number, module) in modules.iter().enumerate() {
        let code = code(module);
        assert!(!code.is_empty(), "`{module}` has no file");
        for name in used(&code) {
            let of = names.get(name).copied().unwrap_or(name);
            let Some(place) = place(of) else { panic!("`{module}` uses `{name}`: where is it?") };
            assert!(place <= number, "`{module}` uses `{name}` of `{of}`, which comes after it");
        }
    }
}

#[test]
fn no_noun_knows_a_port() {
    let modules = modules();
    let ports = modules.iter().position(|module| *module == "ports").expect("there are ports");
    let rooms = [
        "audit",
        "migrate",
        "verify",
        "engine",
        "queue",
        "provision",
        "doctor",
        "runbook",
        "cleanup",
        "accept",
        "cutover",
        "smoke",
        "checklist",
    ];
    // Between them stands how ports are asked again, and how a table is read whole.
    assert_eq!(modules[ports + 3..], rooms, "behind the ports come the rooms");
    for noun in &modules[..ports] {
        assert!(!code(noun).contains("async "), "`{noun}` waits for something: it is no noun");
    }
}

/// The page shows the same list.
#[test]
fn the_picture_of_the_modules_is_true() {
    let page = include_str!("../../docs/ARCHITECTURE.md");
    let section = page.split("## The modules of the domain").nth(1).expect("a section");
    let block = section.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown: Vec<_> = block.expect("a picture").split_whitespace().collect();
    let shown: Vec<_> = shown.into_iter().filter(|word| *word != "→").collect();
    assert_eq!(shown, modules());
}
