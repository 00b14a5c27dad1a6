//! The lexer: splits text into words, quoted strings and flags, each with its span in the original text. It never
//! fails; the binder reports tokens that do not fit.

use super::error::Span;
use super::unescape;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Characters without a space.
    Word,
    /// A quoted string with its closing quote.
    Quoted,
    /// A word that starts with a quote that is never closed: valid in prose (`'tis`), an error elsewhere.
    Unclosed,
    /// `--flag`; the text of the token is the name in lower case.
    Flag,
    /// A flag typed with the one long dash that phones substitute for `--`. In prose it may be just a dash.
    PhoneFlag,
}

/// A token with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The form in which it was written.
    pub(super) kind: TokenKind,
    /// The text with quotes and escapes resolved.
    pub(super) text: String,
    /// Byte range in the original text.
    pub(super) span: Span,
    /// `true` if it is the value after `--flag=`.
    pub(super) glued: bool,
}

impl Token {
    /// Returns `true` for a flag in either form.
    pub(super) fn is_flag(&self) -> bool {
        match self.kind {
            TokenKind::Flag | TokenKind::PhoneFlag => true,
            TokenKind::Word | TokenKind::Quoted | TokenKind::Unclosed => false,
        }
    }
}

/// Splits the text into tokens.
pub(super) fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = char_at(text, at) {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let Some((kind, name_start, end)) = flag_at(text, at) else {
            let token = value_at(text, at, false);
            at = token.span.end;
            tokens.push(token);
            continue;
        };
        let name = text.get(name_start..end).unwrap_or_default().to_lowercase();
        tokens.push(Token { kind, text: name, span: at..end, glued: false });
        at = end;
        if char_at(text, at) == Some('=') {
            let value = value_at(text, at + 1, true);
            at = value.span.end;
            tokens.push(value);
        }
    }
    tokens
}

/// Returns the character that starts at this byte.
fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Returns the flag at this position: its kind, and the start and end of its name.
fn flag_at(text: &str, at: usize) -> Option<(TokenKind, usize, usize)> {
    let rest = text.get(at..)?;
    let name = rest.trim_start_matches(['-', '—', '–']);
    let dashes = rest.get(..rest.len() - name.len())?;
    let kind = match dashes {
        "" | "-" => return None,
        "--" => TokenKind::Flag,
        _ => TokenKind::PhoneFlag,
    };
    if !name.starts_with(char::is_alphabetic) {
        return None;
    }
    let length = name.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(name.len());
    let start = at + dashes.len();
    Some((kind, start, start + length))
}

/// Returns the word or quoted string that starts here; it is empty if a space or the end follows.
fn value_at(text: &str, at: usize, glued: bool) -> Token {
    let closers = char_at(text, at).map_or(&[] as &[char], closers);
    if let Some((inner_end, end)) = closing_quote(text, at, closers) {
        let inner_start = at + char_at(text, at).map_or(0, char::len_utf8);
        let inner = text.get(inner_start..inner_end).unwrap_or_default();
        let token_text = squeeze(&unescape::decode(inner, true));
        return Token { kind: TokenKind::Quoted, text: token_text, span: at..end, glued };
    }
    let kind = if closers.is_empty() { TokenKind::Word } else { TokenKind::Unclosed };
    let end = word_end(text, at);
    let token_text = squeeze(&unescape::decode(text.get(at..end).unwrap_or_default(), false));
    Token { kind, text: token_text, span: at..end, glued }
}

/// Returns the characters that close a string that this character opens; empty if it opens none. Keyboards mix straight
/// and curly quotes, so a straight quote also closes a curly one.
fn closers(open: char) -> &'static [char] {
    match open {
        '"' => &['"'],
        '\'' => &['\''],
        '“' | '„' => &['”', '“', '"'],
        '‘' | '‚' => &['’', '‘', '\''],
        _ => &[],
    }
}

/// Returns the end of the string's content and the end of the string. A closing quote must be followed by white space
/// or the end, so that the apostrophe of `'the user's upload'` does not close it.
fn closing_quote(text: &str, open_at: usize, closers: &[char]) -> Option<(usize, usize)> {
    if closers.is_empty() {
        return None;
    }
    let mut at = open_at + char_at(text, open_at)?.len_utf8();
    while let Some(c) = char_at(text, at) {
        let next = at + c.len_utf8();
        if c == '\\' && char_at(text, next).is_some_and(is_escapable) {
            at = next + char_at(text, next).map_or(0, char::len_utf8);
        } else if closers.contains(&c) && char_at(text, next).is_none_or(char::is_whitespace) {
            return Some((at, next));
        } else {
            at += unescape::entity(text.get(at..)?).map_or(c.len_utf8(), |(length, _)| length);
        }
    }
    None
}

/// Returns `true` if a backslash in a quoted string makes this character literal.
pub(super) fn is_escapable(c: char) -> bool {
    matches!(c, '\\' | '"' | '\'' | '“' | '”' | '„' | '‘' | '’' | '‚')
}

/// Returns the end of the word. A link with a label is one word, even if the label has spaces.
fn word_end(text: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(c) = char_at(text, at) {
        if c.is_whitespace() {
            break;
        }
        let entity = text.get(at..).and_then(unescape::entity);
        at += entity.map_or(c.len_utf8(), |(length, _)| length);
    }
    at
}

/// Collapses white space to single spaces and trims it: a line break in a reason must not forge a line in other output.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
