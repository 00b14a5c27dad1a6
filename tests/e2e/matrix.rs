//! Permissions by role, channel, account kind and input path, through the whole bot in Slack (figure A2; security cases
//! 20, 22, 30, 31, 37, 38 and 81). The expectations are the hand-written tables and [`expected`]; none are computed by
//! the code under test.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hotfix_fakes::slack::{Slack, Standing, Submitted};
use hotfix_tests::play::{Play, given};
use hotfix_tests::room::CHANNEL;
use hotfix_tests::world::{Options, Talk, World};

/// Result of a verb that the policy allows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    /// The command is recorded in the journal.
    Moves,
    /// The command is recorded only the first time.
    Once,
    /// The run refuses the command, by this rule.
    Says(&'static str),
}
use Then::{Moves, Once, Says};

/// Kind of a verb: it only records text, it changes a run, or it is a vote that counts for its caller.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Word,
    Change,
    Vote,
}
use Deed::{Change, Vote, Word};

/// Every verb that changes something: the command, the role it needs, its kind, its result, and the command that undoes
/// it. `{n}` is replaced by a new number each time, because a repeated text may have no effect.
#[rustfmt::skip]
const VERBS: [(&str, &str, Deed, Then, &str); 34] = [
    ("start payments \"Thing {n}\"",                         "requester", Change, Moves, ""),
    ("promote payments",                                     "requester", Change, Says("promotion.none"), ""),
    ("triage rest=yes HF-1",                                 "requester", Change, Moves, ""),
    ("agree HF-1",                                           "viewer",    Change, Says("agree.nothing"), ""),
    ("pick 0123abc HF-1",                                    "requester", Change, Says("commit.unknown"), ""),
    ("unpick 0123abc HF-1",                                  "requester", Change, Says("commit.unknown"), ""),
    ("approve HF-1",                                         "approver",  Vote,   Moves, "unapprove HF-1"),
    ("unapprove HF-1",                                       "approver",  Change, Says("vote.none"), ""),
    ("reject \"the numbers are wrong\" HF-1",                "approver",  Vote,   Moves, "unapprove HF-1"),
    ("break-glass production \"every payment fails by now\" --commit 0123abc --incident https://i.example.org/1 HF-1",
                                                             "viewer",    Vote,   Says("break-glass.off"), ""),
    ("identify jo@example.org ben HF-1",                     "captain",   Vote,   Says("identify.nobody"), ""),
    ("countersign ok HF-1",                                  "approver",  Vote,   Says("countersign.none"), ""),
    ("ack HF-1",                                             "requester", Word,   Once,  ""),
    ("hold \"my change needs the queue\" HF-1",              "requester", Word,   Moves, "unhold HF-1"),
    ("unhold HF-1",                                          "requester", Word,   Says("hold.none"), ""),
    ("verify staging pass \"look {n}\" HF-1",                "requester", Change, Moves, ""),
    ("deploy production HF-1",                               "requester", Change, Says("deploy.early"), ""),
    ("rollback production it is slow HF-1",                  "viewer",    Change, Says("rollback.nothing"), ""),
    ("skip approve-production \"no time\" HF-1",             "requester", Change, Says("step.must"), ""),
    ("override approve-production \"there is no time\" --incident https://i.example.org/1 HF-1",
                                                             "admin",     Vote,   Says("override.never"), ""),
    ("retry HF-1",                                           "requester", Change, Says("retry.nothing"), ""),
    ("abort \"never mind\" HF-1",                            "requester", Change, Says("abort.who"), ""),
    ("abandon \"never mind\" HF-1",                          "viewer",    Change, Says("abandon.who"), ""),
    ("drift rebase HF-1",                                    "requester", Change, Says("drift.none"), ""),
    ("lock payments/staging \"a load test\"",               "requester", Change, Says("lane.taken"), ""),
    ("renew payments/staging",                               "requester", Change, Says("lane.run"), ""),
    ("unlock payments/staging",                              "requester", Change, Says("lane.run"), ""),
    ("steal payments/staging \"they went home\"",            "captain",   Change, Says("lane.run"), ""),
    ("freeze payments \"the year ends\"",                    "admin",     Change, Moves, "unfreeze payments"),
    ("unfreeze payments",                                    "admin",     Change, Says("lane.free"), ""),
    ("mergeback waive \"it is temporary\" HF-1",             "captain",   Change, Says("mainline.early"), ""),
    ("note \"seen by many\" HF-1",                           "requester", Change, Moves, ""),
    ("postmortem https://example.org/pm HF-1",               "requester", Change, Says("MAIN-18"), ""),
    ("close HF-1",                                           "requester", Change, Says("APPLY-12"), ""),
];

