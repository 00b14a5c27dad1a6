//! The grammar for references to changes: pull requests, commits, branches, tags and addresses. It checks the form
//! only; the forge checks the existence. The verbs validate their arguments with it, and the engine parses the stored
//! text again to query the forge.

use std::fmt;

use hotfix_adapters::ids::BranchName;

use super::guard::shown;

/// The shortest commit id prefix that is accepted. Shorter ones could be a pull request number, or match by chance.
const DIGITS: usize = 7;

/// A reference to a change, as users write it. [`Display`](fmt::Display) writes it back in the same grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A pull request: `#12`, `!12`, or its address.
    Pull {
        /// Number of the pull request on the forge.
        number: u64,
        /// Address of the pull request; `None` if only the number was given.
        at: Option<Address>,
    },
    /// A bare number with fewer than 7 digits: a pull request, or a tag or branch of that name.
    Number(String),
    /// A commit by its full or abbreviated id, or by its address. An id that has decimal digits only may also be a
    /// pull request.
    Commit {
        /// Full or abbreviated commit id, in lower case.
        id: String,
        /// Address of the commit; `None` if only the id was given.
        at: Option<Address>,
    },
    /// A branch or a tag.
    Name(String),
}

/// The parsed address of a pull request or a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The full URL, as the user typed it.
    pub url: String,
    /// Host name, with the port if the URL has one.
    pub host: String,
    /// Path of the repository, as the URL spells it.
    pub repo: String,
}

