//! Setup and administration: users, channels and user groups of the workspace, and the configuration of the app.

use serde_json::json;

use super::state::{Delivery, Group, Kind, Standing, Urls, User, World};
use super::{Slack, payloads, staff};

pub(super) fn add(world: &mut World, name: &str, standing: Standing) -> String {
    let id = world.id("U");
    let team = if standing == Standing::Stranger { "T0FAKE0ELSE".to_owned() } else { world.team.clone() };
    let (name, email) = (name.to_owned(), format!("{name}@example.org"));
    world.users.insert(id.clone(), User { id: id.clone(), team, name, email, standing, deleted: false });
    id
}

impl Slack {
    /// Adds a user to the workspace and returns the user id.
    pub fn person(&self, name: &str, standing: Standing) -> String {
        add(&mut self.site.world(), name, standing)
    }

    /// Returns the user id of the bot.
    #[must_use]
    pub fn bot(&self) -> String {
        self.site.world().bot.clone()
    }

    /// Returns the id of the workspace (`T…`).
    #[must_use]
    pub fn team(&self) -> String {
        self.site.world().team.clone()
    }

    /// Returns the id of the app (`A…`).
    #[must_use]
    pub fn app(&self) -> String {
        self.site.world().app_id()
    }

    /// Makes the workspace part of an Enterprise Grid organization. With `org_wide`, the app is installed for the whole
    /// organization and payloads carry no team.
    pub fn enterprise(&self, id: &str, org_wide: bool) {
        let mut world = self.site.world();
        (world.enterprise, world.org_wide) = (Some(id.to_owned()), org_wide);
    }

    /// Creates a public channel with these members and returns its id. The bot is a member only if it is listed.
    pub fn channel(&self, name: &str, members: &[&str]) -> String {
        self.room(name, Kind::Public, members)
    }

    /// Creates a private channel with these members and returns its id.
    pub fn private_channel(&self, name: &str, members: &[&str]) -> String {
        self.room(name, Kind::Private, members)
    }

    fn room(&self, name: &str, kind: Kind, members: &[&str]) -> String {
        let mut world = self.site.world();
        let members: Vec<String> = members.iter().map(|who| world.user(who).id.clone()).collect();
        world.add_channel(name, kind, &members)
    }

    /// Returns the id of a channel, or of ada's direct messages with the bot for `@ada`.
    #[must_use]
    pub fn channel_id(&self, channel: &str) -> String {
        self.site.world().channel(channel).id.clone()
    }

    /// Archives a channel. The Web API then refuses messages and reactions in it (`is_archived`).
    pub fn archive(&self, channel: &str) {
        self.change(channel, |room| room.archived = true);
    }

    /// Shares a channel with another organization (`is_ext_shared`).
    pub fn share(&self, channel: &str) {
        self.change(channel, |room| room.shared = true);
    }

    /// Adds a user, or the bot, to a channel.
    pub fn join(&self, channel: &str, who: &str) {
        let id = self.site.world().user(who).id.clone();
        self.change(channel, |room| _ = room.members.insert(id));
    }

    /// Removes a user, or the bot, from a channel.
    pub fn leave(&self, channel: &str, who: &str) {
        let id = self.site.world().user(who).id.clone();
        self.change(channel, |room| _ = room.members.remove(&id));
    }

    fn change(&self, channel: &str, change: impl FnOnce(&mut super::state::Channel)) {
        let mut world = self.site.world();
        let id = world.channel(channel).id.clone();
        change(world.channels.get_mut(&id).expect("a channel"));
    }

    /// Deactivates a user's account and sends `user_change`.
    pub async fn deactivate(&self, who: &str) {
        let event = {
            let mut world = self.site.world();
            let id = world.user(who).id.clone();
            let user = world.users.get_mut(&id).expect("a person");
            user.deleted = true;
            let user = user.clone();
            json!({ "type": "user_change", "user": staff::user_json(&world, &user),
                "event_ts": payloads::event_ts(&world) })
        };
        self.site.event("user_change", event, None).await;
    }

    /// Changes the role of a user's account and sends `user_change`.
    pub async fn becomes(&self, who: &str, standing: Standing) {
        let event = {
            let mut world = self.site.world();
            let id = world.user(who).id.clone();
            let team = if standing == Standing::Stranger { "T0FAKE0ELSE".to_owned() } else { world.team.clone() };
            let user = world.users.get_mut(&id).expect("a person");
            (user.standing, user.team) = (standing, team);
            let user = user.clone();
            json!({ "type": "user_change", "user": staff::user_json(&world, &user),
                "event_ts": payloads::event_ts(&world) })
        };
        self.site.event("user_change", event, None).await;
    }

