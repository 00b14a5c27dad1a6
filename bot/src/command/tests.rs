//! Tests of [`parse`]: the request of a text, or its refusal.

mod properties;
mod references;
mod refusals;
mod table;

use super::*;
use crate::domain::id::HotfixId;

fn known() -> Lexicon {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    Lexicon {
        services: words("payments uploads search"),
        environments: words("staging production"),
        steps: words("withheld review verify-local postmortem"),
    }
}

/// Returns the request as a command, which is shorter than its debug form, or the code of the error.
fn said(text: &str) -> String {
    match parse(text, &known()) {
        Ok(request) => request.to_string(),
        Err(error) => format!("{} at {:?}", error.code.as_str(), text.get(error.span.clone()).unwrap()),
    }
}

fn all_mean(cases: &[(&str, &str)]) {
    for (typed, meant) in cases {
        assert_eq!(&said(typed), meant, "{typed}");
    }
}

#[test]
fn a_start_with_everything() {
    let typed = "start payments \"Fix 500 on upload\" --incident https://s.example/7 --ticket=PAY-12 --fix #101 abc1234,\
                 #102 --from deployed@production --fix https://f.example/pull/9 --exceptional";
    let expected = Request::Start {
        service: "payments".parse().unwrap(),
        title: Some("Fix 500 on upload".to_owned()),
        incident: Some("https://s.example/7".to_owned()),
        ticket: Some("PAY-12".to_owned()),
        fixes: ["#101", "abc1234", "#102", "https://f.example/pull/9"].map(str::to_owned).to_vec(),
        from: Some("deployed@production".to_owned()),
        exceptional: true,
        branch: None,
        only: Vec::new(),
    };
    assert_eq!(parse(typed, &known()), Ok(expected));
}

#[test]
fn titles_may_stand_anywhere_and_need_no_quotes() {
    all_mean(&[
        ("start payments", "start payments"),
        ("Start Payments Fix 500 on upload", "start payments \"Fix 500 on upload\""),
        ("start payments --fix 101 \"Fix it\"", "start payments \"Fix it\" --fix 101"),
        ("start payments “Fix it” —fix 101", "start payments \"Fix it\" --fix 101"),
        ("start payments ‘Fix it’ –fix=101,102", "start payments \"Fix it\" --fix 101 --fix 102"),
        ("start payments don't — really — crash", "start payments \"don't — really — crash\""),
        ("start payments 'the user's upload'", "start payments \"the user's upload\""),
        ("start payments \"say \\\"hi\\\"\"", "start payments \"say \\\"hi\\\"\""),
        ("start payments follow-up of HF-3", "start payments \"follow-up of HF-3\""),
    ]);
}

#[test]
fn the_run_stands_anywhere_or_nowhere() {
    all_mean(&[
        ("status", "status"),
        ("status hf-12", "status HF-12"),
        ("pick #1 HF-2 #3", "pick #1 #3 HF-2"),
        ("HF-2 status", "unknown_verb at \"HF-2\""),
        ("deploy HF-2 production", "deploy production HF-2"),
        ("rollback production to v1.4 it is slow HF-2", "rollback production to v1.4 \"it is slow\" HF-2"),
        (
            "rollback HF-2 production --to v1.4 we have to go back",
            "rollback production to v1.4 \"we have to go back\" HF-2",
        ),
        ("reject HF-2 too big", "reject \"too big\" HF-2"),
        ("reject too big HF-2", "reject \"too big\" HF-2"),
        ("reject clashes with HF-3 badly", "reject \"clashes with HF-3 badly\""),
        ("reject HF-2 clashes with HF-3", "reject \"clashes with HF-3\" HF-2"),
        ("reject \"clashes with HF-3\"", "reject \"clashes with HF-3\""),
        ("reject \"clashes with HF-3\" HF-2", "reject \"clashes with HF-3\" HF-2"),
        ("skip HF-2 review no time", "skip review \"no time\" HF-2"),
        ("skip review HF-2 no time", "skip review \"no time\" HF-2"),
        ("mergeback HF-2", "mergeback status HF-2"),
        ("mergeback waive HF-2 not needed", "mergeback waive \"not needed\" HF-2"),
        ("verify staging pass HF-2", "verify staging pass HF-2"),
        ("status HF-1 HF-2", "repeated at \"HF-2\""),
        ("note HF-2", "missing_argument at \"\""),
    ]);
}