const ROLES: [&str; 6] = ["none", "viewer", "requester", "approver", "captain", "admin"];
const KINDS: [&str; 7] = ["member", "guest", "one-channel", "stranger", "app", "gone", "unmapped"];
/// The service's own channel, the channel for all services, another channel, a shared channel for all services, and the
/// direct messages with the bot.
const CHANNELS: [&str; 5] = [CHANNEL, "incidents", "elsewhere", "with-others", "@"];
/// Time limit for a reply.
const PATIENCE: Duration = Duration::from_secs(10);
const WAYS: [&str; 6] = ["slash", "mention", "button", "reaction", "form", "shortcut"];

/// One command; each field is an index into its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    verb: usize,
    role: usize,
    kind: usize,
    channel: usize,
    way: usize,
}

impl Cell {
    fn verb(&self) -> &'static str {
        VERBS[self.verb].0.split(' ').next().unwrap_or_default()
    }

    /// Returns the name of the one user with this role and account kind.
    fn who(&self) -> String {
        format!("{}-{}", ROLES[self.role], KINDS[self.kind])
    }

    /// Returns whether the combination is possible: an unmapped account has no role, a vote request is in one channel,
    /// some forms open only in the run's channel, and a mention does not work in direct messages.
    fn exists(&self) -> bool {
        let (verb, own) = (self.verb(), CHANNELS[self.channel] == CHANNEL);
        if KINDS[self.kind] == "unmapped" && ROLES[self.role] != "none" {
            return false;
        }
        // An abandon by the captain would end the run that all other cells need.
        if verb == "abandon" && ROLES[self.role] == "captain" {
            return false;
        }
        let sees_the_run = own || ROLES[self.role] != "none";
        match WAYS[self.way] {
            "slash" => true,
            "mention" => CHANNELS[self.channel] != "@",
            "button" => own && verb == "approve",
            "reaction" => own && matches!(verb, "approve" | "reject"),
            // A form about a run opens for users who may view it (security case 81).
            "form" => verb == "start" || sees_the_run && matches!(verb, "hold" | "reject") || own && verb == "verify",
            _shortcut => own && verb == "note",
        }
    }
}

/// Returns the rule that refuses the command, in the order of the runbook for operators: account kind, person, role,
/// channel. `None` if the policy allows it.
fn expected(cell: &Cell) -> Option<&'static str> {
    let (line, needs, deed, ..) = VERBS[cell.verb];
    // For a user who may not view the service, its runs do not exist, except in the service's own channel.
    let somebody = KINDS[cell.kind] != "unmapped";
    if somebody && ROLES[cell.role] == "none" && CHANNELS[cell.channel] != CHANNEL && line.contains("HF-1") {
        return Some("run.unknown");
    }
    match (KINDS[cell.kind], ROLES[cell.role], CHANNELS[cell.channel]) {
        ("guest" | "one-channel", _, _) => Some("account.guest"),
        ("stranger", _, _) => Some("account.stranger"),
        ("app", _, _) => Some("account.bot"),
        ("gone", _, _) => Some("account.gone"),
        ("unmapped", _, _) => Some("person.unmapped"),
        (_, "none", _) => Some("service.unseen"),
        // No user is configured for break-glass.
        _ if cell.verb() == "break-glass" => Some("break-glass.off"),
        // Every role may view. Whose agreement is needed is decided by the run.
        (_, role, _) if role != needs && needs != "viewer" => Some("role.missing"),
        (_, _, "elsewhere") => Some("channel.wrong"),
        (_, _, "with-others") => Some("channel.shared"),
        (_, _, "@") if deed != Word => Some("channel.wrong"),
        _ => None,
    }
}

