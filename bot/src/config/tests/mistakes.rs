//! Tests of one mistake each, and of the resulting report.

use super::*;

/// One mistake per entry: name, file, original text, replacement.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("unknown_key", WEB, "about      =", "abuot      ="),
    ("wrong_type", "hotfix.toml", "poll_seconds = 15", "poll_seconds = \"often\""),
    ("out_of_range", "hotfix.toml", "poll_seconds = 15", "poll_seconds = 0"),
    (
        "socket_too_long",
        "hotfix.toml",
        "\"hotfix.sock\"",
        "\"/run/a/very/long/path/that/goes/on/and/on/and/on/until/it/is/longer/than/any/path/of/a/socket/can/ever/be/hotfix.sock\"",
    ),
    ("not_an_address", "hotfix.toml", "metrics = \"\"", "metrics = \"localhost:9090\""),
    (
        "one_address_for_both",
        "hotfix.toml",
        "listen  = \"\"           # webhooks, at /hooks/<name>: \"127.0.0.1:8080\", behind a proxy that speaks TLS\nmetrics = \"\"",
        "listen  = \"127.0.0.1:8080\"\nmetrics = \"127.0.0.1:8080\"",
    ),
    (
        "private_host_with_a_port",
        "hotfix.toml",
        "private_hosts = []",
        "private_hosts = [\"git.corp.example\", \"https://10.1.2.3:8443\"]",
    ),
    ("chat_not_set_up", "hotfix.toml", "use = \"console\"", "use = \"slack\""),
    (
        "slack_without_a_signing_secret",
        "hotfix.toml",
        "# [chat.slack]  #",
        "[chat.slack]\nmode = \"http\"\napp_id = \"payments\"\nteams = []\nsigning_secrets = []\n#",
    ),
    ("not_toml", "people.toml", "git     = \"chris@example.org\"", "git     = chris@example.org"),
    ("account_of_two", "people.toml", "git     = \"ben@example.org\"", "git     = \"ANA@example.org\""),
    ("login_for_id", "people.toml", "github  = 583231", "github  = \"ana-alvarez\""),
    ("unknown_person", "policy.toml", "[\"ana\", \"ben\", \"dana\"]", "[\"ana\", \"benn\", \"dana\"]"),
    (
        "unknown_moment",
        PAY,
        "# notify = [{ group = \"S0123456789\", name = \"payments-oncall\", on = [\"started\"",
        "notify = [{ group = \"S0123456789\", name = \"payments-oncall\", on = [\"startet\"",
    ),
    ("no_required_check", PAY, "required_checks = \"none\"", "required_checks = []"),
    ("unknown_group", PAY, "[\"@payments\"]", "[\"@payment\"]"),
    ("unknown_role", "policy.toml", "[services.payments.roles]", "[services.payments.roles]\napprovers = []"),
    ("unknown_service", "policy.toml", "[services.website.roles]", "[services.web-site.roles]"),
    (
        "admin_cannot_vote",
        "policy.toml",
        "production      = [{ role = \"approver\"",
        "production      = [{ role = \"admin\"",
    ),
    (
        "quorum_too_large",
        "policy.toml",
        "[{ role = \"approver\", count = 1 }]\nother",
        "[{ role = \"approver\", count = 3 }]\nother",
    ),
    ("nobody_approves", "policy.toml", "approver  = [\"@payments\"]", "approver  = []"),
    (
        "glass_without_an_audit_channel",
        "policy.toml",
        "# [[freeze]]",
        "[break_glass]\npeople = [\"dana\", \"@oncall\"]\n# [[freeze]]",
    ),
    (
        "glass_that_nobody_reviews",
        "policy.toml",
        "approver  = [\"@payments\"]\ncaptain   = [\"dana\"]\nadmin     = [\"dana\"]",
        "approver  = [\"dana\"]\ncaptain   = [\"dana\"]\nadmin     = [\"dana\"]\n\n[break_glass]\npeople = [\"dana\"]\naudit = \"#audit\"",
    ),
    (
        "freeze_backwards",
        "policy.toml",
        "# [[freeze]]",
        "[[freeze]]\nall = true\nfrom = 2027-01-04T08:00:00Z\nuntil = 2026-12-20T18:00:00Z\nreason = \"x\"",
    ),
    (
        "freeze_without_offset",
        "policy.toml",
        "# [[freeze]]",
        "[[freeze]]\nall = true\nfrom = 2026-12-20T18:00:00\nuntil = 2027-01-04T08:00:00Z\nreason = \"x\"",
    ),
    ("no_production", WEB, "production = true", ""),
    ("unvoted_production", PAY, "name = \"staging\"", "name = \"staging\"\nproduction = true"),
    ("same_environment", PAY, "name = \"staging\"", "name = \"production\""),
    ("unknown_playbook", WEB, "\"mainline\"", "\"main-line\""),
    ("bad_branch", WEB, "main       = \"main\"", "main       = \"refs/heads/main\""),
    ("main_inside_branch", PAY, "main       = \"main\"", "main       = \"hotfix/main\""),
    ("two_schemes", WEB, "\"team/website\"", "\"team/payments\""),
    (
        "no_program",
        PAY,
        "# secret_env =",
        "[[environment]]\nname = \"demo\"\ndeploy = { by = \"command\", command = [\"./scripts/deploy.sh\"] }\n# secret_env =",
    ),
    (
        "target_key_of_another_kind",
        PAY,
        "# secret_env =",
        "[[environment]]\nname = \"demo\"\n[environment.deploy]\nby = \"promotion\"\nrepository = \"team/platform\"\n\
         target = [{ name = \"demo\", file = \".env\", env = \"TAG\", follow_aliases = true }]\n# secret_env =",
    ),
    ("unknown_placeholder", PAY, "\"{environment}\"]  # prints", "\"{enviroment}\"]  # prints"),
    (
        "capability_unprobed",
        WEB,
        "# [capability.hotfix_workflow]\n# declared = true",
        "[capability.hotfix_workflow]\ndeclared = true",
    ),
    ("step_twice", APPLY, "\"verify-staging\"", "\"verify-local\""),
    ("unknown_kind", APPLY, "kind     = \"postmortem\"", "kind     = \"post-mortem\""),
    ("unknown_requirement", APPLY, "[\"APPLY-4\"]", "[\"APPLY-44\"]"),
    ("must_not_that_refuses_nothing", MAIN, "id     = \"merge\"", "id     = \"merge\"\nlevel  = \"must_not\""),
    ("must_not_left_out", MAIN, "id     = \"releasable\"", "id     = \"releasable\"\nif_present = true"),
    (
        "vote_that_can_be_skipped",
        APPLY,
        "kind           = \"approve\"",
        "kind           = \"approve\"\nlevel = \"should\"",
    ),
    (
        "no_vote",
        APPLY,
        "kind           = \"approve\"\nserves         = [\"APPLY-8\", \"APPLY-11\"]\nenvironment    = \"production\"",
        "kind           = \"approve\"\nenvironment    = \"staging\"",
    ),
    ("environment_missing", APPLY, "if_present  = true", "if_present  = false"),
    (
        "never_back_to_main",
        APPLY,
        "kind           = \"mainline\"\nserves         = [\"APPLY-12\", \"APPLY-18\", \"APPLY-X3\", \"APPLY-X5\"]\nmethod         = \"merge\"  # a merge commit, so that main holds the commit that production runs\ndelete_branch  = true",
        "kind           = \"ride_along\"",
    ),
    (
        "branch_before_base",
        MAIN,
        "kind   = \"base\"\nserves = [\"MAIN-4\"]\nfrom   = \"main\"",
        "kind   = \"withheld\"",
    ),
    (
        "exceptional_without_gate",
        MAIN,
        "needs  = [\"hotfix_workflow\", \"hotfix_staging\", ",
        "needs  = [\"hotfix_workflow\", ",
    ),
    (
        "image_without_a_registry",
        PAY,
        "\"{commit}\", \"{environment}\"]\nrunning         = [\"./scripts/running-in-folder.sh\", \"{repository}\", \"{environment}\"]  # prints",
        "\"{tag}\", \"{environment}\"]\nrunning         = [\"./scripts/running-in-folder.sh\", \"{repository}\", \"{environment}\"]  # prints",
    ),
    (
        "image_that_no_step_finds",
        PAY,
        "[[environment]]\nname = \"staging\"\n[environment.deploy]\nby              = \"command\"\ncommand         = [\"./scripts/deploy-to-folder.sh\", \"{repository}\"",
        "[registry]\nrepository = \"ghcr.io/team/payments\"\ntags = [\"{sha}\"]\n[[environment]]\nname = \"staging\"\n[environment.deploy]\nby              = \"command\"\ncommand         = [\"./scripts/deploy-to-folder.sh\", \"{image}\"",
    ),
    (
        "previous_that_nothing_tells",
        PAY,
        "\"{commit}\", \"{environment}\"]\nrunning         = [\"./scripts/running-in-folder.sh\", \"{repository}\", \"{environment}\"]  # prints",
        "\"{previous}\", \"{environment}\"]  # prints",
    ),
    (
        "secret_in_the_open",
        PAY,
        "# secret_env = { DEPLOY_TOKEN = { file = \"/etc/hotfix/deploy-token\" }, OTHER = { credential = \"deploy-token\" } }",
        "secret_env = { DEPLOY_TOKEN = \"hunter2-canary\" }",
    ),
    ("secret_in_env", PAY, "# secret_env =", "env = { API_TOKEN = \"hunter2-canary\" }\n# secret_env ="),
    ("secret_under_another_key", PAY, "# secret_env = {", "secret_env = { A = { value = \"hunter2-canary\" } }\n# {"),
    (
        "secret_beside_another_fault",
        PAY,
        "# secret_env =",
        "[[environment]]\nname = \"demo\"\ndeploy = { by = \"comand\", env = { API_TOKEN = \"hunter2-canary\" } }\n# secret_env =",
    ),
    ("secret_under_a_misspelt_key", PAY, "# secret_env =", "sceret_env = { A = [\"hunter2-canary\"] }\n# secret_env ="),
    ("secret_in_broken_toml", PAY, "# secret_env = {", "secret_env = { A = \"hunter2-canary\" \n# {"),
];

