use std::process::Command;

use super::*;

/// Names and values of a file.
fn read(text: &str) -> Vec<(String, String)> {
    let read = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    read.values.into_iter().collect()
}

#[test]
fn a_value_is_what_python_dotenv_makes_of_it() {
    let check = |text: &str, value: &str| {
        assert_eq!(read(text), [("A".to_owned(), value.to_owned())], "{text:?}");
    };
    check("A=b", "b");
    check("A=two words  ", "two words");
    check("  A =\t b\t", "b");
    check("export A=b", "b");
    check("A=$x${y}`z`", "$x${y}`z`");
    check(r"A=c:\new\table", r"c:\new\table");
    check("A=b # a comment", "b");
    check("A=b#c", "b#c");
    check("A=#b", "#b");
    check("A=mysql://ann:p#w d'x\"@db/m\r\n", "mysql://ann:p#w d'x\"@db/m");
    check("A='b # c' # d", "b # c");
    check(r"A='it\'s \n \\ $x'", r"it's \n \ $x");
    check(r#"A="a\tb\n\"c\" \$x \q""#, "a\tb\n\"c\" \\$x \\q");
    check("A=\"one\ntwo\r\n three\"", "one\ntwo\n three");
    check(r"A='b\'", r"b\");
    check("A=", "");
    check("A=''", "");
    check("\u{feff}A=b", "b");
    check("# first\n\n  # second\nA=b\n", "b");
    check("'A'=b", "b");
}

#[test]
fn every_end_of_line_ends_a_value() {
    for end in ["\n", "\r\n", "\r"] {
        let all = read(&format!("A=1{end}B='2'{end}{end}C=\"3\"{end}"));
        let values: Vec<_> = all.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["1", "2", "3"], "{end:?}");
    }
}

#[test]
fn an_error_names_line_and_variable_and_no_value() {
    let check = |text: &str, words: &[&str]| {
        let said = parse(text).err().unwrap_or_else(|| panic!("{text:?}")).to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{text:?}: {said}");
        assert!(!said.contains("s3cret"), "{text:?}: {said}");
    };
    check("A=b\nB='s3cret", &["line 2", "`B`", "never closed"]);
    check("A=b\r\n\r\nB=\"s3cret\"x", &["line 3", "`B`", "closing quote"]);
    check("=s3cret", &["line 1", "no name"]);
    check("A s3cret", &["line 1", "`A`", "="]);
    check("A=s3cret\0", &["line 1", "`A`", "NUL"]);
}

#[test]
fn a_name_that_is_set_twice_is_warned_of_and_the_last_value_counts() {
    let read = parse("A=s3cret1\nB=x\nA=s3cret2").expect("a file");
    assert_eq!(read.values["A"], "s3cret2");
    let said = read.warnings.join("\n");
    assert!(["line 3", "`A`", "line 1"].iter().all(|word| said.contains(word)), "{said}");
    assert_eq!(read.warnings.len(), 1, "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn line_ends_of_windows_are_warned_of_once() {
    let read = parse("A=b\r\nB=c\r\n").expect("a file");
    assert_eq!(read.warnings.len(), 1, "{:?}", read.warnings);
    assert!(read.warnings[0].contains("Windows"), "{:?}", read.warnings);
}

#[test]
fn a_line_that_sets_nothing_is_warned_of() {
    for (text, name) in [("A", "`A`"), ("export A", "`A`"), ("A-B=c", "`A-B`")] {
        let read = parse(text).expect("a file");
        assert!(read.values.is_empty(), "{text}");
        assert!(read.warnings[0].contains(name), "{:?}", read.warnings);
    }
}

/// Without a warning, `sh` reads the same; with one, it reads something else, or cannot tell.
#[test]
fn a_value_that_a_shell_reads_otherwise_is_warned_of() {
    let check = |text: &str, is_warned: bool| {
        let read = parse(text).expect("a file");
        assert_eq!(!read.warnings.is_empty(), is_warned, "{text:?}: {:?}", read.warnings);
        let script = format!("set -e\n{text}\nprintf '%s.' \"$A\"");
        let said = Command::new("sh")
            .env_clear()
            .env("HOME", "/h")
            .args(["-c", &script])
            .output()
            .expect("sh");
        let same =
            said.status.success() && said.stdout == format!("{}.", read.values["A"]).as_bytes();
        assert_eq!(same, !is_warned, "{text:?}: {said:?}");
    };
    for text in [
        "A=b",
        "export A=b",
        "A=",
        "A='b c $x'",
        "A=\"b c\"",
        "A=http://h:1/p?q=*{}[]#!%^,@+-",
        "A='one\ntwo'",
        "A=b # comment",
    ] {
        check(text, false);
    }
    for text in [
        "A=b c",
        "A=$x",
        "A=a\\b",
        "A=\"$x\"",
        "A=\"a\\nb\"",
        "A='it\\'s'\n#'",
        "A=b;c",
        "A=~",
        "A = b",
        "A= b",
        "A=`b`",
        "A=a'b'",
        "A=a&b",
        "A=(b)",
        "'A'=b",
    ] {
        check(text, true);
    }
}
