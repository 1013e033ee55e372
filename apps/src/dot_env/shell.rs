//! Whether a POSIX shell that reads `.env` by `. ./.env` comes to the same values.

/// Whether it does, for one binding as it stands in the file.
pub(super) fn reads_the_same(binding: &str) -> bool {
    let Some((name, value)) = binding.split_once('=') else { return false };
    let name = name.strip_prefix("export").map_or(name, str::trim_start);
    // No blank is allowed beside the `=`, and no quotes around the name.
    if !super::is_a_name(name) {
        return false;
    }
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(inner) = inner('\'') {
        // A shell knows no escape here.
        !inner.contains('\\')
    } else if let Some(inner) = inner('"') {
        !inner.contains(['\\', '$', '`'])
    } else {
        !value.contains(|letter: char| {
            letter.is_whitespace() || letter.is_control() || "$`\\'\"~;&|<>()".contains(letter)
        })
    }
}
