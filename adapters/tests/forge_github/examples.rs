//! All of GitHub's own webhook examples.

use hotfix_fakes::clients::installed;
use serde_json::Value;

use super::webhook::{SECRET, deliver, sign, webhook};

const HEARD: [&str; 8] = [
    "pull_request",
    "pull_request_review",
    "push",
    "check_run",
    "check_suite",
    "status",
    "workflow_run",
    "deployment_status",
];

/// Relevant events yield the repository and the kind of event; every other example is accepted without a hint.
#[test]
fn every_example_of_github_is_taken() {
    let place = installed("node_modules/@octokit/webhooks-examples/api.github.com/index.json");
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(place).unwrap()).unwrap();
    let webhook = webhook(&[SECRET]);
    let (mut heard, mut others) = (0, 0);
    for kind in &all {
        let event = kind["name"].as_str().unwrap();
        for example in kind["examples"].as_array().unwrap() {
            // Other content would count as an irrelevant event.
            assert!(example.is_object(), "{event}");
            let body = example.to_string();
            let delivery = deliver(&webhook, &sign(SECRET, body.as_bytes()), event, &body);
            let hint = delivery.unwrap_or_else(|refused| panic!("{event}: {refused}\n{body}")).hint;
            if !HEARD.contains(&event) {
                assert_eq!(hint, None, "{event}");
                others += 1;
                continue;
            }
            let hint = hint.unwrap_or_else(|| panic!("{event} gives no hint\n{body}"));
            assert_eq!(Some(hint.repo.as_str()), example["repository"]["full_name"].as_str(), "{event}");
            let what =
                example["action"].as_str().map_or_else(|| event.to_owned(), |action| format!("{event} {action}"));
            assert_eq!(hint.what, what);
            heard += 1;
        }
    }
    let missing: Vec<_> = HEARD.iter().filter(|event| !all.iter().any(|kind| kind["name"] == **event)).collect();
    assert!(missing.is_empty() && heard > HEARD.len() && others > 200, "{missing:?} {heard} {others}");
}