/// Returns, for every verb and input path, the allowed command and every command that differs from it in one part.
fn neighbours() -> BTreeSet<Cell> {
    let mut cells = BTreeSet::new();
    for (verb, (_, needs, ..)) in VERBS.iter().enumerate() {
        let role = ROLES.iter().position(|role| role == needs).expect("a role");
        for (way, said) in WAYS.iter().enumerate() {
            let base = Cell { verb, role, kind: 0, channel: 0, way };
            cells.insert(base);
            // A mention is parsed like a typed command, so every third verb is enough, plus the pairs below.
            if *said == "mention" && verb % 3 != 0 {
                continue;
            }
            cells.extend((0..ROLES.len()).map(|role| Cell { role, ..base }));
            cells.extend((0..KINDS.len()).map(|kind| Cell { kind, ..base }));
            cells.extend((0..KINDS.len()).map(|kind| Cell { kind, role: 0, ..base }));
            cells.extend((0..CHANNELS.len()).map(|channel| Cell { channel, ..base }));
        }
    }
    cells.into_iter().filter(Cell::exists).collect()
}

/// Returns the pairs of parts that a cell covers.
fn pairs(cell: &Cell) -> BTreeSet<[usize; 4]> {
    let parts = [cell.verb, cell.role, cell.kind, cell.channel, cell.way];
    let later = |a: usize| (a + 1..parts.len()).map(move |b| [a, parts[a], b, parts[b]]);
    (0..parts.len()).flat_map(later).collect()
}

/// Returns further cells, so that every possible pair of parts is covered.
fn pairwise(have: &BTreeSet<Cell>) -> BTreeSet<Cell> {
    let mut all = Vec::new();
    for verb in 0..VERBS.len() {
        for (role, kind) in (0..ROLES.len()).flat_map(|role| (0..KINDS.len()).map(move |kind| (role, kind))) {
            for (channel, way) in (0..CHANNELS.len()).flat_map(|at| (0..WAYS.len()).map(move |way| (at, way))) {
                all.push(Cell { verb, role, kind, channel, way });
            }
        }
    }
    all.retain(Cell::exists);
    // A deterministic order that mixes all parts.
    all.sort_by_key(|cell| {
        let place = ((cell.verb * 6 + cell.role) * 7 + cell.kind) * 30 + cell.channel * 6 + cell.way;
        place.wrapping_mul(2_654_435_761) % 1_000_003
    });
    let mut seen: BTreeSet<[usize; 4]> = have.iter().flat_map(pairs).collect();
    let mut more = BTreeSet::new();
    for cell in &all {
        if !pairs(cell).is_subset(&seen) {
            seen.extend(pairs(cell));
            more.insert(*cell);
        }
    }
    let possible: BTreeSet<[usize; 4]> = all.iter().flat_map(pairs).collect();
    assert_eq!(seen, possible, "every two parts that can come together do");
    more
}

/// A bot in Slack with a run that waits for production votes, and one user of every kind.
struct House {
    play: Play,
    /// The card at the top of the run's thread, the vote request, and a user's message.
    card: String,
    question: String,
    said: String,
    /// Number of commands so far.
    acts: AtomicUsize,
}

impl House {
    async fn open() -> Self {
        let options = Options { service: "payments".to_owned(), talk: Talk::Slack, ..Options::default() };
        let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
        let (mut people, mut roles) = (String::new(), String::new());
        let slack = play.world.room.as_ref().expect("a workspace").slack();
        let everybody = CHANNELS[1..4].iter().map(|name| slack.channel(name, &["ana", "hotfix"])).collect::<Vec<_>>();
        slack.share("with-others");
        for (role, kind) in ROLES.iter().flat_map(|role| KINDS.iter().map(move |kind| (*role, *kind))) {
            if kind == "unmapped" && role != "none" {
                continue;
            }
            let who = format!("{role}-{kind}");
            let standing = match kind {
                "guest" => Standing::Guest,
                "one-channel" => Standing::SingleChannelGuest,
                "stranger" => Standing::Stranger,
                "app" => Standing::Bot,
                _ => Standing::Member,
            };
            let id = slack.person(&who, standing);
            CHANNELS[..4].iter().for_each(|channel| slack.join(channel, &who));
            slack.say(&who, &format!("@{who}"), "Hello").await;
            if kind == "gone" {
                slack.deactivate(&who).await;
            }
            if kind != "unmapped" {
                let team = slack.team();
                people.push_str(&format!("\n[people.{who}]\nname = \"{who}\"\nslack = \"{team}/{id}\"\n"));
            }
        }
        for role in &ROLES[1..] {
            let holders = KINDS[..6].iter().map(|kind| format!("\"{role}-{kind}\"")).collect::<Vec<_>>().join(", ");
            let old = match *role {
                "viewer" => "\"eli\"",
                "requester" => "\"ana\", \"ben\", \"chi\", \"dee\"",
                "approver" => "\"ana\", \"ben\", \"dee\"",
                _captain => "\"dee\"",
            };
            roles.push_str(&format!("{role} = [{old}, {holders}]\n"));
        }
        let config = play.world.stage.config();
        let edit = |name: &str, change: &dyn Fn(&str) -> String| {
            let text = std::fs::read_to_string(config.join(name)).expect("a file");
            std::fs::write(config.join(name), change(&text)).expect("it can be written");
        };
        edit("people.toml", &|text| format!("{text}{people}"));
        edit("policy.toml", &|text| {
            let head = text.split_once("[services.payments.roles]").expect("roles").0;
            format!("{head}[services.payments.roles]\n{roles}")
        });
        let also = format!(
            "[chat]\nperson_per_minute = 100000\nservice_per_minute = 100000\nalso_in = [\"{}\", \"{}\"]\n",
            everybody[0], everybody[2]
        );
        edit("hotfix.toml", &|text| text.replace("[chat]\n", &also));
        play.world.restart().await.expect("the configuration is good");
        for act in given("a hotfix that is tested").expect("a way there") {
            play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
        }
        let run = play.world.newest().await.expect("a run");
        let question = run.vote_requests.values().next_back().expect("a question").message.id.clone();
        let said = play.world.room.as_ref().expect("a workspace").slack().say("ana", CHANNEL, "It is slow").await;
        Self { card: run.card.expect("a card").id, question, said, play, acts: AtomicUsize::new(0) }
    }

