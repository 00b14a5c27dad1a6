//! Property tests: any text gives a request or an error, and a formatted request parses back to itself.

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::*;

/// Generates text from the parser's special tokens, which random text would rarely contain.
fn commands() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("start ".to_owned()),
        Just("lock ".to_owned()),
        Just("rollback ".to_owned()),
        Just("reject ".to_owned()),
        Just("override ".to_owned()),
        Just("verify ".to_owned()),
        Just("pick ".to_owned()),
        Just("list ".to_owned()),
        Just("payments".to_owned()),
        Just("payments/production ".to_owned()),
        Just("staging ".to_owned()),
        Just("HF-1 ".to_owned()),
        Just("HF-".to_owned()),
        Just("#101".to_owned()),
        Just("abc1234 ".to_owned()),
        Just("--fix".to_owned()),
        Just("—fix ".to_owned()),
        Just("--ttl=2h ".to_owned()),
        Just("--ticket ".to_owned()),
        Just("--".to_owned()),
        Just("=".to_owned()),
        Just(",".to_owned()),
        Just("to ".to_owned()),
        Just("pass ".to_owned()),
        Just("\"".to_owned()),
        Just("'".to_owned()),
        Just("“".to_owned()),
        Just("” ".to_owned()),
        Just("\\".to_owned()),
        Just("<@U1|".to_owned()),
        Just("<https://x.io|".to_owned()),
        Just(">".to_owned()),
        Just("&amp;".to_owned()),
        Just(" ".to_owned()),
        Just("\n".to_owned()),
        Just("修".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("👩‍🚒".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("İ".to_owned()),
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Generates free text as `parse` returns it: without forbidden characters, with single spaces.
fn prose() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{1,12}",
        "\\PC{1,6}",
        Just("HF-3".to_owned()),
        Just("\"".to_owned()),
        Just("\\\"".to_owned()),
        Just("<@U1|ben>".to_owned()),
        Just("&lt;".to_owned()),
        Just("—ttl ".to_owned()),
        Just(" --x ".to_owned()),
    ];
    prop::collection::vec(piece, 1..6)
        .prop_map(|pieces| lex::squeeze(&pieces.concat()))
        .prop_filter("empty or refused", |text| !text.is_empty() && guard::check(text).is_ok())
}

fn check_error(text: &str, error: &ParseError) -> Result<(), TestCaseError> {
    prop_assert!(text.get(error.span.clone()).is_some() || error.code == ErrorCode::TooLong, "{:?}", error.span);
    prop_assert!(!error.message.is_empty() && !error.usage.is_empty() || error.verb.is_none());
    let rendered = error.render(text);
    prop_assert!(!rendered.chars().any(|c| c != '\n' && guard::is_forbidden(c)), "{rendered:?}");
    let lines: Vec<&str> = rendered.lines().collect();
    let (line, carets) = (lines[1], lines[2]);
    prop_assert!(carets.trim_start().chars().all(|c| c == '^') && carets.contains('^'), "{rendered}");
    // The caret may stand one past the end, where an argument is missing.
    prop_assert!(carets.width() <= line.width() + 1, "{rendered}");
    prop_assert!(line.width() <= 90, "{rendered}");
    Ok(())
}

proptest! {
    // `PROPTEST_CASES` sets the number of cases for a longer search.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), commands()]) {
        match parse(&text, &known()) {
            Ok(request) => {
                let again = parse(&request.to_string(), &known());
                prop_assert_eq!(again.as_ref(), Ok(&request), "{}", request);
            }
            Err(error) => check_error(&text, &error)?,
        }
        let _ = complete(&text, &known());
        let _ = help(Some(&text));
    }

    #[test]
    fn any_error_renders_over_any_text(text in commands(), other in any::<String>()) {
        if let Err(error) = parse(&text, &known()) {
            let _ = error.render(&other);
        }
    }

    #[test]
    fn prose_means_itself(text in prose(), minutes in 1u32..40_000, run in prop::option::of(1u64..999_999_999)) {
        let run = run.map(HotfixId);
        let service: crate::domain::id::ServiceName = "payments".parse().unwrap();
        let environment = hotfix_adapters::ids::Environment::parse("production").unwrap();
        let requests = [
            Request::Note { text: text.clone(), run },
            Request::Verify { place: "local".to_owned(), pass: false, note: Some(text.clone()), run },
            Request::Mergeback { action: MergebackAction::Waive { reason: text.clone() }, run },
            Request::Lock { service: service.clone(), environment, ttl_minutes: Some(minutes), reason: text.clone() },
            Request::Start {
                service, title: Some(text.clone()), incident: None, ticket: Some(text), fixes: vec!["#1".to_owned()],
                from: None, exceptional: true, branch: None, only: vec!["east".to_owned()],
            },
        ];
        for request in requests {
            let command = request.to_string();
            let again = parse(&command, &known());
            prop_assert_eq!(again.as_ref(), Ok(&request), "{}", command);
        }
    }
}