#[test]
fn each_mistake_is_told_with_what_where_and_next() {
    for (name, file, from, to) in MISTAKES {
        let shipped = Shipped::copy();
        if *name == "environment_missing" {
            // A service without staging follows a playbook that needs staging.
            shipped.edit(WEB, "\"mainline\"", "\"apply\"");
        }
        shipped.edit(file, from, to);
        let told = shipped.faults();
        assert!(!told.contains("canary"), "{name} prints a secret:\n{told}");
        snapshot(name, &told);
    }
}

#[test]
fn all_faults_of_all_files_are_told_at_once() {
    let shipped = Shipped::copy();
    shipped
        .edit("hotfix.toml", "remind_minutes = 30", "remind_minutes = -1")
        .edit("people.toml", "[people.ana]", "[people.ana")
        .edit("policy.toml", "expires_minutes = 240", "expires_minutes = 0")
        .edit(PAY, "kind = \"local\"", "kind = \"locl\"")
        .edit(WEB, "\"#web\"", "\"the web channel\"")
        .edit(APPLY, "second_start = \"join\" ", "second_start = \"queue\" ")
        .edit(MAIN, "from   = \"main\"", "form   = \"main\"");
    snapshot("many_faults", &shipped.faults());
}

#[test]
fn a_broken_file_is_not_blamed_on_the_others() {
    let shipped = Shipped::copy();
    shipped.edit("people.toml", "", "[people").edit(APPLY, "", "= 1");
    let told = shipped.faults();
    assert!(told.contains("2 faults"), "{told}");
    assert!(!told.contains("nobody is called") && !told.contains("no playbook"), "{told}");
}

/// Step-up by review needs a pull request to review, and voters with an account on the forge (security case 39).
#[test]
fn case_39_a_review_that_nobody_could_give_is_refused() {
    let asked = |shipped: &Shipped| {
        shipped.edit("policy.toml", "# step_up = {", "step_up = {");
    };
    let shipped = Shipped::copy();
    asked(&shipped);
    shipped.load();
    shipped.edit("people.toml", "git     = \"ben@example.org\"\n", "");
    snapshot("step_up_without_an_account", &shipped.faults());
    let shipped = Shipped::copy();
    asked(&shipped);
    shipped.edit(PAY, "\"apply\"", "\"app-sre\"");
    snapshot("step_up_without_a_pull_request", &shipped.faults());
    let shipped = Shipped::copy();
    shipped.edit(
        "policy.toml",
        "[services.website.roles]",
        "[services.website.step_up]\nprod = \"review\"\n\n[services.website.roles]",
    );
    snapshot("step_up_elsewhere", &shipped.faults());
}