    /// Creates a user group and returns its id.
    pub fn group(&self, handle: &str, members: &[&str]) -> String {
        let mut world = self.site.world();
        let members = members.iter().map(|who| world.user(who).id.clone()).collect();
        let id = world.id("S");
        world.groups.push(Group { id: id.clone(), handle: handle.to_owned(), members, disabled: false });
        id
    }

    /// Replaces the members of a user group and sends `subteam_members_changed`.
    ///
    /// # Panics
    /// Panics if there is no such group.
    pub async fn regroup(&self, handle: &str, members: &[&str]) {
        let event = {
            let mut world = self.site.world();
            let new: Vec<String> = members.iter().map(|who| world.user(who).id.clone()).collect();
            let team = world.team.clone();
            let group = world.groups.iter_mut().find(|group| group.handle == handle).expect("a group");
            let old = std::mem::replace(&mut group.members, new.clone());
            let added: Vec<_> = new.iter().filter(|user| !old.contains(user)).collect();
            let removed: Vec<_> = old.iter().filter(|user| !new.contains(user)).collect();
            json!({ "type": "subteam_members_changed", "subteam_id": group.id, "team_id": team,
                "added_users": added, "added_users_count": added.len().to_string(),
                "removed_users": removed, "removed_users_count": removed.len().to_string() })
        };
        self.site.event("subteam_members_changed", event, None).await;
    }

    /// Disables a user group. It keeps its members, but `usergroups.users.list` does not list them by default.
    pub fn disable_group(&self, handle: &str) {
        let mut world = self.site.world();
        world.groups.iter_mut().filter(|group| group.handle == handle).for_each(|group| group.disabled = true);
    }

    /// Returns the bot scopes that a call, an event or a slash command has required so far.
    #[must_use]
    pub fn scopes_used(&self) -> Vec<String> {
        self.site.world().scopes_used.iter().cloned().collect()
    }

    /// Replaces the scopes of the bot token.
    pub fn grant(&self, scopes: &[&str]) {
        self.site.world().scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    }

    /// Adds a scope to the bot token.
    pub fn grant_also(&self, scope: &str) {
        self.site.world().scopes.insert(scope.to_owned());
    }

    /// Grants or removes the scope `connections:write` of the app-level token.
    pub fn may_connect(&self, may: bool) {
        let scopes = may.then(|| "connections:write".to_owned());
        self.site.world().app_scopes = scopes.into_iter().collect();
    }

    /// Uninstalls the app: revokes all tokens, then sends `tokens_revoked` and `app_uninstalled`.
    pub async fn uninstall(&self) {
        let bot = self.bot();
        let revoked = json!({ "type": "tokens_revoked", "tokens": { "oauth": [], "bot": [bot] } });
        self.site.world().revoked = true;
        self.site.event("tokens_revoked", revoked, None).await;
        self.site.event("app_uninstalled", json!({ "type": "app_uninstalled" }), None).await;
    }

    /// Returns the id of a user.
    ///
    /// # Panics
    /// Panics if there is no user with this name.
    #[must_use]
    pub fn user_id(&self, who: &str) -> String {
        self.site.world().user(who).id.clone()
    }

    /// Replaces the event subscriptions of the app: `app_mention`, `message.im`,
    /// `message.channels`, `reaction_added`, …
    pub fn subscribe(&self, events: &[&str]) {
        self.site.world().subscribed = events.iter().map(|&event| event.to_owned()).collect();
    }

    /// Delivers over signed HTTP to these request URLs.
    pub fn deliver_to(&self, urls: Urls) {
        self.site.world().delivery = Some(Delivery::Http(urls));
    }

    /// Delivers over Socket Mode.
    pub fn deliver_over_sockets(&self) {
        self.site.world().delivery = Some(Delivery::Socket);
    }

    /// Changes the signing secret for HTTP deliveries.
    pub fn rotate_signing_secret(&self, secret: &str) {
        secret.clone_into(&mut self.site.world().signing_secret);
    }

    /// Sends each envelope on two connections at once, or stops doing so.
    pub fn send_twice(&self, twice: bool) {
        self.site.world().twice = twice;
    }
}

impl Urls {
    /// Uses one request URL for all deliveries, as Slack's Bolt framework does.
    #[must_use]
    pub fn one(url: &str) -> Self {
        Self { commands: url.to_owned(), interactions: url.to_owned(), events: url.to_owned() }
    }
}
