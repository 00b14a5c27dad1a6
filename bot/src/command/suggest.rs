//! Suggestions for mistyped words.

/// Longer words are not typos, and the comparison takes quadratic time.
const LONGEST: usize = 40;

/// Returns the candidate that was most likely meant: one that starts with the word, else the one with the smallest edit
/// distance, at most one edit per three characters.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    let scored = candidates.into_iter().filter(|c| c.len() <= 4 * LONGEST).filter_map(|candidate| {
        let begun = length >= 3 && candidate.starts_with(&word);
        let mistakes = if begun { 0 } else { strsim::osa_distance(&word, candidate) };
        (mistakes <= (length / 3).max(1)).then_some((mistakes, candidate))
    });
    // A one-letter word is one edit away from every other one-letter word, so such a match is useless.
    let scored = scored.filter(|(mistakes, candidate)| *mistakes < length.max(candidate.chars().count()));
    scored
        .min_by(|a, b| a.0.cmp(&b.0).then_with(|| similarity(&word, b.1).total_cmp(&similarity(&word, a.1))))
        .map(|s| s.1)
}

fn similarity(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_is_found() {
        let words = ["payments", "production", "staging", "status", "start", "lock", "locks"];
        let cases = [
            ("paymnts", Some("payments")),
            ("Prod", Some("production")),
            ("stagign", Some("staging")),
            ("statsu", Some("status")),
            ("lok", Some("lock")),
            ("zebra", None),
            ("", None),
            ("x", None),
        ];
        for (typed, meant) in cases {
            assert_eq!(nearest(typed, words), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(4000), words), None);
    }
}
