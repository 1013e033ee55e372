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

/// Fids as `--fids` takes them: separated by commas.
pub fn fids(fids: &[Fid]) -> String {
    let texts: Vec<_> = fids.iter().map(ToString::to_string).collect();
    texts.join(",")
}
