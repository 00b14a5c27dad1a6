//! Search for secrets in text, in any encoding: plain, hexadecimal, percent-encoded, or inside base64.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// Secrets with a description each, in all encodings.
pub struct Canaries {
    shapes: Vec<(&'static str, String)>,
}

impl Canaries {
    /// Prepares the search for these secrets.
    #[must_use]
    pub fn new(secrets: &[(&'static str, String)]) -> Self {
        let shapes = secrets.iter().flat_map(|(name, secret)| shapes(secret).into_iter().map(|shape| (*name, shape)));
        Self { shapes: shapes.collect() }
    }

    /// Returns the secrets found in a text, one line each, with their context. `place` describes the text.
    #[must_use]
    pub fn in_text(&self, place: &str, text: &str) -> Vec<String> {
        let found = self.shapes.iter().filter_map(|(name, shape)| Some((name, shape, text.find(shape.as_str())?)));
        found
            .map(|(name, shape, at)| {
                let near = |from: usize, to: usize| text.get(from..to).unwrap_or_default().lines().next().unwrap_or("");
                let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
                let line = near(from, (from + 300).min(text.len()));
                format!(
                    "{name} stands in {place}, written {shape:?}, behind {:?} in {line}",
                    near(at.saturating_sub(80), at)
                )
            })
            .collect()
    }

    /// Returns the secrets found in all files below a folder.
    ///
    /// # Errors
    /// Fails if a file cannot be read.
    pub fn in_folder(&self, folder: &Path) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())?.flatten() {
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                found.extend(self.in_folder(&path)?);
            } else if kind.is_file() {
                let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
                found.extend(self.in_text(&path.display().to_string(), &text));
            }
        }
        Ok(found)
    }
}

fn shapes(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let upper = hex::encode_upper(bytes);
    let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let in_url: String = secret
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._~".contains(c) {
                c.to_string()
            } else {
                format!("%{:02X}", u32::from(c))
            }
        })
        .collect();
    let mut shapes = vec![secret.to_owned(), hex::encode(bytes), upper, percent.to_lowercase(), percent, in_url];
    for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
        let shifted = [vec![b':'; before], bytes.to_vec()].concat();
        // The last character may contain bits of the text after the secret.
        let whole = shifted.len() * 8 / 6;
        for code in [BASE64_STANDARD_NO_PAD.encode(&shifted), BASE64_URL_SAFE_NO_PAD.encode(&shifted)] {
            shapes.push(code[skipped..whole].to_owned());
        }
    }
    shapes.sort();
    shapes.dedup();
    shapes
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let secret = "xoxb/12?34+abcdefg";
        let canaries = Canaries::new(&[("the token", secret.to_owned())]);
        for before in ["", "a", "oauth2:", "bot", "user@"] {
            for behind in ["", "!", "\n\n", "more"] {
                let text = BASE64_STANDARD.encode(format!("{before}{secret}{behind}"));
                assert_eq!(canaries.in_text("a header", &text).len(), 1, "{before:?} {behind:?} {text}");
            }
        }
        for text in [format!("token={secret}"), hex::encode(secret), "?t=xoxb%2F12%3F34%2Babcdefg".to_owned()] {
            assert!(!canaries.in_text("a line", &text).is_empty(), "{text}");
        }
        assert_eq!(canaries.in_text("a line", "xoxb/12?34"), Vec::<String>::new());
    }
}
