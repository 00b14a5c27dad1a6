//! Tests that the shipped configuration is valid and matches its files.

use hotfix_adapters::ids::Platform;

use super::*;
use crate::domain::people::Role;
use crate::domain::plan::{Plan, PlanInput};
use crate::policy::ChatDown;

fn about(title: &str) -> PlanInput<'_> {
    PlanInput { title, ..PlanInput::default() }
}

#[test]
fn the_shipped_configuration_is_valid() {
    let config = Shipped::copy().load();
    let payments = &config.services[&named("payments")];
    let names: Vec<&str> = payments.service.environments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["staging", "production"]);
    let production = payments.service.environments.iter().find(|environment| environment.production).unwrap();
    assert_eq!(production.mechanism, "command `deploy-to-folder.sh`");
    assert_eq!(production.approval.rules.len(), 1);
    assert_eq!(production.approval.rules[0].role, Role::Approver);
    assert!(payments.service.environments[0].approval.rules.is_empty());
    assert_eq!(payments.service.team.len(), 3);
    assert_eq!(config.people.iter().count(), 5);
    assert_eq!(config.digest.len(), 64);
    assert!(config.settings.socket.is_absolute());
    assert!(config.settings.store.ends_with(".hotfix/store"));
}

#[test]
fn both_playbooks_make_a_plan_for_their_service() {
    let config = Shipped::copy().load();
    for (name, branch, steps) in [("payments", "hotfix", 15), ("website", "hotfix/fix-the-form", 15)] {
        let name = named(name);
        let (service, playbook) = (&config.services[&name].service, config.playbook_of(&name).unwrap());
        let plan = Plan::resolve(service, playbook, about("Fix the form"), config.policy.version()).unwrap();
        assert_eq!((plan.branch.as_str(), plan.steps.len()), (branch, steps));
    }
}

#[test]
fn every_sentence_of_the_runbooks_is_known_once() {
    let ids: BTreeSet<&str> = requirements::REQUIREMENTS.iter().map(|known| known.id).collect();
    assert_eq!(ids.len(), requirements::REQUIREMENTS.len());
    for (family, last) in [("SRE", 12), ("HOCS", 37), ("APPLY", 18), ("PROMO", 20), ("MAIN", 19)] {
        assert!((1..=last).all(|number| ids.contains(format!("{family}-{number}").as_str())), "{family}");
    }
    assert!(
        requirements::REQUIREMENTS.iter().all(|known| known.id.parse::<crate::domain::id::RequirementId>().is_ok())
    );
}

#[test]
fn the_digest_changes_with_every_byte() {
    let shipped = Shipped::copy();
    let before = shipped.load().digest;
    shipped.edit("people.toml", "Ben Okafor", "Ben Okafar");
    assert_ne!(before, shipped.load().digest);
}

