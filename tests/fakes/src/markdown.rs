//! What a forge makes of what is written on it: whom it calls, what it refers to, what it closes and what it loads. As GitHub
//! does, it looks for names and numbers in what is left once the Markdown is rendered, outside of code: a backslash before
//! them does not help. What `#1` is in a title or a commit message needs no rendering.

use pulldown_cmark::{Event, Options, Parser, Tag};
use regex::Regex;

/// Everything that means something, in a text that is Markdown.
///
/// # Panics
/// Never.
#[must_use]
pub fn meaning_of_markdown(text: &str) -> Vec<String> {
    let (mut found, mut plain) = (Vec::new(), String::new());
    for event in Parser::new_ext(text, Options::ENABLE_GFM | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(words) => plain.push_str(&words),
            Event::Start(Tag::Link { dest_url, .. }) => found.push(format!("links to {dest_url}")),
            Event::Start(Tag::Image { dest_url, .. }) => found.push(format!("loads {dest_url}")),
            // A comment is how the bot finds what it wrote; anything else is HTML that somebody wrote.
            Event::Html(html) | Event::InlineHtml(html) if !html.starts_with("<!-- hotfix:") => {
                found.push(format!("holds {html}"));
            }
            Event::Start(_)
            | Event::End(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => plain.push('\n'),
        }
    }
    found.extend(meaning_of_plain(&plain));
    found
}

/// The same in a text that is not rendered.
///
/// # Panics
/// Never.
#[must_use]
pub fn meaning_of_plain(text: &str) -> Vec<String> {
    let patterns = [
        ("calls", r"(?:^|[^\w/@.-])@[A-Za-z0-9][\w/-]*"),
        ("refers to", r"(?:^|[^\w/&])#\d+"),
        ("refers to", r"[\w.-]+/[\w.-]+#\d+"),
        ("refers to", r"(?i)\bgh-\d+"),
        ("closes", r"(?i)\b(?:clos(?:e|es|ed|ing)|fix(?:es|ed|ing)?|resolv(?:e|es|ed|ing)):?\s+https?://\S+"),
    ];
    let found = patterns.into_iter().flat_map(|(what, pattern)| {
        let pattern = Regex::new(pattern).expect("a pattern");
        let all: Vec<String> = pattern.find_iter(text).map(|it| format!("{what} {}", it.as_str().trim())).collect();
        all
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_github_reads_is_found() {
        let hostile = "@org/team Closes #1, \\#2 GH-3 org/repo#4 ![x](http://evil) [a](http://evil) <img src=x> \
                       fixes https://forge.example/o/r/issues/5";
        assert_eq!(
            meaning_of_markdown(hostile),
            [
                "loads http://evil",
                "links to http://evil",
                "holds <img src=x>",
                "calls @org/team",
                "refers to #1",
                "refers to #2",
                "refers to org/repo#4",
                "refers to GH-3",
                "closes fixes https://forge.example/o/r/issues/5"
            ]
        );
        assert_eq!(meaning_of_markdown("`@org/team` a@b.example `#1`\n\n<!-- hotfix:HF-1 -->"), Vec::<String>::new());
    }
}
