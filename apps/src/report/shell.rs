//! Commands as an operator pastes them into a shell.

use domain::Fid;

/// One word, with quotes where a shell needs them.
pub fn quoted(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "@%+=:,./-_".contains(char);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Text from outside, in one line that a terminal shows as it is: control characters are escaped.
pub fn printable(text: &str) -> String {
    let is_plain = |char: &char| !char.is_control();
    let escaped = |char: char| {
        if is_plain(&char) { char.to_string() } else { char.escape_default().to_string() }
    };
    text.chars().map(escaped).collect()
}

/// Text in lines, each of them [`printable`].
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

/// Fids as `--fids` takes them: separated by commas.
pub fn fids(fids: &[Fid]) -> String {
    let texts: Vec<_> = fids.iter().map(ToString::to_string).collect();
    texts.join(",")
}