#[test]
fn a_step_is_left_out_where_its_environment_is_not() {
    let shipped = Shipped::copy();
    shipped.edit("services/website.toml", r#"playbook   = "mainline""#, r#"playbook   = "apply""#);
    let config = shipped.load();
    let name = named("website");
    let (service, playbook) = (&config.services[&name].service, config.playbook_of(&name).unwrap());
    let plan = Plan::resolve(service, playbook, about("Fix"), "v").unwrap();
    assert!(plan.steps.iter().all(|step| !step.id.as_str().contains("staging")));
}

#[test]
fn hotfix_toml_only_repeats_the_defaults() {
    let shipped = Shipped::copy();
    let written = shipped.load().settings;
    shipped.edit("hotfix.toml", "", "");
    assert_eq!(shipped.load().settings, written);
}

/// Figure F2: while the chat is down, production deployments wait unless the operators configure otherwise.
#[test]
fn production_waits_for_a_chat_that_is_down_unless_the_policy_says_otherwise() {
    let shipped = Shipped::copy();
    assert_eq!(shipped.load().policy.chat_down(), ChatDown::Wait);
    let version = shipped.load().policy.version().to_owned();
    shipped.edit("policy.toml", "chat_down = \"wait\"", "chat_down = \"go_on\"");
    assert_eq!(shipped.load().policy.chat_down(), ChatDown::GoOn);
    assert_eq!(shipped.load().policy.version(), version, "no vote is void because of it");
    shipped.edit("policy.toml", "chat_down = \"go_on\"", "");
    assert_eq!(shipped.load().policy.chat_down(), ChatDown::Wait);
    shipped.edit("policy.toml", "# Groups of people", "chat_down = \"gone\"\n# Groups of people");
    assert!(shipped.faults().contains("`chat_down` cannot be \"gone\""), "{}", shipped.faults());
}

#[test]
fn the_http_listeners_are_off_until_they_are_given_an_address() {
    let shipped = Shipped::copy();
    let off = shipped.load().settings.http;
    assert_eq!((off.listen, off.metrics, off.body_limit_kib), (None, None, 1024));
    shipped.edit("hotfix.toml", "", "[http]\nlisten = \"0.0.0.0:80\"\nmetrics = \"[::1]:9090\"\nconnections = 7\n");
    let on = shipped.load().settings.http;
    assert_eq!((on.listen, on.metrics, on.connections), (Some(named("0.0.0.0:80")), Some(named("[::1]:9090")), 7));
}

/// Votes on the command line count by default for the console only; for Slack, an operator must allow them.
#[test]
fn slack_is_spoken_to_as_the_file_says() {
    let shipped = Shipped::copy();
    assert_eq!(shipped.load().settings.chat.kind, ChatKind::Console);
    assert!(shipped.load().settings.chat.terminal_votes);
    shipped.edit("token", "", "xoxb-1").rights("token", 0o600);
    shipped.edit("signing", "", "s3cret").rights("signing", 0o600);
    let slack = "[chat]\nuse = \"slack\"\nalso_in = [\"C0INCIDENTS\"]\n[chat.slack]\napp_id = \"A1\"\nteams = [\"T1\", \"E1\"]\n\
                 token = { file = \"token\" }\n";
    shipped.edit("hotfix.toml", "", &format!("{slack}app_token = {{ file = \"signing\" }}\n"));
    let chat = shipped.load().settings.chat;
    assert_eq!((chat.platform(), chat.terminal_votes, chat.shared_channels), (Platform::Slack, false, false));
    assert_eq!(chat.also_in, [named("C0INCIDENTS")]);
    let ChatKind::Slack(settings) = chat.kind else { panic!("{chat:?}") };
    assert!(matches!(settings.way, SlackTransport::Socket { connections: 2, .. }), "{settings:?}");
    let called = format!("{slack}mode = \"http\"\nsigning_secrets = [{{ file = \"signing\" }}]\n");
    shipped.edit("hotfix.toml", "", &called);
    assert!(shipped.faults().contains("Slack calls, and nobody listens"), "{}", shipped.faults());
    shipped.edit("hotfix.toml", "", &format!("{called}[http]\nlisten = \"127.0.0.1:8080\"\n"));
    let ChatKind::Slack(settings) = shipped.load().settings.chat.kind else { panic!("not Slack") };
    assert!(
        matches!(&settings.way, SlackTransport::Http { signing_secrets } if signing_secrets.len() == 1),
        "{settings:?}"
    );
}

/// A vote is bound to the deploy mechanism at the time of the vote: changed parameters invalidate it (security case
/// 28). Changes to another service do not.
#[test]
fn case_28_a_vote_is_for_the_way_to_deploy() {
    let shipped = Shipped::copy();
    let stamps = |shipped: &Shipped| {
        let policy = shipped.load().policy;
        (policy.version_for(&named("payments")), policy.version_for(&named("website")), policy.version().to_owned())
    };
    let before = stamps(&shipped);
    let text = std::fs::read_to_string(shipped.path(PAY)).unwrap();
    std::fs::write(shipped.path(PAY), text.replace("{environment}\"", "{environment}\", \"--quick\"")).unwrap();
    shipped.rights(PAY, 0o644);
    let after = stamps(&shipped);
    assert_ne!(before.0, after.0);
    assert_eq!((before.1, before.2), (after.1, after.2));
}

#[test]
fn groups_are_called_at_the_moments_that_are_named() {
    use crate::domain::group::Moment;
    let shipped = Shipped::copy();
    assert!(shipped.load().groups.values().all(Vec::is_empty));
    shipped.edit(PAY, "# notify = [", "notify = [");
    let groups = shipped.load().groups.remove(&named("payments")).unwrap();
    assert_eq!((groups.len(), groups[0].id.as_str(), groups[0].name.as_str()), (1, "S0123456789", "payments-oncall"));
    assert_eq!(groups[0].on, [Moment::Started, Moment::Vote, Moment::Live, Moment::Failed].into());
}
