//! The deny list of deployment targets: HOCS-26. It takes precedence over every other setting and has no override.

use crate::failure::Failure;

/// Patterns of forbidden targets, where `*` matches any text. Matching ignores case and surrounding white space.
#[derive(Debug, Clone)]
pub(crate) struct DenyList(Vec<String>);

impl DenyList {
    pub(crate) fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|pattern| plain(pattern)).filter(|pattern| !pattern.is_empty()).collect())
    }

    /// Rejects a target that matches a pattern. `why` is the rule, with its id, for the error text.
    pub(crate) fn check(&self, target: &str, why: &str) -> Result<(), Failure> {
        let target = plain(target);
        match self.0.iter().find(|pattern| fits(pattern.as_bytes(), target.as_bytes())) {
            None => Ok(()),
            Some(pattern) => Err(Failure::rejected(format!("{why}: {target:?} is forbidden by {pattern:?}."))),
        }
    }
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase()
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            fits(rest, text) || text.split_first().is_some_and(|(_, shorter)| fits(pattern, shorter))
        }
        (Some((wanted, rest)), Some((given, shorter))) => wanted == given && fits(rest, shorter),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// HOCS-26: neither case nor white space gets a target past the deny list.
    #[test]
    fn a_target_is_forbidden_however_it_is_written() {
        let forbidden = DenyList::new(&["release".into(), "*-qa".into(), " QAX ".into(), String::new()]);
        for target in ["release", "Release", " release\t", "cs-qa", "WCS-QA", "-qa", "qax"] {
            let refused = forbidden.check(target, "HOCS-26").unwrap_err();
            assert!(refused.reason().starts_with("HOCS-26: "), "{target}");
        }
        for target in ["staging", "releases", "cs-qa2", "qa", "production", ""] {
            forbidden.check(target, "HOCS-26").unwrap();
        }
    }
}
