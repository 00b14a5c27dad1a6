//! Who may do what, from where, by which account and by which way, through the whole bot in Slack (figure A2; security cases
//! 20, 22, 30, 31, 37, 38 and 81). What is expected stands in the tables and in [`expected`], written by hand; nothing of
//! the code under test is asked.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hotfix_fakes::slack::{Slack, Standing, Submitted};
use hotfix_tests::play::{Play, given};
use hotfix_tests::room::CHANNEL;
use hotfix_tests::world::{Options, Talk, World};

/// What comes of a verb when nobody minds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    /// It is in the journal.
    Moves,
    /// It moves the first time.
    Once,
    /// The run itself has something against it, by this rule.
    Says(&'static str),
}
use Then::{Moves, Once, Says};

/// What kind of thing a verb does: it binds nobody, it changes something, or it counts because of who says it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    Word,
    Change,
    Vote,
}
use Deed::{Change, Vote, Word};

/// Every verb that changes something: as it is typed, the role it takes, what it does, and what undoes it. A word that is
/// said a second time may be no news, so `{n}` is another one each time.
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
/// The service's own, one that is for every service, another, one for every service that is shared, and a conversation with
/// the bot alone.
const CHANNELS: [&str; 5] = [CHANNEL, "incidents", "elsewhere", "with-others", "@"];
/// For how long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const WAYS: [&str; 6] = ["slash", "mention", "button", "reaction", "form", "shortcut"];

/// One act, each part by its place in its list.
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

    /// Who is like that: one person each.
    fn who(&self) -> String {
        format!("{}-{}", ROLES[self.role], KINDS[self.kind])
    }

    /// Whether this can be at all: an account that nobody knows has no role, a question stands in one channel, some forms open where the run is, a
    /// mention is nothing in a conversation with the bot.
    fn exists(&self) -> bool {
        let (verb, own) = (self.verb(), CHANNELS[self.channel] == CHANNEL);
        if KINDS[self.kind] == "unmapped" && ROLES[self.role] != "none" {
            return false;
        }
        // A captain's word would end the run that all others need.
        if verb == "abandon" && ROLES[self.role] == "captain" {
            return false;
        }
        let sees_the_run = own || ROLES[self.role] != "none";
        match WAYS[self.way] {
            "slash" => true,
            "mention" => CHANNELS[self.channel] != "@",
            "button" => own && verb == "approve",
            "reaction" => own && matches!(verb, "approve" | "reject"),
            // A form about a run opens for who may see it (security case 81).
            "form" => verb == "start" || sees_the_run && matches!(verb, "hold" | "reject") || own && verb == "verify",
            _shortcut => own && verb == "note",
        }
    }
}

/// The rule that says no, in the words of the runbook for operators: first what the account is, then who that is, then the
/// role, and at last where it was said. `None` is a yes of the policy.
fn expected(cell: &Cell) -> Option<&'static str> {
    let (line, needs, deed, ..) = VERBS[cell.verb];
    // To somebody who may not see the service its runs are not there; in its own channel they are seen anyway.
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
        // Nobody is listed for it.
        _ if cell.verb() == "break-glass" => Some("break-glass.off"),
        // Whoever has any role may look; whose agreement is asked for is for the run to say.
        (_, role, _) if role != needs && needs != "viewer" => Some("role.missing"),
        (_, _, "elsewhere") => Some("channel.wrong"),
        (_, _, "with-others") => Some("channel.shared"),
        (_, _, "@") if deed != Word => Some("channel.wrong"),
        _ => None,
    }
}

/// For every verb and way the act that is let through, and every act in which one thing alone is otherwise.
fn neighbours() -> BTreeSet<Cell> {
    let mut cells = BTreeSet::new();
    for (verb, (_, needs, ..)) in VERBS.iter().enumerate() {
        let role = ROLES.iter().position(|role| role == needs).expect("a role");
        for (way, said) in WAYS.iter().enumerate() {
            let base = Cell { verb, role, kind: 0, channel: 0, way };
            cells.insert(base);
            // A mention is read as what is typed is: of it every third verb will do, and what the pairs bring.
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

/// The pairs of parts that a cell shows.
fn pairs(cell: &Cell) -> BTreeSet<[usize; 4]> {
    let parts = [cell.verb, cell.role, cell.kind, cell.channel, cell.way];
    let later = |a: usize| (a + 1..parts.len()).map(move |b| [a, parts[a], b, parts[b]]);
    (0..parts.len()).flat_map(later).collect()
}

/// So many more that every two parts that can come together do.
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
    // In an order that mixes all parts and is the same every time.
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

/// A bot in Slack with a run that waits for votes for production, and everybody there.
struct House {
    play: Play,
    /// Where the run's thread is, the question, and what somebody said.
    card: String,
    question: String,
    said: String,
    /// How many acts there were.
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

    /// How far all runs are, and who holds what.
    async fn written(&self) -> String {
        let mut runs = self.play.world.engine().states().await;
        runs.sort_by_key(|run| run.id);
        let runs: Vec<_> = runs.into_iter().map(|run| (run.id, run.version)).collect();
        let leases = self.play.world.journal().leases().await.expect("the leases");
        format!("{runs:?} {leases:?}")
    }

    /// How much everybody can read.
    fn public(&self) -> usize {
        CHANNELS[..4].iter().map(|channel| self.slack().messages(channel).len()).sum()
    }

    /// Does it, and answers what was said to that person alone about it.
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
            // Nothing at all is as wrong as a wrong word, and is told with the others.
            let _ = tokio::time::timeout(PATIENCE, answer).await;
        }
        // What is said in a thread stands before what was said below it, so the new is what was not there.
        let mut new = alone(slack, who, &channel);
        for old in before {
            let at = new.iter().position(|line| *line == old);
            at.map(|at| new.remove(at));
        }
        new.join("\n")
    }

    /// The verb without what it needs opens a form; whoever may not is told when they hand it in.
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

    /// One cell, checked: what the policy denies is nowhere in the journal, and the rule is told to that person alone.
    /// Answers what is otherwise.
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

/// What only this person sees in a channel, a message each.
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

/// How often each rule said no, as operators see it.
fn hotfix_denials(house: &House) -> Vec<(&'static str, u64)> {
    house.play.world.engine().pulse().denials().collect()
}

/// Every verb that changes something is in the table: a new one cannot be forgotten.
#[test]
fn no_verb_is_forgotten() {
    let there: BTreeSet<&str> = VERBS.iter().map(|verb| verb.0.split(' ').next().unwrap_or_default()).collect();
    let looks = ["plan", "status", "list", "where", "who", "locks", "timeline", "whoami", "help", "ping"];
    for verb in hotfix::command::VERBS.iter().filter(|verb| !looks.contains(&verb.name)) {
        assert!(there.contains(verb.name), "{} is not in the matrix", verb.name);
    }
}
