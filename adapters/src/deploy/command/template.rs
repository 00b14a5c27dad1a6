//! Patterns with placeholders, such as `release-{commit}`. They are parsed when the options are read, so that a typo is
//! found at startup. A value stays inside its own argument and is never parsed: it cannot become a second argument, a
//! second placeholder or shell code.

use super::options::CommandOptionsError;

/// A placeholder that may be used in a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholder {
    /// `{commit}`: the full commit id.
    Commit,
    /// `{short}`: the first seven digits of the commit id.
    Short,
    /// `{environment}`: name of the environment.
    Environment,
    /// `{repository}`: name of the repository.
    Repository,
    /// `{key}`: the deployment key.
    Key,
    /// `{tag}`: the tag that the image was found by.
    Tag,
    /// `{digest}`: the digest of that image.
    Digest,
    /// `{image}`: the image pinned by that digest, `quay.io/team/payments@sha256:…`.
    Image,
    /// `{previous}`: the commit that ran before.
    Previous,
}

impl Placeholder {
    /// All placeholders.
    pub(crate) const ALL: [Self; 9] = [
        Self::Commit,
        Self::Short,
        Self::Environment,
        Self::Repository,
        Self::Key,
        Self::Tag,
        Self::Digest,
        Self::Image,
        Self::Previous,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Short => "short",
            Self::Environment => "environment",
            Self::Repository => "repository",
            Self::Key => "key",
            Self::Tag => "tag",
            Self::Digest => "digest",
            Self::Image => "image",
            Self::Previous => "previous",
        }
    }
}

/// The values of the placeholders. A value that the pattern does not use may be empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Values<'a> {
    pub(crate) commit: &'a str,
    pub(crate) short: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) repository: &'a str,
    pub(crate) key: &'a str,
    pub(crate) tag: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) image: &'a str,
    pub(crate) previous: &'a str,
}

impl Values<'_> {
    fn of(&self, placeholder: Placeholder) -> &str {
        match placeholder {
            Placeholder::Commit => self.commit,
            Placeholder::Short => self.short,
            Placeholder::Environment => self.environment,
            Placeholder::Repository => self.repository,
            Placeholder::Key => self.key,
            Placeholder::Tag => self.tag,
            Placeholder::Digest => self.digest,
            Placeholder::Image => self.image,
            Placeholder::Previous => self.previous,
        }
    }
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Value(Placeholder),
}

impl Pattern {
    /// Parses a pattern that may use only the `allowed` placeholders. `{{` and `}}` are literal braces.
    pub(crate) fn parse(text: &str, allowed: &[Placeholder]) -> Result<Self, CommandOptionsError> {
        let refuse = |why: String| CommandOptionsError::Pattern { pattern: text.to_owned(), why };
        if text.contains('\0') {
            return Err(refuse("has a NUL character, which no argument can hold".to_owned()));
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' | '}' if chars.next_if_eq(&c).is_some() => literal.push(c),
                '{' => {
                    let name: String = std::iter::from_fn(|| chars.next_if(|c| *c != '}')).collect();
                    if chars.next().is_none() {
                        return Err(refuse(format!("opens a brace before {name:?} and does not close it{ESCAPES}")));
                    }
                    let placeholder = allowed.iter().copied().find(|p| p.name() == name);
                    let placeholder = placeholder.ok_or_else(|| refuse(unknown(&name, allowed)))?;
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    pieces.push(Piece::Value(placeholder));
                }
                '}' => return Err(refuse(format!("closes a brace that is not open{ESCAPES}"))),
                other => literal.push(other),
            }
        }
        pieces.push(Piece::Literal(literal));
        Ok(Self(pieces))
    }

    /// Returns `true` if the pattern uses the placeholder.
    pub(crate) fn uses(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Value(placeholder))
    }

    /// Returns the text with the values filled in.
    pub(crate) fn fill(&self, values: &Values<'_>) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.as_str(),
                Piece::Value(placeholder) => values.of(*placeholder),
            })
            .collect()
    }
}

const ESCAPES: &str = "; a literal brace is written {{ or }}";

fn unknown(name: &str, allowed: &[Placeholder]) -> String {
    let known: Vec<String> = allowed.iter().map(|p| format!("{{{}}}", p.name())).collect();
    let elsewhere = Placeholder::ALL.iter().any(|p| p.name() == name);
    let verdict = if elsewhere { "means nothing here" } else { "is unknown" };
    format!("has the placeholder {{{name}}}, which {verdict}: {} can stand here{ESCAPES}", known.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_value_stays_in_its_argument_whatever_it_looks_like() {
        let pattern = Pattern::parse("--at={commit};x {key}", &Placeholder::ALL).unwrap();
        for hostile in ["; rm -rf /", "$(id)", "a b", "a\nb", "{key}", "'\"`", "--force", "%s*?"] {
            let filled = pattern.fill(&Values { commit: hostile, key: "K", ..Values::default() });
            assert_eq!(filled, format!("--at={hostile};x K"));
        }
    }

    #[test]
    fn braces_are_literal_when_doubled() {
        let pattern = Pattern::parse(r#"{{"sha":"{commit}"}}"#, &[Placeholder::Commit]).unwrap();
        assert_eq!(pattern.fill(&Values { commit: "abc", ..Values::default() }), r#"{"sha":"abc"}"#);
    }

    #[test]
    fn mistakes_are_named_with_the_way_out() {
        let told = |text: &str| Pattern::parse(text, &[Placeholder::Commit, Placeholder::Key]).unwrap_err().to_string();
        assert_eq!(
            told("v{comit}"),
            "\"v{comit}\" has the placeholder {comit}, which is unknown: {commit}, {key} can stand here; \
             a literal brace is written {{ or }}"
        );
        assert!(told("{short}").contains("{short}, which means nothing here"));
        assert!(told("a{commit").contains("does not close it"));
        assert!(told("a}b").contains("not open"));
        assert!(told("a\0b").contains("NUL"));
        assert!(told("{}").contains("the placeholder {}, which is unknown"));
    }
}
