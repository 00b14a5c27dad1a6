//! Plain-text rendering of channels, modals and App Home tabs as a given user sees them.

use std::fmt::Write as _;

use serde_json::Value;

use super::Slack;
use super::state::{Channel, Kind, Message, World};

impl Slack {
    /// Renders a channel as a user sees it: messages in order, threads indented below their roots, and the
    /// user's ephemeral messages.
    ///
    /// # Panics
    /// Panics if the user cannot see the channel.
    #[must_use]
    pub fn sees(&self, who: &str, channel: &str) -> String {
        let world = self.site.world();
        let (user, room) = (&world.user(who).id, world.channel(channel));
        assert!(room.kind == Kind::Public || room.members.contains(user), "{who} does not see {channel}");
        let mut out = String::new();
        let shown = |message: &&Message| message.only_for.as_ref().is_none_or(|only| only == user);
        let messages: Vec<&Message> = room.messages.iter().filter(shown).collect();
        for root in messages.iter().filter(|it| it.thread.is_none()) {
            message(&world, root, "", &mut out);
            for answer in messages.iter().filter(|it| it.thread.as_ref() == Some(&root.ts)) {
                message(&world, answer, "    ", &mut out);
            }
        }
        if room.archived {
            out.push_str("(archived)\n");
        }
        out
    }

    /// Renders the user's top modal, with the errors that the app reported. `None` if no modal is open.
    #[must_use]
    pub fn modal(&self, who: &str) -> Option<String> {
        let world = self.site.world();
        let user = &world.user(who).id;
        let view = &world.views[world.stacks.get(user)?.last()?];
        let empty = std::collections::BTreeMap::new();
        let wrong = world.wrong.get(user).unwrap_or(&empty);
        let word = |key: &str| view[key]["text"].as_str().map(|text| format!("[{text}]"));
        let mut out = format!("=== {} ===\n", view["title"]["text"].as_str().unwrap_or_default());
        for block in view["blocks"].as_array().into_iter().flatten() {
            for line in lines(&world, block) {
                let _ = writeln!(out, "{line}");
            }
            if let Some(why) = block["block_id"].as_str().and_then(|id| wrong.get(id)) {
                let _ = writeln!(out, "  ! {why}");
            }
        }
        let buttons: Vec<String> = [word("close"), word("submit")].into_iter().flatten().collect();
        let _ = writeln!(out, "{}", buttons.join(" "));
        Some(out)
    }

    /// Renders the App Home of a user. `None` if none was published.
    #[must_use]
    pub fn home(&self, who: &str) -> Option<String> {
        let world = self.site.world();
        let view = world.homes.get(&world.user(who).id)?;
        let blocks = view["blocks"].as_array()?.iter();
        Some(blocks.flat_map(|block| lines(&world, block)).map(|line| line + "\n").collect())
    }

    /// Returns the `ts` of all messages in a channel, oldest first, including threads and excluding ephemeral messages.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<String> {
        let world = self.site.world();
        let shown = world.channel(channel).messages.iter().filter(|message| message.only_for.is_none());
        shown.map(|message| message.ts.clone()).collect()
    }

    /// Returns the `ts` of the newest message in a channel that contains `text` and that the user can see,
    /// including ephemeral messages.
    ///
    /// # Panics
    /// Panics if there is no such message.
    #[must_use]
    pub fn find(&self, who: &str, channel: &str, text: &str) -> String {
        let world = self.site.world();
        let (user, room) = (&world.user(who).id, world.channel(channel));
        let fits = |it: &&Message| {
            let mut out = String::new();
            message(&world, it, "", &mut out);
            it.only_for.as_ref().is_none_or(|only| only == user) && out.contains(text)
        };
        let found = room.messages.iter().rev().find(fits);
        found.unwrap_or_else(|| panic!("{text} is not in {channel}")).ts.clone()
    }

    /// Returns the metadata of a message, which Slack shows to apps only.
    #[must_use]
    pub fn metadata(&self, channel: &str, ts: &str) -> Option<Value> {
        let world = self.site.world();
        let room: &Channel = world.channel(channel);
        room.messages.iter().find(|message| message.ts == ts)?.metadata.clone()
    }
}

fn message(world: &World, message: &Message, indent: &str, out: &mut String) {
    let author = world.users.get(&message.author).map_or("somebody", |user| user.name.as_str());
    let only = if message.only_for.is_some() { " (only you see this)" } else { "" };
    let all = if message.broadcast { " (also sent to the channel)" } else { "" };
    let edited = if message.edited { " (edited)" } else { "" };
    let mut said: Vec<String> = message.blocks.iter().flat_map(|block| lines(world, block)).collect();
    if said.is_empty() {
        said = plain(world, &message.text).lines().map(str::to_owned).collect();
    }
    let attached = message.attachments.iter().filter_map(|it| it["text"].as_str().or(it["fallback"].as_str()));
    said.extend(attached.map(|text| format!("| {}", plain(world, text))));
    let mut said = said.into_iter();
    let first = said.next().unwrap_or_default();
    let _ = writeln!(out, "{indent}{author}{only}{all}: {first}{edited}");
    for line in said {
        let _ = writeln!(out, "{indent}  {line}");
    }
    for (name, users) in &message.reactions {
        let who: Vec<&str> = users.iter().map(|id| world.users[id].name.as_str()).collect();
        let _ = writeln!(out, "{indent}  :{name}: {}", who.join(", "));
    }
}

