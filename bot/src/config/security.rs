//! The security cases: each is an attack or an accident, the required behavior, and the tests that prove it. Comments cite them as
//! "security case N"; `hotfix requirements security` prints the table.

/// One security case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityCase {
    /// The number by which comments and tests cite the case.
    pub number: u16,
    /// The attack or accident.
    pub threat: &'static str,
    /// The required behavior.
    pub defense: &'static str,
    /// The tests that prove it, as paths of test functions or scenarios; empty when no test covers the case yet.
    pub tests: &'static [&'static str],
}

/// All security cases, by number.
pub const SECURITY_CASES: &[SecurityCase] = &[
    case(
        1,
        "Forged Slack signature",
        "Verifies an HMAC of the raw bytes in constant time; answers 401 with an empty body and journals nothing",
        &[
            "tests/e2e/http.rs::what_is_not_signed_leaves_no_trace",
            "adapters/src/chat/slack/signature.rs::what_is_not_exactly_signed_is_not_signed",
            "adapters/tests/slack/http.rs::only_slack_of_now_is_heard",
        ],
    ),
    case(
        2,
        "Signature header that is missing, empty, duplicated, truncated, oversized or of the wrong scheme",
        "Answers 401 to anything but exactly one well-formed signature, without a panic",
        &[
            "adapters/src/chat/slack/signature.rs::what_is_not_exactly_signed_is_not_signed",
            "adapters/tests/forge_github/webhook.rs::every_other_signature_is_refused",
        ],
    ),
    case(
        3,
        "Signing or webhook secret that is not configured",
        "Refuses to start; a missing secret never means that all requests are accepted",
        &[
            "adapters/tests/slack/port.rs::options_that_cannot_work_are_refused",
            "adapters/tests/forge_github/webhook.rs::several_secrets_are_good_at_once_and_none_is_an_error",
            "adapters/tests/forge_gitlab/webhook.rs::a_secret_is_needed",
        ],
    ),
    case(
        4,
        "Stale or future request timestamp",
        "Rejects a timestamp that is more than 300 seconds off in either direction, using checked arithmetic",
        &[
            "adapters/src/chat/slack/signature.rs::the_window_has_two_sides",
            "adapters/tests/slack/http.rs::only_slack_of_now_is_heard",
            "adapters/tests/forge_gitlab/webhook.rs::a_delivery_of_another_time_is_stale",
        ],
    ),
    case(
        5,
        "Replay of a valid request, within the time window or after a restart",
        "Stores a durable deduplication key; a repeated delivery gets 200 and has no effect",
        &[
            "tests/e2e/http.rs::a_delivery_that_comes_again_has_one_effect",
            "tests/e2e/slack.rs::what_slack_sends_again_has_one_effect",
            "tests/e2e/ways.rs::what_changed_nothing_does_nothing_later",
        ],
    ),
    case(
        6,
        "Request body altered or re-encoded after signing",
        "Verifies the received bytes before parsing them; a single changed byte results in 401",
        &[
            "adapters/src/chat/slack/signature.rs::what_is_not_exactly_signed_is_not_signed",
            "adapters/tests/forge_gitlab/webhook.rs::the_known_vector_is_genuine_and_every_change_to_it_is_not",
        ],
    ),
    case(
        7,
        "Oversized request body, declared or chunked",
        "Enforces a size limit before buffering and authentication, and answers 413",
        &[
            "tests/e2e/http.rs::what_is_not_signed_costs_no_memory",
            "tests/e2e/http.rs::two_hundred_megabytes_are_refused_by_their_announcement",
            "bot/src/http/tests.rs::a_body_without_end_is_cut_off",
        ],
    ),
    case(
        8,
        "Slowloris: hundreds of connections that idle or drip headers or bodies",
        "Closes them within 10 seconds and keeps answering health checks meanwhile",
        &[
            "tests/e2e/http.rs::those_who_hang_do_not_keep_out_who_watches",
            "tests/e2e/http.rs::those_who_hang_keep_out_nobody_for_long",
            "tests/e2e/http.rs::those_who_drip_are_hung_up_on",
        ],
    ),
    case(
        9,
        "Correctly signed request from another workspace, organization or app",
        "Accepts only listed IDs; drops everything else with 200 and counts it",
        &[
            "tests/e2e/http.rs::what_slack_sends_and_nobody_wants_is_answered_with_success",
            "adapters/src/chat/slack/decode_tests.rs::other_apps_and_workspaces_are_not_listened_to",
            "adapters/tests/discord/interactions.rs::another_server_is_turned_away",
        ],
    ),
    case(
        10,
        "HTTP/2 frame flood",
        "Serves HTTP/1.1 only, behind a reverse proxy",
        &["bot/src/http/tests.rs::http_2_is_not_spoken"],
    ),
    case(
        11,
        "Oversized or endlessly fragmented WebSocket message",
        "Limits frame and message size and closes the connection before buffering more",
        &[
            "adapters/tests/slack/socket.rs::what_is_too_long_ends_its_connection_and_loses_nothing",
            "adapters/tests/discord/gateway.rs::what_is_too_long_ends_its_connection_and_loses_nothing",
        ],
    ),
    case(
        12,
        "URL verification or ping request used to probe the endpoint",
        "Answers only after the signature check; echoes a challenge of at most 200 characters as plain text",
        &[
            "adapters/tests/slack/http.rs::slack_makes_sure_of_the_address",
            "tests/e2e/http.rs::what_is_no_concern_is_answered_with_success",
        ],
    ),
    case(
        13,
        "Forged GitHub webhook, or a downgrade to the SHA-1 signature",
        "Accepts only the SHA-256 signature header",
        &["adapters/tests/forge_github/webhook.rs::every_other_signature_is_refused"],
    ),
    case(
        14,
        "Replayed GitHub delivery, possibly under a new delivery ID, which the signature does not cover",
        "Deduplicates by delivery ID and body hash; effects depend on state, so they happen once",
        &[
            "adapters/tests/forge_github/webhook.rs::the_key_is_the_delivery_and_its_body",
            "tests/e2e/http.rs::a_delivery_that_comes_again_has_one_effect",
        ],
    ),
    case(
        15,
        "Webhook for an unrelated repository or installation",
        "Ignores repositories outside the allowlist and rereads the state from the API before acting",
        &[
            "tests/e2e/http.rs::a_forge_hints_only_at_what_is_on_it",
            "tests/e2e/http.rs::what_is_no_concern_is_answered_with_success",
        ],
    ),
    case(
        16,
        "Payload field that selects the secret used to verify the payload",
        "Selects the secret by the request path, with a separate path for each sender",
        &[],
    ),
    case(
        17,
        "GitLab webhook whose shared token does not authenticate the body",
        "Prefers the signing token over ID, time and body; a plain token is compared in constant time and only hints",
        &[
            "adapters/tests/forge_gitlab/webhook.rs::the_known_vector_is_genuine_and_every_change_to_it_is_not",
            "adapters/tests/forge_gitlab/webhook.rs::the_older_token_is_good_for_what_is_not_signed",
        ],
    ),
    case(
        18,
        "Event type confusion: header and body disagree, or an action or field is unknown or missing",
        "Acknowledges the event and ignores it; nothing is allowed by default",
        &[
            "adapters/tests/forge_gitlab/webhook.rs::a_hint_is_where_to_look_and_no_more",
            "adapters/tests/forge_github/webhook.rs::hints_are_given_for_what_the_bot_waits_for",
            "adapters/src/chat/slack/decode_tests.rs::unknown_kinds_are_no_concern",
        ],
    ),
    case(
        19,
        "Poison event that makes its handler panic",
        "Catches the panic, quarantines the event after a few attempts and continues with other events",
        &[
            "tests/e2e/ways.rs::an_act_that_always_breaks_off_is_set_aside",
            "tests/e2e/ways.rs::an_act_that_breaks_off_at_once_is_told_so",
            "tests/e2e/pool.rs::work_that_breaks_off_every_time_is_set_aside_and_told_of",
        ],
    ),
    case(
        20,
        "Impersonation through a display name or login",
        "Identifies people only by platform, workspace or server, and user ID",
        &[
            "adapters/src/chat/slack/person.rs::people_are_ids",
            "adapters/tests/forge_github/people.rs::people_are_known_by_number",
            "bot/src/config/tests/mistakes.rs::each_mistake_is_told_with_what_where_and_next",
        ],
    ),
    case(
        21,
        "Channel that is renamed or recreated under a trusted name",
        "Identifies channels by ID; a channel name grants no rights",
        &[
            "tests/e2e/slack.rs::acts_are_taken_in_the_channel_of_the_service_only",
            "tests/e2e/discord.rs::acts_are_taken_in_the_channel_of_the_service_only",
        ],
    ),
    case(
        22,
        "Entry point without a permission check, such as a reaction, a button or a direct message",
        "Authorizes every act at a single gate, regardless of how it arrives",
        &[
            "bot/src/policy/tests.rs::case_22_one_door_decides_every_cell",
            "tests/e2e/matrix.rs::the_matrix_is_as_it_is_written",
            "tests/e2e/slack.rs::only_members_vote_by_whatever_way",
        ],
    ),
    case(
        23,
        "Approval of one's own change",
        "Excludes the requester, authors, committers, co-authors and pushers, by person rather than by account",
        &[
            "tests/e2e/own.rs::case_23_who_made_the_change_does_not_approve_it",
            "tests/e2e/own.rs::case_23_who_pushed_it_does_not_approve_it",
            "tests/e2e/own.rs::case_23_who_asked_for_it_does_not_approve_it",
        ],
    ),
    case(
        24,
        "One person voting from several accounts",
        "Counts each person once across all linked accounts",
        &[
            "tests/e2e/votes.rs::case_24_one_person_is_one_vote",
            "tests/e2e/votes.rs::case_24_a_commit_by_another_account_is_theirs",
        ],
    ),
    case(
        25,
        "Commits pushed after approval",
        "Binds each vote to the head commit; a push voids the votes and notifies the voters",
        &[
            "tests/e2e/votes.rs::case_25_a_push_voids_the_votes_and_the_noes",
            "tests/scenarios/new-head-voids.txt",
            "bot/src/domain/evolve/invalidate/tests.rs::a_moved_head_makes_what_was_said_void",
        ],
    ),
    case(
        26,
        "Base moved or pull request retargeted after approval",
        "Binds each vote to the base and the target branch; a change of either voids the votes",
        &[
            "tests/e2e/votes.rs::case_26_another_base_voids_the_votes",
            "tests/e2e/votes.rs::case_26_a_pull_request_that_goes_elsewhere",
            "bot/src/domain/vote/tests.rs::a_vote_counts_for_exactly_what_was_shown_and_nothing_else",
        ],
    ),
    case(
        27,
        "Missed push webhook",
        "Rereads the head from the forge immediately before acting and compares it with the approved commit",
        &[
            "tests/e2e/votes.rs::case_27_a_push_that_nobody_told_of_is_seen_before_the_act",
            "adapters/tests/forge_github/merging.rs::a_head_that_moves_at_the_last_moment_is_not_merged",
        ],
    ),
    case(
        28,
        "Approval reused for another environment, other parameters or another configuration",
        "Binds each vote to the environment and to digests of the plan and the deployment",
        &[
            "tests/e2e/votes.rs::case_28_the_plan_of_a_run_does_not_change_under_its_votes",
            "bot/src/config/tests/valid.rs::case_28_a_vote_is_for_the_way_to_deploy",
            "bot/src/domain/vote/tests.rs::a_vote_counts_for_exactly_what_was_shown_and_nothing_else",
        ],
    ),
    case(
        29,
        "Approver shown less than is executed, through truncation, hidden characters or bidi overrides",
        "Shows the complete scope with hidden characters escaped, or does not ask for approval",
        &[
            "tests/e2e/words.rs::a_question_about_more_than_can_be_shown_is_not_asked",
            "bot/src/view/vote_request.rs::what_cannot_be_shown_whole_is_not_asked",
            "bot/src/view/vote_request.rs::a_subject_is_shown_whole_and_visible",
        ],
    ),
    case(
        30,
        "Vote by a bot, a workflow or the bot itself",
        "Ignores votes from accounts that do not belong to people",
        &[
            "tests/e2e/slack.rs::only_members_vote_by_whatever_way",
            "tests/e2e/discord.rs::only_peoples_reactions_to_the_question_itself_count",
            "tests/e2e/votes.rs::case_31_who_is_no_member_any_more_when_it_ships",
        ],
    ),
    case(
        31,
        "Vote by a guest, an external, an invited or a deactivated account",
        "Checks the account when the vote counts, refuses it and explains why in private",
        &[
            "tests/e2e/slack.rs::only_members_vote_by_whatever_way",
            "tests/e2e/votes.rs::case_31_who_is_no_member_any_more_when_it_ships",
            "adapters/tests/slack/port.rs::accounts_are_what_slack_says_they_are",
        ],
    ),
    case(
        32,
        "Reaction on a copied, forwarded or look-alike message",
        "Counts reactions only on the bot's own messages that are recorded in the journal",
        &[
            "tests/e2e/slack.rs::a_look_alike_of_the_question_is_nothing",
            "tests/e2e/discord.rs::only_peoples_reactions_to_the_question_itself_count",
            "tests/e2e/votes.rs::case_35_a_value_that_was_made_up",
        ],
    ),
    case(
        33,
        "Reaction removed after it was counted",
        "Withdraws the vote before the effect; afterward records the withdrawal, undoes nothing and says so",
        &[
            "tests/e2e/votes.rs::case_33_a_reaction_that_is_taken_back",
            "tests/e2e/votes.rs::case_33_a_reaction_on_an_earlier_question_is_taken_back_there",
            "tests/e2e/discord.rs::a_vote_is_taken_back_as_it_was_given",
        ],
    ),
    case(
        34,
        "Reaction events that are lost, reordered or rapidly toggled",
        "Reads the current reactions before the effect; events are only hints",
        &["tests/e2e/votes.rs::case_34_events_are_hints", "tests/e2e/discord.rs::what_a_gap_swallowed_is_found_again"],
    ),
    case(
        35,
        "Stale button, or a button that belongs to another run",
        "Checks the button against the open question in the journal; it expires and counts once",
        &[
            "tests/e2e/votes.rs::case_35_old_buttons_and_buttons_of_others",
            "tests/e2e/votes.rs::case_35_a_question_has_its_time",
            "tests/e2e/votes.rs::case_35_a_value_that_was_made_up",
        ],
    ),
    case(
        36,
        "Role granted after the request or revoked after the vote",
        "Requires the role both when the vote is cast and when it takes effect",
        &[
            "tests/e2e/votes.rs::case_36_roles_count_twice",
            "bot/src/domain/vote/tests.rs::a_role_that_was_taken_away_since_does_not_count",
            "tests/scenarios/role-taken-away.txt",
        ],
    ),
    case(
        37,
        "Privilege escalation by joining a user group",
        "Takes roles from the configuration, not from groups that their members can edit",
        &["tests/e2e/votes.rs::case_37_a_user_group_gives_no_role"],
    ),
    case(
        38,
        "Privileged command in a wrong, direct or externally shared channel",
        "Accepts acts only in the channels of the service; refuses shared channels by default",
        &[
            "tests/e2e/slack.rs::acts_are_taken_in_the_channel_of_the_service_only",
            "tests/e2e/discord.rs::acts_are_taken_in_the_channel_of_the_service_only",
            "bot/src/policy/tests.rs::case_22_one_door_decides_every_cell",
        ],
    ),
    case(
        39,
        "Compromised chat account",
        "Supports step-up votes that count only with the voter's approving review on the forge",
        &[
            "tests/scenarios/step-up.txt",
            "bot/src/view/message/tests.rs::case_39_a_vote_counts_together_with_a_review",
            "bot/src/domain/vote/tests.rs::a_vote_is_backed_by_an_approving_review_of_exactly_the_head",
        ],
    ),
    case(
        40,
        "Command spam and approval fatigue",
        "Rate-limits people and services, coalesces identical requests and never notifies a whole channel",
        &[
            "tests/e2e/words.rs::who_says_too_much_is_told_once",
            "tests/e2e/own.rs::case_40_the_same_ask_again_is_one_ask",
            "bot/src/engine/rate_limit.rs::each_has_a_bucket_and_the_first_word_too_many_is_told",
        ],
    ),
    case(
        41,
        "Race between votes that complete the quorum",
        "Opens the gate exactly once, by compare-and-swap",
        &["tests/e2e/votes.rs::case_41_two_votes_at_once_open_the_gate_once"],
    ),
    case(
        42,
        "Role or allowlist change through chat",
        "Changes roles only by reloading the configuration; delegation that the policy allows is the exception",
        &["tests/e2e/votes.rs::case_42_no_words_change_a_role"],
    ),
    case(
        43,
        "Branch name that injects a command-line option, a revision or a shell command",
        "Validates names against a strict allowlist and passes full refs after an end-of-options marker",
        &[
            "tests/e2e/bad_input.rs::names_that_are_weapons_are_only_words",
            "adapters/src/forge/conformance/history.rs::words_that_are_no_commit_are_none_or_rejected",
            "bot/src/command/reference.rs::one_grammar_for_all_references",
        ],
    ),
    case(
        44,
        "Control characters or line breaks in refs, titles or configuration values",
        "Rejects them, or escapes them before the value is used or displayed",
        &[
            "bot/src/command/tests/refusals.rs::what_hides_is_refused_and_shown_escaped",
            "adapters/tests/forge_mirror/secrets.rs::a_token_with_a_line_break_is_not_sent",
            "adapters/src/chat/slack/render_tests.rs::what_hides_is_shown",
        ],
    ),
    case(
        45,
        "Ambiguous ref, such as a tag and a branch with the same name",
        "Resolves the branch once by its full ref and uses only the commit ID from then on",
        &[
            "adapters/src/forge/conformance/history.rs::a_word_with_two_meanings_is_rejected",
            "adapters/src/forge/conformance/refs.rs::a_tag_is_not_a_branch",
        ],
    ),
    case(
        46,
        "Force-push or lost update when the bot moves a ref",
        "Updates refs by compare-and-swap or with a lease; never force-pushes a protected branch",
        &[
            "adapters/tests/forge_mirror/refusals.rs::whoever_comes_between_the_look_and_the_push_wins",
            "adapters/src/forge/conformance/refs.rs::a_stale_move_is_rejected_and_changes_nothing",
            "adapters/src/forge/conformance/refs.rs::creating_again_is_success_and_elsewhere_is_rejected",
        ],
    ),
    case(
        47,
        "Pull request from a fork",
        "Refuses it by default; head and base have to be in the same repository",
        &[
            "adapters/tests/forge_github/merging.rs::a_branch_of_a_fork_is_not_ours",
            "adapters/tests/forge_gitlab/failing.rs::a_fork_is_refused",
        ],
    ),
    case(
        48,
        "Pull request that changes CI workflows, code owners, deploy scripts or the bot's configuration",
        "Raises the quorum, has no workflow permission and reads no configuration from the hotfix branch",
        &["adapters/src/forge/github/manifest.rs::a_right_is_asked_for_where_it_is_used"],
    ),
    case(
        49,
        "Cherry-pick or revert whose result differs from the approved change",
        "Asks for approval of the resulting commit, once the branch exists",
        &["tests/scenarios/pick-conflict.txt", "tests/scenarios/sre-conflict.txt"],
    ),
    case(
        50,
        "Merge or deployment of something other than the approved head",
        "Verifies the parents of the merge and deploys the exact commit; a run of another commit fails",
        &[
            "adapters/tests/deploy_workflow.rs::a_run_of_another_commit_is_no_deployment_of_ours",
            "adapters/tests/deploy_workflow.rs::a_run_of_another_commit_is_cancelled_while_it_runs",
            "adapters/tests/deploy_pipeline.rs::a_pipeline_of_another_commit_is_cancelled_and_has_failed",
        ],
    ),
    case(
        51,
        "Required checks that are missing, pending, on a later page or unreadable",
        "Fails closed: blocks until all checks are read and green",
        &[
            "tests/scenarios/no-check-yet.txt",
            "adapters/tests/forge_github/checks.rs::unreadable_checks_are_an_error",
            "adapters/tests/forge_gitlab/saying.rs::lists_are_read_to_their_end",
        ],
    ),
    case(
        52,
        "Check spoofed by another app under the same name",
        "Matches checks by name and reporting app",
        &[
            "adapters/tests/forge_github/checks.rs::a_check_is_known_by_its_name_and_who_reported_it",
            "adapters/tests/forge_gitlab/saying.rs::a_status_does_not_stand_in_for_a_job",
            "adapters/src/forge/conformance/pulls.rs::checks_of_one_name_by_two_apps_are_two",
        ],
    ),
    case(
        53,
        "Bot acting as the second person",
        "Never approves on the forge, not even through quoted commands, and bypasses no branch protection",
        &[
            "adapters/tests/forge_gitlab/saying.rs::a_comment_is_made_once_and_is_never_an_act",
            "adapters/src/forge/gitlab/text.rs::no_line_is_a_quick_action",
            "adapters/tests/deploy_promotion/follow.rs::the_label_counts_when_a_listed_person_put_it_on",
        ],
    ),
    case(
        54,
        "Path traversal or symlink in a repository whose files the bot edits",
        "Edits only regular files at allowed paths, through Git objects and without a working tree",
        &[
            "adapters/tests/forge_local/files.rs::links_and_submodules_are_neither_read_nor_written_nor_passed_through",
            "adapters/src/forge/conformance/files.rs::a_path_that_is_no_file_of_a_repository_is_rejected",
            "adapters/src/forge/conformance/files.rs::a_path_is_no_pattern",
        ],
    ),
    case(
        55,
        "Disabled TLS or host key verification",
        "Always verifies certificates and host keys; sends credentials only over a verified connection",
        &[
            "adapters/tests/cluster_kubernetes.rs::a_kubeconfig_is_read_and_its_dangers_are_refused",
            "adapters/src/registry/oci/wire.rs::a_token_service_without_tls_gets_no_password",
            "adapters/tests/registry_oci/main.rs::tls_is_for_everybody_but_loopback",
        ],
    ),
    case(
        56,
        "Secondary rate limit or abuse ban by the forge",
        "Honors Retry-After and sends one write at a time for each repository",
        &[
            "adapters/tests/forge_github/limits.rs::github_says_how_long_it_wants_to_be_left_alone",
            "adapters/tests/forge_gitlab/failing.rs::too_many_calls_are_told_for_how_long",
        ],
    ),
    case(
        57,
        "Slack mention or link injected through a title, commit message or branch name",
        "Sends untrusted text as literal text elements, escapes the fallback text and builds all URLs itself",
        &[
            "tests/e2e/words.rs::hostile_and_long_words_stay_words",
            "adapters/tests/slack/port.rs::a_hostile_title_calls_nobody",
            "adapters/src/chat/slack/render_tests.rs::any_card_fits",
        ],
    ),
    case(
        58,
        "Discord mention or masked link injected through untrusted text",
        "Disables mention parsing in every message and escapes Markdown",
        &[
            "tests/e2e/discord.rs::hostile_text_stays_text_wherever_it_is_repeated",
            "adapters/src/chat/discord/render_tests.rs::what_is_escaped_means_nothing",
            "adapters/src/chat/discord/markdown.rs::what_comes_from_outside_stays_text",
        ],
    ),
    case(
        59,
        "Mention, issue reference, closing keyword or image injected into text on the forge",
        "Escapes untrusted text so that the forge renders it literally",
        &[
            "tests/e2e/words.rs::what_the_bot_writes_on_the_forge_means_nothing_but_itself",
            "adapters/tests/deploy_promotion/propose.rs::what_people_wrote_means_nothing_but_itself",
            "adapters/src/forge/neutralize.rs::what_forges_look_for_is_not_there",
        ],
    ),
    case(
        60,
        "HTML injection into a served page",
        "Serves no pages, or escapes all output under a strict Content-Security-Policy",
        &["tests/e2e/example.rs::the_example_starts_with_tokens_filled_in"],
    ),
    case(
        61,
        "Metric label injection and unbounded label cardinality",
        "Uses fixed label sets that contain no repository or person names",
        &["tests/e2e/http.rs::the_metrics_say_what_happened_and_name_nobody"],
    ),
    case(
        62,
        "Template injection through messages or configuration",
        "Uses no template language that can evaluate code",
        &["tests/e2e/words.rs::nothing_is_a_template"],
    ),
    case(
        63,
        "Log or CSV injection",
        "Escapes control characters so that each log record stays on one line",
        &["bot/src/cli/log.rs::a_line_of_the_log_is_one_line_whatever_is_in_it"],
    ),
    case(
        64,
        "SSRF through a Slack response URL",
        "Accepts only HTTPS URLs on a closed list of Slack hosts and follows no redirects",
        &[
            "adapters/src/chat/slack/response_url.rs::only_slacks_own_hosts_are_followed",
            "adapters/src/chat/slack/response_url.rs::no_redirect_is_followed",
        ],
    ),
    case(
        65,
        "SSRF through a configured URL or a name that resolves to a private address",
        "Requires HTTPS, checks the resolved address, follows no redirects and limits size and time",
        &[
            "adapters/tests/reach.rs::a_name_that_leads_inside_is_not_followed",
            "adapters/src/egress/range.rs::ranges_begin_and_end_where_they_should",
            "adapters/tests/forge_gitlab/failing.rs::an_address_that_would_leak_the_token_is_refused",
        ],
    ),
    case(
        66,
        "Token leak to another host through a redirect",
        "Never follows a redirect with credentials",
        &[
            "adapters/tests/forge_gitlab/failing.rs::a_redirect_is_not_followed",
            "adapters/tests/forge_mirror/secrets.rs::a_redirect_is_not_followed",
            "adapters/tests/registry_oci/fake.rs::credentials_go_to_the_registry_alone",
        ],
    ),
    case(
        67,
        "Token leak through errors, logs, chat messages or the journal",
        "Keeps secrets in types that cannot be printed and redacts secrets that other systems echo",
        &[
            "tests/e2e/canaries.rs::no_secret_stands_anywhere_after_a_whole_hotfix",
            "tests/e2e/echoes.rs::a_secret_that_is_said_back_is_not_repeated",
            "adapters/tests/forge_github/broken.rs::the_token_is_never_shown",
        ],
    ),
    case(
        68,
        "Secrets returned by an API to users with a low role",
        "Builds responses from separate types that cannot hold secrets",
        &["tests/e2e/canaries.rs::no_secret_stands_anywhere_after_a_whole_hotfix"],
    ),
    case(
        69,
        "Configuration or key file that others can read or write, or a symlink that leaves its folder",
        "Refuses the file before reading it",
        &[
            "bot/src/config/tests/files.rs::case_69_what_others_can_write_is_refused",
            "bot/src/config/tests/files.rs::case_69_a_link_out_of_the_folder_is_refused_and_one_inside_is_not",
            "bot/src/config/tests/secrets.rs::a_secret_is_read_when_it_is_asked_for",
        ],
    ),
    case(
        70,
        "YAML bomb, deep nesting or oversized configuration file",
        "Limits size, nesting depth and alias expansion",
        &[
            "adapters/tests/edit/yaml.rs::a_yaml_bomb_is_refused",
            "bot/src/config/tests/files.rs::case_70_a_huge_or_deep_file_is_refused_in_time",
        ],
    ),
    case(
        71,
        "JSON depth or number bomb",
        "Keeps the parser's recursion limit and accepts 64-bit IDs that are sent as strings",
        &[],
    ),
    case(
        72,
        "Regular expression denial of service",
        "Matches with a linear-time engine and limits the compiled size of configured patterns",
        &[],
    ),
    case(
        73,
        "Command injection or a runaway process in a deploy command",
        "Runs a fixed program without a shell, in a clean environment, with a timeout and an output limit",
        &[
            "adapters/tests/deploy_command.rs::one_argument_stays_one_argument",
            "adapters/tests/deploy_command.rs::the_environment_is_cleared",
            "adapters/tests/deploy_command.rs::time_out_ends_the_whole_group",
        ],
    ),
    case(
        74,
        "Journal exposed through file permissions, backups or core dumps",
        "Keeps the store private to its owner, checks that at startup and disables core dumps",
        &["storage/tests/damage.rs::what_others_can_read_is_refused"],
    ),
    case(
        75,
        "PostgreSQL interception, overprivileged role or SQL injection",
        "Verifies TLS fully, uses a least-privilege role, a statement timeout and bound parameters",
        &[],
    ),
    case(
        76,
        "Timing side channel in the signature of the GitHub App JWT",
        "Signs with ring; the rsa crate is banned",
        &["tests/e2e/dependencies.rs::no_banned_crate_is_locked"],
    ),
    case(
        77,
        "Journal tampering by an administrator of the storage",
        "Links records in a hash chain and regularly publishes its head outside the storage",
        &[
            "storage/tests/damage.rs::a_flipped_byte_is_named",
            "storage/tests/damage.rs::a_lost_segment_is_refused",
            "storage/tests/damage.rs::an_export_that_is_not_whole_is_refused",
        ],
    ),
    case(
        78,
        "Lock stolen or released by another person",
        "Only the owner, a captain or an admin releases it; a forced release is journaled, announced and fenced",
        &["tests/scenarios/locks-and-freezes.txt", "storage/src/conformance/cases/leases.rs::lease_required"],
    ),
    case(
        79,
        "Stale lock holder that resumes and deploys",
        "Compares the fencing token in the transaction that records the intent",
        &[
            "tests/e2e/pool.rs::whoever_lost_the_claim_lets_go_of_the_work",
            "storage/src/conformance/cases/work.rs::fence_lost",
            "storage/src/conformance/cases/leases.rs::lease_required",
        ],
    ),
    case(
        80,
        "Confused deputy: the channel or token of one service used for another",
        "Mints a least-privilege token for each repository and binds acts to the channel of the service",
        &[
            "adapters/tests/forge_github/app.rs::a_token_is_good_for_one_repository_and_is_kept",
            "adapters/tests/forge_github/app.rs::the_token_of_another_owners_repository_is_not_used",
            "tests/e2e/slack.rs::acts_are_taken_in_the_channel_of_the_service_only",
        ],
    ),
    case(
        81,
        "Enumeration of services and runs",
        "Answers for a forbidden service exactly as for an unknown one",
        &[
            "tests/e2e/words.rs::what_may_not_be_seen_is_not_there",
            "bot/src/policy/tests.rs::case_81_a_forbidden_service_and_an_unknown_one_look_alike",
            "tests/e2e/votes.rs::case_81_a_button_opens_no_form_for_who_may_not_look",
        ],
    ),
    case(
        82,
        "Unauthenticated dashboard, open redirect or stale session",
        "Binds locally, authenticates pages, and serves health and metrics on a listener of their own",
        &[
            "tests/e2e/example.rs::the_example_starts_with_tokens_filled_in",
            "tests/e2e/http.rs::the_metrics_say_what_happened_and_name_nobody",
            "bot/src/config/tests/valid.rs::the_http_listeners_are_off_until_they_are_given_an_address",
        ],
    ),
    case(
        83,
        "State change through a GET request or CSRF",
        "Changes nothing on GET or HEAD and requires no cookies",
        &[
            "tests/e2e/http.rs::other_paths_and_methods_are_refused",
            "tests/e2e/example.rs::the_example_starts_with_tokens_filled_in",
        ],
    ),
    case(
        84,
        "Queue exhaustion",
        "Bounds every queue and answers 503, so that nothing is dropped after a success response",
        &[
            "tests/e2e/http.rs::who_finds_the_queue_full_is_asked_to_come_again",
            "tests/e2e/http.rs::what_the_journal_does_not_take_is_not_acknowledged",
        ],
    ),
    case(
        85,
        "Delivery disabled by Slack after too many error responses",
        "Answers 2xx to genuine requests that are not for the bot, and 401 only to a bad signature",
        &[
            "tests/e2e/http.rs::what_slack_sends_and_nobody_wants_is_answered_with_success",
            "adapters/tests/slack/http.rs::what_makes_no_sense_is_told_apart",
            "tests/e2e/http.rs::what_is_no_concern_is_answered_with_success",
        ],
    ),
    case(
        86,
        "Deployment despite a freeze, or a freeze state that cannot be read",
        "Stops all effects within a second, stays frozen across restarts and fails closed",
        &[
            "tests/e2e/ways.rs::a_freeze_stops_what_is_queued_already",
            "tests/e2e/ways.rs::a_freeze_that_cannot_be_read_holds",
            "tests/e2e/ways.rs::the_freeze_of_everything_leaves_the_code_alone",
        ],
    ),
    case(
        87,
        "Clock jump that revives or expires approvals",
        "Pauses effects after a jump of more than five minutes and raises an alert; expired votes stay expired",
        &[
            "tests/e2e/ways.rs::a_clock_that_jumps_holds_everything_back",
            "tests/e2e/ways.rs::no_expired_vote_comes_back",
            "storage/src/clock.rs::a_jump_is_not_followed_until_it_is_undone",
        ],
    ),
    case(
        88,
        "Replicas that run different versions of the program",
        "Versions the journal format; an older program refuses a newer journal",
        &["storage/tests/damage.rs::a_journal_of_another_format_is_refused"],
    ),
    case(
        89,
        "Identity mapped through a mutable or unverified email address",
        "Maps accounts by explicit IDs; an unmapped account can read but not vote",
        &[
            "adapters/src/forge/gitlab/accounts.rs::only_gitlabs_own_addresses_name_an_account",
            "tests/e2e/matrix.rs::the_matrix_is_as_it_is_written",
        ],
    ),
    case(
        90,
        "Break-glass abuse",
        "Sets aside only votes; requires a listed person, a reason, the typed commit, an audit entry and a review",
        &[
            "tests/scenarios/break-glass.txt",
            "tests/scenarios/break-glass-refusals.txt",
            "bot/src/policy/tests.rs::case_90_only_the_listed_break_the_glass",
        ],
    ),
    case(
        91,
        "Evidence that turns bad after its step is complete",
        "Reopens the step, notifies the voters and rereads all evidence immediately before acting",
        &[
            "tests/scenarios/evidence-changes.txt",
            "bot/src/view/rechecks.rs::case_91_a_step_is_open_again_when_its_evidence_changes",
            "bot/src/view/rechecks.rs::case_91_evidence_is_read_again_before_the_act",
        ],
    ),
    case(
        92,
        "Empty evidence, such as no reported check or no known contributor",
        "Never treats missing evidence as a pass",
        &[
            "tests/scenarios/no-check-yet.txt",
            "tests/scenarios/merge-unchecked.txt",
            "bot/src/domain/step/checks/tests.rs::no_check_is_never_a_pass",
        ],
    ),
    case(
        93,
        "Change written by one person and merged by another person or a bot",
        "Excludes everyone who wrote what the picked commit introduces, traced to its source",
        &[
            "tests/scenarios/attribution-merged-pull.txt",
            "tests/scenarios/attribution-squashed-pull.txt",
            "adapters/src/forge/conformance/history.rs::a_commit_introduces_itself_and_a_merge_what_it_merged",
        ],
    ),
    case(
        94,
        "Contributor who is not in people.toml",
        "Counts them as an unknown person: one more approver, or a captain's journaled identification",
        &[
            "tests/scenarios/attribution-unknown.txt",
            "tests/scenarios/attribution-identified-voter.txt",
            "bot/src/domain/attribution/tests.rs::an_unknown_contributor_takes_one_more_vote",
        ],
    ),
    case(
        95,
        "Decision based on an outdated snapshot",
        "Compares versions and judges only what the snapshot contained",
        &[
            "tests/scenarios/vote-during-a-look.txt",
            "bot/src/domain/observation/tests.rs::case_95_a_sighting_is_outdated_by_what_it_was_made_from",
            "bot/src/domain/observation/tests.rs::case_95_only_votes_that_were_there_are_judged",
        ],
    ),
    case(
        96,
        "Policy changed while the bot is running",
        "Reloads all or nothing, on SIGHUP or by command; a removed approver's vote is void before the next act",
        &[
            "tests/e2e/reload.rs::case_96_the_program_reads_its_configuration_again",
            "tests/scenarios/reloaded-role.txt",
            "tests/e2e/reload.rs::what_an_open_run_needs_cannot_be_taken_away",
        ],
    ),
    case(
        97,
        "Configuration file, parent folder or script that another user owns or can write",
        "Refuses to read or run it",
        &[
            "bot/src/config/rights.rs::case_97_what_is_read_or_run_is_ours_alone",
            "bot/src/config/rights.rs::case_97_nobody_can_swap_a_folder_above",
            "bot/src/config/tests/files.rs::case_69_case_97_folders_that_others_can_write_are_refused",
        ],
    ),
    case(
        98,
        "Trickle of slow, unsigned connections that occupies all slots",
        "Evicts the least active connection first and limits each address, so that genuine requests stay fast",
        &[
            "tests/e2e/http.rs::a_genuine_request_takes_the_place_of_one_that_hangs",
            "bot/src/http/tests.rs::an_address_above_its_share_gives_way_first",
            "bot/src/http/tests.rs::whoever_sent_least_gives_way_first",
        ],
    ),
    case(
        99,
        "Rollback that would remove changes this run never deployed",
        "Lists the commits, authors and runs, and continues only when the target is typed",
        &[
            "tests/scenarios/rollback-foreign.txt",
            "tests/scenarios/rollback-past-another-run.txt",
            "bot/src/domain/decide/deploy/tests.rs::a_rollback_is_stopped_by_what_it_would_take_away_and_by_a_freeze_of_everything",
        ],
    ),
    case(
        100,
        "Forbidden step taken outside the bot, such as a premature merge",
        "Reports the violation with its rule ID and attempts no repair",
        &[
            "tests/scenarios/merged-too-early.txt",
            "tests/scenarios/sre-merged-into-main.txt",
            "bot/src/domain/decide/observed/tests.rs::a_merge_comes_too_early_before_the_fix_is_live",
        ],
    ),
    case(
        101,
        "Fix that a bad merge removes from main, completely or partly",
        "Does not report the fix as present on main",
        &[
            "adapters/tests/forge_local/contain.rs::a_later_merge_that_drops_the_fix_is_named",
            "tests/scenarios/main-drops-the-fix.txt",
            "bot/src/domain/decide/observed/tests.rs::what_main_has_or_lost_is_told_once",
        ],
    ),
    case(
        102,
        "Journal rewritten with a new hash chain after its witnesses are deleted",
        "Detects the rewrite through an external anchor that the bot has no permission to change",
        &[],
    ),
    case(
        103,
        "HTTP request smuggling through chunked encoding combined with a length",
        "Answers 400, and sends Connection: close with the last response of a connection",
        &[
            "tests/e2e/http.rs::a_length_beside_chunks_is_refused",
            "bot/src/http/tests.rs::a_request_with_two_ends_is_refused",
            "bot/src/http/tests.rs::an_answer_before_the_body_says_that_it_is_the_last",
        ],
    ),
    case(
        104,
        "Hostile repository that alters the deployed tree through filters, export attributes or hooks",
        "Deploys the approved tree byte for byte",
        &["tests/e2e/scripts.rs::case_104_what_is_deployed_is_what_was_approved"],
    ),
    case(
        105,
        "Automatic deployment without valid approval",
        "Requires a full, nonempty quorum and a durable, cancelable countdown; never follows a failure or override",
        &[],
    ),
    case(
        106,
        "Delegation that extends the authority of the delegator",
        "Lasts at most 24 hours, goes to one uninvolved person, is not transferable and fills one seat for both",
        &[],
    ),
    case(
        107,
        "Emergency deployment that bypasses a freeze",
        "Requires an incident, a reason and a second person; never overrides a global freeze; a review is enforced",
        &[],
    ),
    case(
        108,
        "Automatic rollback that makes an outage worse",
        "Is opt-in, happens once per run and never crosses a migration or another run's deployment",
        &[],
    ),
    case(
        109,
        "Sign-in link consumed by a link scanner or another person",
        "Requires one same-origin POST within 60 seconds, bound to the person; rereads roles on each request",
        &[],
    ),
    case(
        110,
        "Repository-hosted configuration that executes code or grants trust",
        "Ignores such settings, verifies that the ref is protected and has no write access to it",
        &[],
    ),
    case(
        111,
        "Approval or deployment through a pull request comment",
        "Accepts none, except an approval that names the head of the open vote request",
        &[],
    ),
    case(
        112,
        "Replicas with different configurations",
        "Detects the difference and stops one replica from making decisions",
        &[],
    ),
    case(
        113,
        "Disclosure of an embargoed run to people outside its circle",
        "Omits the run from everything they can see, such as lists, notifications, metrics and branch names",
        &[],
    ),
];

const fn case(
    number: u16,
    threat: &'static str,
    defense: &'static str,
    tests: &'static [&'static str],
) -> SecurityCase {
    SecurityCase { number, threat, defense, tests }
}
