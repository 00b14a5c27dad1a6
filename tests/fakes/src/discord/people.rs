//! User actions and membership changes. Users can do what Discord's client allows; any other action panics.

use serde_json::{Value, json};

use super::DiscordFake;
use super::permissions::{SEND_MESSAGES, VIEW_CHANNEL, granted};
use super::sessions::{GUILD_MEMBERS, dispatch};
use super::state::State;
use super::{interactions, messages, reactions, shape};

impl DiscordFake {
    /// Adds a human member to the guild and returns the user id.
    #[must_use]
    pub fn person(&self, name: &str) -> u64 {
        self.join(name, false)
    }

    /// Adds another bot to the guild and returns its user id.
    #[must_use]
    pub fn other_bot(&self, name: &str) -> u64 {
        self.join(name, true)
    }

    fn join(&self, name: &str, bot: bool) -> u64 {
        let mut state = self.state();
        let id = state.user(name, bot);
        tell(&mut state, id, "GUILD_MEMBER_ADD");
        id
    }

    /// Adds a role to a member.
    pub fn give(&self, user: u64, role: u64) {
        self.change(user, |member| {
            member.roles.insert(role);
        });
    }

    /// Removes a role from a member.
    pub fn take(&self, user: u64, role: u64) {
        self.change(user, |member| {
            member.roles.remove(&role);
        });
    }

    /// Sets whether a member has still to accept the guild's rules (membership screening).
    pub fn pending(&self, user: u64, pending: bool) {
        self.change(user, |member| member.pending = pending);
    }

    /// Sets the nickname of a member in the guild.
    pub fn nick(&self, user: u64, nick: &str) {
        self.change(user, |member| member.nick = Some(nick.to_owned()));
    }

    /// Sets whether a user refuses direct messages.
    pub fn take_no_messages(&self, user: u64, closed: bool) {
        self.state().users.get_mut(&user).expect("somebody").closed = closed;
    }

    /// Removes a member from the guild.
    pub fn leave(&self, user: u64) {
        let mut state = self.state();
        state.members.remove(&user).expect("a member");
        dispatch(
            &mut state,
            GUILD_MEMBERS,
            "GUILD_MEMBER_REMOVE",
            |state, _| json!({ "guild_id": state.guild.to_string(), "user": shape::user(state, user) }),
        );
        self.shared.changed.notify_waiters();
    }

    fn change(&self, user: u64, change: impl FnOnce(&mut super::state::Member)) {
        let mut state = self.state();
        change(state.members.get_mut(&user).expect("a member"));
        tell(&mut state, user, "GUILD_MEMBER_UPDATE");
    }

    /// Returns the id of the user's direct message channel with the bot.
    #[must_use]
    pub fn direct(&self, user: u64) -> u64 {
        self.state().direct(user)
    }

    /// Sends a message as a user and returns its id.
    ///
    /// # Panics
    /// Panics if the user may not write in the channel.
    pub fn say(&self, user: u64, channel: u64, text: &str) -> u64 {
        let mut state = self.state();
        assert!(granted(&state, user, channel) & SEND_MESSAGES > 0, "{user} may not write there");
        messages::write(&mut state, channel, user, |message| text.clone_into(&mut message.content))
    }

    /// Adds a user's reaction to a message.
    ///
    /// # Panics
    /// Panics if the user cannot see the message, or if it is ephemeral.
    pub fn react(&self, user: u64, message: u64, emoji: &str) {
        let mut state = self.state();
        let it = state.messages.get(&message).unwrap_or_else(|| panic!("there is no message {message}"));
        let seen = it.only_for.is_none() && granted(&state, user, it.channel) & VIEW_CHANNEL > 0;
        assert!(seen, "{user} cannot react to this message");
        reactions::add(&mut state, message, user, emoji);
    }

    /// Removes a user's reaction from a message, if there is one.
    pub fn unreact(&self, user: u64, message: u64, emoji: &str) {
        reactions::take(&mut self.state(), message, user, emoji);
    }

    /// Deletes a message. No event is sent for it.
    pub fn delete(&self, message: u64) {
        self.state().messages.remove(&message).expect("a message");
    }

    /// Runs a slash command, such as `hotfix start` with `[("service", json!("payments"))]`, and returns the id
    /// of the interaction.
    ///
    /// # Panics
    /// Panics if Discord's client would not send it: no such command, no permission, or an option is
    /// missing or invalid.
    pub fn run(&self, user: u64, channel: u64, command: &str, options: &[(&str, Value)]) -> u64 {
        interactions::run(&mut self.state(), user, channel, command, options)
    }

    /// Runs a message command from the context menu of a message, and returns the id of the interaction.
    ///
    /// # Panics
    /// Panics if there is no such command, or if the user may not run commands in the channel.
    pub fn choose(&self, user: u64, message: u64, command: &str) -> u64 {
        interactions::choose(&mut self.state(), user, message, command)
    }

    /// Presses the button with this label below a message, and returns the id of the interaction.
    ///
    /// # Panics
    /// Panics if the user cannot see the message, or if the button is missing, disabled or a link.
    pub fn press(&self, user: u64, message: u64, label: &str) -> u64 {
        interactions::press(&mut self.state(), user, message, label)
    }

    /// Fills in the user's open modal, by `custom_id` of its inputs, and submits it. Other inputs keep their values.
    /// Returns the id of the interaction.
    ///
    /// # Panics
    /// Panics if no modal is open, or if a text does not fit its input.
    pub fn submit(&self, user: u64, texts: &[(&str, &str)]) -> u64 {
        interactions::submit(&mut self.state(), user, texts)
    }
}

fn tell(state: &mut State, user: u64, event: &str) {
    dispatch(state, GUILD_MEMBERS, event, |state, _| {
        let mut data = shape::member(state, user).unwrap();
        data["guild_id"] = json!(state.guild.to_string());
        data
    });
}