fn lines(world: &World, block: &Value) -> Vec<String> {
    let text = |it: &Value| plain(world, it["text"].as_str().unwrap_or_default());
    let list = |key: &str| block[key].as_array().into_iter().flatten();
    let all = match block["type"].as_str().unwrap_or_default() {
        "section" => {
            let main = block.get("text").map(text).into_iter().chain(list("fields").map(text));
            let beside = block.get("accessory").map(|it| element(world, it));
            main.chain(beside).collect::<Vec<_>>().join("\n")
        }
        "header" => format!("# {}", text(&block["text"])),
        "divider" => "---".to_owned(),
        "context" => list("elements").map(|it| element(world, it)).collect::<Vec<_>>().join(" "),
        "actions" => list("elements").map(|it| element(world, it)).collect::<Vec<_>>().join(" "),
        "input" => {
            let must = if block["optional"] == true { "" } else { "*" };
            format!("{}{must}: {}", text(&block["label"]), element(world, &block["element"]))
        }
        "markdown" => block["text"].as_str().unwrap_or_default().to_owned(),
        "image" => format!("[image: {}]", block["alt_text"].as_str().unwrap_or_default()),
        _ => spoken(world, block),
    };
    all.lines().map(str::to_owned).collect()
}

/// Renders a rich text block; its sections and list items are on separate lines.
fn spoken(world: &World, value: &Value) -> String {
    let text = value["text"].as_str();
    match value["type"].as_str().unwrap_or_default() {
        "text" => text.unwrap_or_default().to_owned(),
        "user" => plain(world, &format!("<@{}>", value["user_id"].as_str().unwrap_or_default())),
        "channel" => plain(world, &format!("<#{}>", value["channel_id"].as_str().unwrap_or_default())),
        "usergroup" => plain(world, &format!("<!subteam^{}>", value["usergroup_id"].as_str().unwrap_or_default())),
        "link" => {
            let url = value["url"].as_str().unwrap_or_default();
            text.map_or_else(|| url.to_owned(), |label| format!("{label} ({url})"))
        }
        kind => {
            let parts = value["elements"].as_array().into_iter().flatten().map(|it| spoken(world, it));
            let between = if ["rich_text", "rich_text_list"].contains(&kind) { "\n" } else { "" };
            parts.collect::<Vec<_>>().join(between)
        }
    }
}

fn element(world: &World, it: &Value) -> String {
    let words = |key: &str| it[key]["text"].as_str().unwrap_or_default();
    match it["type"].as_str().unwrap_or_default() {
        "plain_text" | "mrkdwn" => plain(world, it["text"].as_str().unwrap_or_default()),
        "image" => format!("[image: {}]", it["alt_text"].as_str().unwrap_or_default()),
        "button" => format!("[{}]", words("text")),
        "plain_text_input" => format!("[{}]", it["initial_value"].as_str().unwrap_or("____")),
        kind => {
            let options = it["options"].as_array().into_iter().flatten();
            let options: Vec<&str> = options.filter_map(|option| option["text"]["text"].as_str()).collect();
            format!("[{kind}: {}]", options.join(" | "))
        }
    }
}

/// Renders mrkdwn: replaces ids with names, shows links with their labels, and unescapes text.
fn plain(world: &World, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after)) = after.split_once('>') else {
            out.push('<');
            rest = after;
            continue;
        };
        let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
        let name = |id: &str| world.users.get(id).map(|user| user.name.clone());
        let room = |id: &str| world.channels.get(id).map(|room| room.name.clone());
        let shown = match target.split_at_checked(1) {
            Some(("@", id)) => format!("@{}", name(id).as_deref().or(label).unwrap_or("someone")),
            Some(("#", id)) => format!("#{}", room(id).as_deref().or(label).unwrap_or("a-channel")),
            Some(("!", command)) => {
                let group = command.strip_prefix("subteam^").and_then(|id| {
                    world.groups.iter().find(|group| group.id == id).map(|group| format!("@{}", group.handle))
                });
                // A date's fallback text is after its last bar.
                group
                    .or(label.map(|label| label.rsplit('|').next().unwrap_or_default().to_owned()))
                    .unwrap_or_else(|| format!("@{command}"))
            }
            Some(_) | None => label.map_or_else(|| target.to_owned(), |label| format!("{label} ({target})")),
        };
        out.push_str(&shown);
        rest = after;
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