    fn slack(&self) -> &Slack {
        self.play.world.room.as_ref().expect("a workspace").slack()
    }

    /// Returns the versions of all runs, and the leases.
    async fn written(&self) -> String {
        let mut runs = self.play.world.engine().states().await;
        runs.sort_by_key(|run| run.id);
        let runs: Vec<_> = runs.into_iter().map(|run| (run.id, run.version)).collect();
        let leases = self.play.world.journal().leases().await.expect("the leases");
        format!("{runs:?} {leases:?}")
    }

    /// Returns the number of messages in the channels.
    fn public(&self) -> usize {
        CHANNELS[..4].iter().map(|channel| self.slack().messages(channel).len()).sum()
    }

    /// Performs the command; returns the new ephemeral messages to that user.
    async fn act(&self, cell: &Cell, who: &str, wait: bool) -> String {
        let slack = self.slack();
        let channel = if CHANNELS[cell.channel] == "@" { format!("@{who}") } else { CHANNELS[cell.channel].to_owned() };
        let number = self.acts.fetch_add(1, Ordering::Relaxed).to_string();
        let line = VERBS[cell.verb].0.replace("{n}", &number);
        let before = alone(slack, who, &channel);
        match WAYS[cell.way] {
            "slash" => assert!(slack.command(who, &channel, &format!("/hotfix {line}")).await.taken(), "{cell:?}"),
            "mention" if channel == CHANNEL => {
                slack.reply(who, &channel, &self.card, &format!("@hotfix {line}")).await;
            }
            "mention" => drop(slack.say(who, &channel, &format!("@hotfix {line}")).await),
            "button" => drop(slack.press(who, &channel, &self.question, "Approve").await),
            "reaction" => {
                let name = if cell.verb() == "approve" { "+1" } else { "-1" };
                slack.react(who, &channel, &self.question, name).await;
            }
            "form" => return self.form(cell, who, &channel, &number).await,
            _shortcut => drop(slack.message_shortcut(who, &channel, &self.said, "add_to_hotfix").await),
        }
        if wait {
            let answer = slack.until("a word", |slack| alone(slack, who, &channel).len() > before.len());
            // A missing reply is reported like a wrong one.
            let _ = tokio::time::timeout(PATIENCE, answer).await;
        }
        // Thread messages are listed before later channel messages, so new lines are found by removing the old ones.
        let mut new = alone(slack, who, &channel);
        for old in before {
            let at = new.iter().position(|line| *line == old);
            at.map(|at| new.remove(at));
        }
        new.join("\n")
    }

