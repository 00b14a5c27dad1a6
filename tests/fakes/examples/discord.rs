//! A Discord to try the bot against, without Discord: `cargo run -p hotfix-fakes --example discord`. It prints the
//! `[chat.discord]` to put into hotfix.toml and the numbers for people.toml, and then does what is typed:
//!
//! ```text
//! ana: /hotfix start service=payments  a sub-command with its options, in #hotfixes; a text with blanks stands in quotes
//! ana: /hotfix do text="status"        anything that can be typed
//! ben: ✅                              reacts to the newest question; ❌ is the other one, `take back ✅` takes it back
//! ben: press Approve                   presses a button of that message, or of the newest that has it
//! ana: fill What is broken?=Fix 500; Ticket=PAY-1      hands in the form that is open
//! ana: add the queue is full           says so, and keeps it with the run by the menu of that message
//! ana sees                             prints what ana sees in #hotfixes, below it, and in the conversation with the bot
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::BufRead as _;
use std::time::Duration;

use hotfix_fakes::discord::DiscordFake;
use serde_json::{Value, json};

const PEOPLE: [&str; 4] = ["ana", "ben", "chris", "dana"];
const TOKEN: &str = "token-of-the-bot";
/// How long the bot has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

struct Team {
    discord: DiscordFake,
    people: Vec<u64>,
    channel: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let discord = DiscordFake::start(TOKEN).await;
    let people: Vec<u64> = PEOPLE.into_iter().map(|name| discord.person(name)).collect();
    let channel = discord.channel("hotfixes");
    for (name, number) in PEOPLE.iter().zip(&people) {
        println!("{name}: discord = \"{number}\"");
    }
    println!("channel = \"{channel}\"");
    println!("application_id = \"{}\"\nservers = [\"{}\"]", discord.app(), discord.guild());
    println!("api_url = \"{}\"\nthe token is {TOKEN}", discord.api_url());
    let (lines, mut typed) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    let team = std::sync::Arc::new(Team { discord, people, channel });
    while let Some(line) = typed.recv().await {
        let now = jiff::Timestamp::now().as_millisecond() - team.discord.now_ms();
        team.discord.pass(Duration::from_millis(u64::try_from(now).unwrap_or_default()));
        // What nobody can do in Discord panics in the fake, and must not end all of it.
        let doing = team.clone();
        let _ = tokio::spawn(async move { doing.does(line.trim()).await }).await;
    }
}

impl Team {
    async fn does(&self, line: &str) {
        if let Some(who) = line.strip_suffix(" sees") {
            return self.shows(self.number(who));
        }
        let Some((who, words)) = line.split_once(": ") else { return };
        let who = self.number(who);
        if let Some(command) = words.strip_prefix('/') {
            let (command, options) = parsed(command);
            let options: Vec<(&str, Value)> =
                options.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            self.answer(self.discord.run(who, self.channel, &command, &options)).await;
        } else if let Some(fields) = words.strip_prefix("fill ") {
            self.fills(who, fields).await;
        } else if let Some(text) = words.strip_prefix("add ") {
            let said = self.discord.say(who, self.channel, text);
            self.answer(self.discord.choose(who, said, "Add to hotfix")).await;
        } else if let Some(label) = words.strip_prefix("press ") {
            let button = format!("[{label}]");
            let Some(message) = self.newest(who, &button) else { return println!("nothing has a button {label}") };
            self.answer(self.discord.press(who, message, label)).await;
        } else {
            let Some(question) = self.newest(who, "may this go to") else { return println!("nothing is asked") };
            match words.strip_prefix("take back ") {
                Some(emoji) => self.discord.unreact(who, question, emoji),
                None => self.discord.react(who, question, words),
            }
        }
    }

    fn number(&self, who: &str) -> u64 {
        let found = PEOPLE.iter().zip(&self.people).find(|(name, _)| **name == who);
        *found.unwrap_or_else(|| panic!("nobody is called {who}: there are {}", PEOPLE.join(", "))).1
    }

    /// The channel, its threads, and the conversation with the bot.
    fn places(&self, who: u64) -> Vec<u64> {
        let below = self.discord.threads(self.channel).into_iter().map(|(thread, _)| thread);
        [self.channel].into_iter().chain(below).chain([self.discord.direct(who)]).collect()
    }

    /// The newest message of the bot with these words in it.
    fn newest(&self, who: u64, words: &str) -> Option<u64> {
        let posted = self.places(who).into_iter().flat_map(|place| self.discord.posted(place));
        posted.filter(|message| self.discord.message(*message).contains(words)).max()
    }

    fn shows(&self, who: u64) {
        for place in self.places(who) {
            println!("--- {place} ---\n{}", self.discord.seen(who, place));
        }
        if let Some(form) = self.discord.modal(who) {
            println!("--- open: {} ---", form.title);
            for input in form.inputs {
                println!("{}{}: {}", input.label, if input.required { " *" } else { "" }, input.value);
            }
        }
    }

    async fn fills(&self, who: u64, fields: &str) {
        let Some(form) = self.discord.modal(who) else { return println!("no form is open") };
        let field = |field: &str| {
            let (label, text) = field.split_once('=')?;
            let input = form.inputs.iter().find(|input| input.label == label.trim())?;
            Some((input.custom_id.clone(), text.trim().to_owned()))
        };
        let fields: Vec<(String, String)> = fields.split(';').filter_map(field).collect();
        let texts: Vec<(&str, &str)> = fields.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
        self.answer(self.discord.submit(who, &texts)).await;
    }

    async fn answer(&self, act: u64) {
        match tokio::time::timeout(PATIENCE, self.discord.answered(act)).await {
            Ok(answer) => println!("{answer:?}"),
            Err(_) => println!("the bot does not answer"),
        }
    }
}

/// `hotfix start service=payments title="Fix 500"`: the command and its options.
fn parsed(line: &str) -> (String, Vec<(String, Value)>) {
    let (mut command, mut options, mut rest) = (Vec::new(), Vec::new(), line.trim());
    while !rest.is_empty() {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after.trim_start();
        let Some(value) = rest.strip_prefix('=') else {
            command.push(word);
            continue;
        };
        let (value, after) = match value.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
            Some(quoted) => quoted,
            None => value.split_once(' ').unwrap_or((value, "")),
        };
        let value = match value {
            "true" => json!(true),
            "false" => json!(false),
            text => json!(text),
        };
        options.push((word.to_owned(), value));
        rest = after.trim_start();
    }
    (command.join(" "), options)
}
