//! Sanitizing of text for GitLab. A line that begins with a slash is a *quick action* there, run as the bot: `/approve`
//! in user text must not approve anything (security case 53).

use crate::failure::Failure;

/// Escapes quick actions; the rendered text stays the same.
pub(super) fn harmless(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.replace("\r\n", "\n").replace('\r', "\n").split('\n') {
        let start = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at(start);
        lines.push(if rest.starts_with('/') { format!("{indent}\\{rest}") } else { line.to_owned() });
    }
    lines.join("\n")
}

/// Builds the hidden line that identifies a comment by its dedupe key.
pub(super) fn marker(key: &str) -> Result<String, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/');
    if key.is_empty() || !key.chars().all(plain) || key.contains("--") {
        return Err(Failure::rejected(format!(
            "the key {key:?} of a comment cannot be hidden in it: letters, digits and . _ - : / are wanted."
        )));
    }
    Ok(format!("<!-- hotfix:{key} -->"))
}

/// Joins labels with commas, as GitLab's API expects, after checking each.
pub(super) fn labels(labels: &[String]) -> Result<String, Failure> {
    labels.iter().try_for_each(|label| good_label(label))?;
    Ok(labels.join(","))
}

/// Rejects labels that GitLab would interpret: `a,b` as two labels, and `None` and `Any` as filters.
pub(super) fn good_label(label: &str) -> Result<(), Failure> {
    let special = ["none", "any"].contains(&label.to_ascii_lowercase().as_str());
    if label.trim().is_empty() || label.contains([',', '*', '?']) || special {
        return Err(Failure::rejected(format!("{label:?} cannot be a label's name on GitLab. Use another.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// Security case 53: user text reaches GitLab as text, never as an action of the bot.
    #[test]
    fn no_line_is_a_quick_action() {
        let given = "Fine.\n/approve\r\n  /merge\r/label ~x\na /close in a line is text\n";
        assert_eq!(harmless(given), "Fine.\n\\/approve\n  \\/merge\n\\/label ~x\na /close in a line is text\n");
    }

    #[test]
    fn a_key_cannot_break_out_of_its_marker() {
        assert_eq!(marker("HF-1:opened").unwrap(), "<!-- hotfix:HF-1:opened -->");
        for key in ["", "a-->b", "a--b", "a b", "a\nb"] {
            assert!(marker(key).is_err(), "{key:?}");
        }
        assert!(labels(&["a,b".into()]).is_err());
        assert!(good_label("None").is_err());
    }
}
