//! A Slack to try the bot against, without Slack: `cargo run -p hotfix-fakes --example slack`. It prints the `[chat.slack]` to
//! put into hotfix.toml and the ids for people.toml, and then does what is typed:
//!
//! ```text
//! ana: /hotfix start payments          a slash command in #hotfixes
//! ben: +1                              reacts to the newest message with buttons; -1 is the other one
//! ben: press Approve                   presses a button of that message
//! ana: fill What is broken?=Fix 500; Ticket=PAY-1      hands in the form that is open
//! ana: home                            opens the page of the bot
//! ana sees                             prints what ana sees in #hotfixes
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::io::BufRead as _;

use hotfix_fakes::slack::{APP_TOKEN, BOT_TOKEN, Slack, Standing};

const PEOPLE: [&str; 4] = ["ana", "ben", "chris", "dana"];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let slack = Slack::start().await;
    slack.grant_also("channels:history");
    slack.deliver_over_sockets();
    let team = slack.team();
    for name in PEOPLE {
        println!("{name}: slack = \"{team}/{}\"", slack.person(name, Standing::Member));
    }
    let members: Vec<&str> = PEOPLE.into_iter().chain(["hotfix"]).collect();
    println!("channel = \"{}\"", slack.channel("hotfixes", &members));
    println!("app_id = \"{}\"\nteams = [\"{team}\"]\napi_url = \"{}/api/\"", slack.app(), slack.url());
    println!("the token is {BOT_TOKEN}, the app token {APP_TOKEN}");
    let (lines, mut typed) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = typed.recv().await {
        // A word that nobody does here panics in the fake, and must not end the whole Slack.
        slack.set_time(jiff::Timestamp::now());
        does(&slack, line.trim()).await;
    }
}

async fn does(slack: &Slack, line: &str) {
    if let Some(who) = line.strip_suffix(" sees") {
        println!("{}", slack.sees(who, "hotfixes"));
        if let Some(modal) = slack.modal(who) {
            println!("--- open ---\n{modal}");
        }
        return;
    }
    let Some((who, words)) = line.split_once(": ") else { return };
    if words.starts_with('/') {
        println!("{:?}", slack.command(who, "hotfixes", words).await);
    } else if words == "home" {
        slack.open_home(who).await;
        slack.until("the page", |slack| slack.home(who).is_some()).await;
        println!("{}", slack.home(who).unwrap_or_default());
    } else if let Some(fields) = words.strip_prefix("fill ") {
        let values: Vec<(&str, &str)> = fields
            .split(';')
            .filter_map(|field| field.split_once('='))
            .map(|(id, value)| (id.trim(), value.trim()))
            .collect();
        println!("{:?}", slack.submit(who, &values).await);
    } else {
        let ts = slack.find(who, "hotfixes", "may this go to");
        match words.strip_prefix("press ") {
            Some(label) => println!("{:?}", slack.press(who, "hotfixes", &ts, label).await),
            None => slack.react(who, "hotfixes", &ts, words).await,
        }
    }
}