    /// Sends the verb without its arguments, which opens a form; a user without permission is told on submission.
    async fn form(&self, cell: &Cell, who: &str, channel: &str, number: &str) -> String {
        let slack = self.slack();
        let (opens, answers): (_, &[(&str, &str)]) = match cell.verb() {
            "start" => ("start payments", &[("title", number)]),
            "hold" => ("hold HF-1", &[("reason", "my change needs the queue")]),
            "reject" => ("reject HF-1", &[("reason", "the numbers are wrong")]),
            _verify => ("verify staging", &[("verdict", "pass"), ("note", number)]),
        };
        slack.command(who, channel, &format!("/hotfix {opens}")).await;
        slack.until(&format!("the form of {cell:?}"), |slack| slack.modal(who).is_some()).await;
        assert_eq!(slack.submit(who, answers).await, Submitted::Shown, "{cell:?}");
        let told = slack.modal(who).expect("an answer");
        while slack.modal(who).is_some() {
            slack.close(who).await;
        }
        told
    }

    /// Checks one cell: a denied command leaves no trace in the journal, and only its caller is told the rule. Returns
    /// the deviation, if any.
    async fn check(&self, cell: &Cell) -> Option<String> {
        let who = cell.who();
        let (written, public) = (self.written().await, self.public());
        let (denied, then) = (expected(cell), VERBS[cell.verb].3);
        let answered = denied.is_some() || matches!(then, Says(_));
        let told = self.act(cell, &who, answered).await;
        let moved = self.written().await != written;
        let own_words = usize::from(WAYS[cell.way] == "mention");
        let good = match (denied, then) {
            (Some(rule), _) | (None, Says(rule)) => told.contains(rule) && !moved,
            (None, Moves) => moved,
            (None, Once) => !told.contains("Nothing was done"),
        };
        let mut wrong = Vec::new();
        if !good {
            wrong.push(format!("wanted {denied:?} {then:?}, in the journal: {moved}, told: {told}"));
        }
        if self.public() != public + own_words {
            wrong.push(format!("everybody read of it: {told}"));
        }
        let undo = VERBS[cell.verb].4;
        if denied.is_none() && !undo.is_empty() {
            let written = self.written().await;
            self.slack().command(&who, CHANNEL, &format!("/hotfix {undo}")).await;
            if self.written().await == written {
                wrong.push(format!("{undo} did nothing: {:?}", alone(self.slack(), &who, CHANNEL).pop()));
            }
        }
        let (line, channel, way) = (VERBS[cell.verb].0, CHANNELS[cell.channel], WAYS[cell.way]);
        (!wrong.is_empty()).then(|| format!("{line} by {who} in {channel} by {way}: {}", wrong.join("; ")))
    }
}

/// Returns the ephemeral messages that a user sees in a channel.
fn alone(slack: &Slack, who: &str, channel: &str) -> Vec<String> {
    slack.sees(who, channel).lines().filter(|line| line.contains("only you see this")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_matrix_is_as_it_is_written() {
    let mut cells = neighbours();
    let more = pairwise(&cells);
    cells.extend(more);
    assert!(cells.len() >= 500, "{} cells", cells.len());
    let house = House::open().await;
    let mut wrong = Vec::new();
    for cell in &cells {
        wrong.extend(house.check(cell).await);
    }
    assert!(wrong.is_empty(), "{} of {} cells are otherwise:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    let yes = cells.iter().filter(|cell| expected(cell).is_none()).count();
    assert!(yes >= 60, "{yes} of {} cells were let through", cells.len());
    let text = hotfix_denials(&house);
    for rule in
        ["person.unmapped", "service.unseen", "role.missing", "account.guest", "account.stranger", "account.bot"]
    {
        let told = cells.iter().filter(|cell| expected(cell) == Some(rule)).count();
        assert_eq!(
            text.iter().find(|(name, _)| *name == rule).map(|(_, count)| *count),
            u64::try_from(told).ok(),
            "{rule}"
        );
    }
}

/// Returns the number of denials by rule, as the metrics show them.
fn hotfix_denials(house: &House) -> Vec<(&'static str, u64)> {
    house.play.world.engine().pulse().denials().collect()
}

/// Every verb that changes something is in the table, so that no new one is forgotten.
#[test]
fn no_verb_is_forgotten() {
    let there: BTreeSet<&str> = VERBS.iter().map(|verb| verb.0.split(' ').next().unwrap_or_default()).collect();
    let looks = ["plan", "status", "list", "where", "who", "locks", "timeline", "whoami", "help", "ping"];
    for verb in hotfix::command::VERBS.iter().filter(|verb| !looks.contains(&verb.name)) {
        assert!(there.contains(verb.name), "{} is not in the matrix", verb.name);
    }
}