impl Reference {
    /// Parses a reference. Surrounding backticks, which chats add, are dropped.
    ///
    /// # Errors
    /// Returns a message if the text cannot be a reference.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_matches('`');
        if text.starts_with("http://") || text.starts_with("https://") {
            return address(text);
        }
        let number = text.strip_prefix(['#', '!']);
        if is_number(number.unwrap_or(text)) && (number.is_some() || text.len() < DIGITS) {
            return Ok(match number.map(str::parse) {
                Some(Ok(number)) => Self::Pull { number, at: None },
                Some(Err(_)) | None => Self::Number(text.to_owned()),
            });
        }
        if is_id(text) {
            return Ok(Self::Commit { id: text.to_ascii_lowercase(), at: None });
        }
        // Tags are held to the rules of branches.
        if BranchName::parse(text).is_ok() {
            return Ok(Self::Name(text.to_owned()));
        }
        Err(format!("{} is no pull request, commit, branch or tag", shown(text)))
    }

    /// Parses a reference that must be a pull request or a commit.
    ///
    /// # Errors
    /// Returns a message if the text is neither.
    pub fn parse_fix(text: &str) -> Result<Self, String> {
        let hint = "a fix is a pull request (#101 or its address) or a commit (7 digits of its id or more, or its \
                    address); a title goes in quotes";
        match Self::parse(text) {
            Ok(Self::Name(name)) => Err(format!("{} is no fix: {hint}", shown(&name))),
            Ok(fix) => Ok(fix),
            Err(why) if text.contains("://") => Err(why),
            Err(_) => Err(format!("{} is no fix: {hint}", shown(text))),
        }
    }

    /// Returns the number of the pull request that this is or may be.
    #[must_use]
    pub fn pull(&self) -> Option<u64> {
        match self {
            Self::Pull { number, .. } => Some(*number),
            Self::Number(text) => text.parse().ok(),
            Self::Commit { id, at: None } => id.parse().ok().filter(|_| is_number(id)),
            Self::Commit { at: Some(_), .. } | Self::Name(_) => None,
        }
    }

    /// Returns the name by which the repository may know the commit: an id, a branch or a tag. `None` for a
    /// pull request.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Pull { .. } => None,
            Self::Number(words) | Self::Commit { id: words, .. } | Self::Name(words) => Some(words),
        }
    }

    /// Returns the address, if one was given.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Pull { at, .. } | Self::Commit { at, .. } => at.as_ref(),
            Self::Number(_) | Self::Name(_) => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pull { at: Some(at), .. } | Self::Commit { at: Some(at), .. } => f.write_str(&at.url),
            Self::Pull { number, at: None } => write!(f, "#{number}"),
            Self::Number(words) | Self::Commit { id: words, at: None } | Self::Name(words) => f.write_str(words),
        }
    }
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_id(text: &str) -> bool {
    (DIGITS..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Parses the address of a pull request or a commit on GitHub or GitLab: `…/pull/12/files`, `…/-/merge_requests/12`,
/// `…/commit/abc1234`, `…/pull/12/commits/abc1234`.
fn address(text: &str) -> Result<Reference, String> {
    check_url(text)?;
    let no = || format!("{} is the address of neither a pull request nor a commit", shown(text));
    let plain = text.split(['?', '#']).next().unwrap_or(text);
    let (_, rest) = plain.split_once("://").ok_or_else(no)?;
    let (host, path) = rest.split_once('/').ok_or_else(no)?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // A repository may have one of these words as its name, so the last match that has a valid value counts.
    let of = |words: &[&str], fits: fn(&str) -> bool| {
        let place = parts.windows(2).rposition(|pair| {
            pair.first().is_some_and(|w| words.contains(w)) && pair.get(1).is_some_and(|v| fits(v))
        })?;
        Some((place, (*parts.get(place + 1)?).to_owned()))
    };
    let pull = of(&["pull", "pulls", "merge_requests"], is_number);
    let commit = of(&["commit", "commits"], is_id);
    let place = pull.iter().chain(&commit).map(|(place, _)| *place).min().ok_or_else(no)?;
    let repo = parts.get(..place).unwrap_or_default();
    let repo = repo.strip_suffix(&["-"]).unwrap_or(repo).join("/");
    let at = Some(Address { url: text.to_owned(), host: host.to_owned(), repo });
    Ok(match (commit, pull) {
        (Some((_, id)), _) => Reference::Commit { id: id.to_ascii_lowercase(), at },
        (None, Some((_, number))) => Reference::Pull { number: number.parse().map_err(|_| no())?, at },
        (None, None) => return Err(no()),
    })
}

/// Checks that the text is an HTTP or HTTPS address without credentials in it.
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

/// Checks the form of a name that the configuration does not list, such as a new branch or a target.
pub(super) fn check_name(text: &str) -> Result<(), String> {
    let why = |_| format!("{} is no name; letters, digits and . _ / - are allowed", shown(text));
    BranchName::parse(text).map(|_| ()).map_err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_grammar_for_all_references() {
        let pull = |number| (Some(number), None::<&str>);
        let cases = [
            ("#101", pull(101)),
            ("!12", pull(12)),
            ("`#12`", pull(12)),
            ("#1234567", pull(1_234_567)),
            ("https://github.com/t/p/pull/101", pull(101)),
            ("https://github.com/t/p/pull/101/files#diff-1", pull(101)),
            ("https://ghe.example:8443/t/p/pull/101?w=1", pull(101)),
            ("https://gitlab.com/g/s/p/-/merge_requests/7/diffs", pull(7)),
            ("http://gitlab.example/g/p/merge_requests/7", pull(7)),
            ("https://github.com/commit/pull/pull/4", pull(4)),
            // Too short for an id: a pull request, or a tag of that name.
            ("2312", (Some(2312), Some("2312"))),
            // Long enough for both, so the forge is asked for both.
            ("1234567", (Some(1_234_567), Some("1234567"))),
            ("ABC1234", (None, Some("abc1234"))),
            ("`abc1234`", (None, Some("abc1234"))),
            ("0123456789abcdef0123456789abcdef01234567", (None, Some("0123456789abcdef0123456789abcdef01234567"))),
            ("https://github.com/t/p/commit/abc1234", (None, Some("abc1234"))),
            ("https://github.com/t/p/pull/12/commits/abc1234", (None, Some("abc1234"))),
            ("https://gitlab.com/g/p/-/commit/1234567?view=parallel", (None, Some("1234567"))),
            ("release/1.4", (None, Some("release/1.4"))),
            ("abc12", (None, Some("abc12"))),
        ];
        for (text, wanted) in cases {
            let read = Reference::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((read.pull(), read.words()), wanted, "{text}");
            assert_eq!(Reference::parse(&read.to_string()), Ok(read), "{text}");
        }
        for no in ["", "#", "#12x", "-x", "a..b", "refs/heads/main", "HEAD", "a b", "x;rm", "https://", "ftp://x/1"] {
            assert!(Reference::parse(no).is_err(), "{no}");
        }
        for no in ["https://github.com/t/p", "https://github.com/t/p/issues/7", "https://u@github.com/t/p/pull/1"] {
            assert!(Reference::parse(no).is_err(), "{no}");
        }
    }

    #[test]
    fn an_address_says_whose_it_is() {
        for (text, repo) in [
            ("https://github.com/t/p/pull/101", "t/p"),
            ("https://github.com/t/p/pull/12/commits/abc1234", "t/p"),
            ("https://gitlab.com/g/s/p/-/merge_requests/7", "g/s/p"),
            ("https://gitlab.com/g/p/-/commit/abc1234", "g/p"),
        ] {
            let read = Reference::parse(text).unwrap();
            assert_eq!(read.address().map(|at| at.repo.as_str()), Some(repo), "{text}");
        }
    }

    #[test]
    fn a_fix_is_a_pull_request_or_a_commit() {
        for fine in ["101", "#101", "!12", "abc1234", "`abc1234`", "https://github.com/t/p/pull/101"] {
            assert!(Reference::parse_fix(fine).is_ok(), "{fine}");
        }
        for no in ["main", "abc12", "v1.4.2", "--upload-pack", "https://github.com/t/p"] {
            assert!(Reference::parse_fix(no).is_err(), "{no}");
        }
        assert!(check_url("https://user:secret@x.io/").is_err());
        assert!(check_url("https://x.io/a|b").is_err());
    }
}
