//! Checks of what names a change: pull requests, commits, branches and tags, addresses. They refuse what cannot be one;
//! whether it exists, the forge says.

use hotfix_adapters::vocabulary::BranchName;

use super::guard::shown;

/// A pull request (`#101`, `!12`, `101`, an address) or a commit of 7 to 64 digits.
pub(super) fn check_fix(text: &str) -> Result<(), String> {
    let number = text.strip_prefix(['#', '!']).unwrap_or(text);
    let is_number = (1..=9).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    if is_number || is_commit(text) || check_url(text).is_ok() {
        return Ok(());
    }
    let hint = "a fix is a pull request (#101 or its address) or a commit of at least 7 digits; a title goes in quotes";
    Err(format!("{} is no fix: {hint}", shown(text)))
}

/// A branch, a tag or a commit.
pub(super) fn check_reference(text: &str) -> Result<(), String> {
    // Tags are held to the rules of branches.
    if is_commit(text) || BranchName::parse(text).is_ok() {
        return Ok(());
    }
    Err(format!("{} is no branch, tag or commit; letters, digits and . _ / - are allowed", shown(text)))
}

fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// An address that can be opened, without a password in it.
pub(super) fn check_url(text: &str) -> Result<(), String> {
    let no = |why: &str| Err(format!("{} is no address: {why}", shown(text)));
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return no("addresses start with https://");
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return no("it holds a user name, which would be shown to everybody");
    }
    if !host.starts_with(|c: char| c.is_alphanumeric() || c == '[') {
        return no("it names no host");
    }
    if text.len() > 1_000 || text.chars().any(|c| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '|' | '\\'))
    {
        return no("it has a character that no address has, or is longer than 1,000");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_references_and_addresses() {
        for fine in ["#101", "101", "!12", "abc1234", "https://github.com/t/p/pull/101"] {
            assert_eq!(check_fix(fine), Ok(()), "{fine}");
        }
        for no in ["", "#", "main", "abc12", "#12x", "--upload-pack", "https://", "ftp://x/1"] {
            assert!(check_fix(no).is_err(), "{no}");
        }
        for fine in ["main", "release/1.4", "v1.4.2", "abc1234", "0123456789abcdef0123456789abcdef01234567"] {
            assert_eq!(check_reference(fine), Ok(()), "{fine}");
        }
        for no in ["", "-x", "a..b", "refs/heads/main", "HEAD", "a b", "x;rm"] {
            assert!(check_reference(no).is_err(), "{no}");
        }
        assert!(check_url("https://user:secret@x.io/").is_err());
        assert!(check_url("https://x.io/a|b").is_err());
    }
}