#[test]
fn other_bots_words_and_help() {
    all_mean(&[
        ("", "help"),
        ("  \n ", "help"),
        ("--help", "help"),
        ("start --help", "help start"),
        ("help LGTM", "help approve"),
        ("/lgtm HF-1", "approve HF-1"),
        ("r+", "approve"),
        ("r- no tests", "reject \"no tests\""),
        (".wcid payments", "where payments"),
        ("cherry-pick #3", "pick #3"),
        ("noop", "plan"),
        (".lock payments/production db", "lock payments/production \"db\""),
    ]);
}

#[test]
fn prose_is_kept_as_it_was_typed() {
    all_mean(&[
        ("reject it's \"bad\" & 'tis", "reject \"it's \\\"bad\\\" & 'tis\""),
        ("reject  a\n\n b\tc", "reject \"a b c\""),
        (
            "note <@U1|ben> saw <https://x.io/a?b&amp;c|a lie> &lt;@U2|ceo&gt;",
            "note \"@ben saw https://x.io/a?b&c &lt;@U2|ceo>\"",
        ),
        ("lock payments/production because --ttl 2h of it", "lock payments/production --ttl 120m \"because of it\""),
        ("lock payments/production —ttl=90m x", "lock payments/production --ttl 90m \"x\""),
        ("lock payments/production a —b c", "lock payments/production \"a —b c\""),
        (
            "override review asleep --incident <https://s.io/7>",
            "override review \"asleep\" --incident \"https://s.io/7\"",
        ),
        ("freeze all network is down", "freeze all \"network is down\""),
        ("freeze payments audit", "freeze payments \"audit\""),
    ]);
}

#[test]
fn completion_follows_the_command() {
    let cases: [(&str, &[&str]); 13] = [
        ("sta", &["status", "start"]),
        ("unf", &["unfreeze"]),
        ("start pa", &["payments"]),
        ("start payments --f", &["--fix", "--from"]),
        ("start payments --from deployed@p", &["deployed@production"]),
        ("start payments --from=deployed@p", &["--from=deployed@production"]),
        ("deploy ", &["staging", "production"]),
        ("deploy HF-1 p", &["production"]),
        ("verify l", &["local"]),
        ("verify staging ", &["pass", "fail"]),
        ("lock pay", &["payments/"]),
        ("lock payments/p", &["payments/production"]),
        ("bogus ", &[]),
    ];
    for (typed, offered) in cases {
        let got = complete(typed, &known());
        let mut got: Vec<&str> = got.iter().map(String::as_str).collect();
        let mut offered = offered.to_vec();
        got.sort_unstable();
        offered.sort_unstable();
        assert_eq!(got, offered, "{typed}");
    }
    assert!(complete("lock payments/production ", &known()).contains(&"--ttl".to_owned()));
    assert!(!complete("list --mine ", &known()).contains(&"--mine".to_owned()));
}

#[test]
fn requests_survive_the_journal() {
    for text in ["mergeback waive \"x\" HF-1", "verify local pass", "locks", "drift roll HF-9", "freeze all x"] {
        let request = parse(text, &known()).unwrap();
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request, "{json}");
    }
    assert_eq!(
        serde_json::to_string(&Request::Approve { run: Some(HotfixId(1)) }).unwrap(),
        "{\"command\":\"approve\",\"run\":\"HF-1\"}"
    );
}
