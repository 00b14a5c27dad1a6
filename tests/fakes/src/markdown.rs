//! Mentions, references, closing keywords, links and images that a forge finds in a text. Like GitHub, it searches for
//! names and numbers in the rendered Markdown, outside of code, so a backslash before them does not help. Titles and
//! commit messages are not rendered.

use pulldown_cmark::{Event, Options, Parser, Tag};
use regex::Regex;

/// Returns everything with an effect in a Markdown text, each as a verb and the matched text.
///
/// # Panics
/// Never panics.
#[must_use]
pub fn meaning_of_markdown(text: &str) -> Vec<String> {
    let (mut found, mut plain) = (Vec::new(), String::new());
    for event in Parser::new_ext(text, Options::ENABLE_GFM | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(words) => plain.push_str(&words),
            Event::Start(Tag::Link { dest_url, .. }) => found.push(format!("links to {dest_url}")),
            Event::Start(Tag::Image { dest_url, .. }) => found.push(format!("loads {dest_url}")),
            // The bot finds its own texts by this HTML comment; any other HTML comes from a user.
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

/// Does the same for a text that is not rendered, such as a title or a commit message.
///
/// # Panics
/// Never panics.
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
