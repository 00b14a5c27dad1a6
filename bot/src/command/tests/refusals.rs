//! Tests of refusals: message, caret and suggestion.

use super::{all_mean, known, parse};

fn refusal(text: &str) -> String {
    parse(text, &known()).expect_err(text).render(text)
}

#[test]
fn each_mistake_has_its_code_and_place() {
    all_mean(&[
        ("start", "missing_argument at \"\""),
        ("start paymnts", "unknown_service at \"paymnts\""),
        ("start payments --incdent x", "unknown_flag at \"--incdent\""),
        ("start payments --ticket", "missing_value at \"\""),
        ("start payments --ticket=", "missing_value at \"\""),
        ("start payments --ticket --exceptional", "missing_value at \"\""),
        ("start payments --exceptional=yes", "unwanted_value at \"yes\""),
        ("start payments --ticket A --ticket B", "repeated at \"B\""),
        ("start payments --fix main", "bad_value at \"main\""),
        ("start payments --fix #1,oops,#2", "bad_value at \"oops\""),
        ("start payments --incident ftp://x", "bad_value at \"ftp://x\""),
        ("start payments --from ../x", "bad_value at \"../x\""),
        ("start payments --from deployed@prod", "unknown_environment at \"prod\""),
        ("deploy", "missing_argument at \"\""),
        ("deploy prod", "unknown_environment at \"prod\""),
        ("deploy \"production", "unclosed_quote at \"\\\"production\""),
        ("deploy production now", "unexpected_word at \"now\""),
        ("rollback production to", "missing_value at \"\""),
        ("rollback production to -x it is slow", "bad_value at \"-x\""),
        ("lock payments/prod x", "unknown_environment at \"prod\""),
        ("lock paymnts/production x", "unknown_service at \"paymnts\""),
        ("lock payments x", "bad_value at \"payments\""),
        ("lock payments/production --ttl soon x", "bad_value at \"soon\""),
        ("verify staging maybe", "bad_value at \"maybe\""),
        ("drift merge", "bad_value at \"merge\""),
        ("skip reviw x", "unknown_step at \"reviw\""),
        ("override review reason", "missing_argument at \"\""),
        ("mergeback waive", "missing_argument at \"\""),
        ("mergeback status now", "unexpected_word at \"now\""),
        ("status HF12", "unexpected_word at \"HF12\""),
        ("help stat", "unknown_verb at \"stat\""),
        ("list -mine", "unknown_flag at \"-mine\""),
        ("--mine list", "unknown_verb at \"--mine\""),
        ("aprove", "unknown_verb at \"aprove\""),
    ]);
}

#[test]
fn the_caret_the_suggestion_and_the_usage() {
    assert_eq!(
        refusal("start paymnts \"Fix it\""),
        "There is no service `paymnts`.\n  start paymnts \"Fix it\"\n        ^^^^^^^\nDid you mean `payments`?\n\
         Usage: start <service> [\"title\"] [--incident URL] [--ticket KEY] [--fix PR|sha …] \
         [--from deployed@ENV|REF] [--branch NAME] [--only PRODUCTION …] [--exceptional]"
    );
    assert_eq!(
        refusal("deploy"),
        "`deploy` also needs the env: which environment; production is never implied.\n  deploy\n        ^\n\
         Usage: deploy <env> [HF-n]"
    );
    assert_eq!(
        refusal("lokc payments"),
        "There is no verb `lokc`.\n  lokc payments\n  ^^^^\nDid you mean `lock`?\nUsage: <verb> …; `help` lists the verbs"
    );
    assert_eq!(
        refusal("status HF12"),
        "`status` has no place for `HF12`.\n  status HF12\n         ^^^^\nDid you mean `HF-12`?\nUsage: status [HF-n]"
    );
}

#[test]
fn the_caret_counts_columns_and_long_lines_are_cut() {
    assert_eq!(
        refusal("start payments 修正 --incdent x").lines().take(3).collect::<Vec<_>>(),
        [
            "`start` has no flag `--incdent`. If it belongs to the text, put the text in quotes.",
            "  start payments 修正 --incdent x",
            "                      ^^^^^^^^^",
        ]
    );
    let long = format!("start payments {} --incdent x {}", "a ".repeat(400), "b ".repeat(400));
    let shown = refusal(&long);
    let line = shown.lines().nth(1).unwrap();
    assert!(line.starts_with("  …") && line.ends_with('…') && line.chars().count() <= 82, "{line}");
    let caret = shown.lines().nth(2).unwrap().find('^').unwrap();
    assert_eq!(line.chars().skip(caret).take(9).collect::<String>(), "--incdent");
}

#[test]
fn what_hides_is_refused_and_shown_escaped() {
    let shown = refusal("note fine \u{202e}lla ta ton");
    assert!(shown.starts_with("The character \\u{202e} is not allowed"), "{shown}");
    assert!(shown.contains("\n  note fine \\u{202e}lla ta ton\n            ^^^^^^^^"), "{shown}");
    for bad in
        ['\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{200b}', '\u{200f}', '\u{2066}', '\u{2028}', '\u{feff}', '\u{e0041}']
    {
        let text = format!("note a{bad}b");
        let error = parse(&text, &known()).unwrap_err();
        assert_eq!(error.code.as_str(), "forbidden_character", "{bad:?}");
        assert!(!error.render(&text).contains(bad), "{bad:?}");
    }
    // Joiners inside emoji are not forbidden.
    assert!(parse("note 👩‍🚒 on it", &known()).is_ok());
}

#[test]
fn a_megabyte_is_refused_at_once() {
    let text = "é".repeat(500_000);
    let error = parse(&text, &known()).unwrap_err();
    assert_eq!(error.code.as_str(), "too_long");
    assert!(error.message.contains("1000000 bytes"), "{}", error.message);
    assert!(error.render(&text).len() < 1_000);
    // The worst input of maximum length is still parsed quickly.
    for worst in ["\" ", "< ", "<@", "“", "—a ", "a,", "\\", "<@U|", "--"] {
        let text = format!("start payments {}", worst.repeat(3_900 / worst.len()));
        if let Err(error) = parse(&text, &known()) {
            assert!(error.render(&text).len() < 1_500);
        }
    }
}

#[test]
fn nothing_known_lets_well_formed_words_pass() {
    let nothing = super::Lexicon::default();
    assert!(parse("deploy canary HF-1", &nothing).is_ok());
    assert!(parse("start anything", &nothing).is_ok());
    assert_eq!(parse("start _x", &nothing).unwrap_err().code.as_str(), "bad_value");
}
