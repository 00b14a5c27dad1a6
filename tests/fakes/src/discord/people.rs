//! What people do. They can do what Discord's own program lets them do, and a test that asks for more fails.

use serde_json::{Value, json};

use super::DiscordFake;
use super::permissions::{SEND_MESSAGES, VIEW_CHANNEL, granted};
use super::sessions::{GUILD_MEMBERS, dispatch};
use super::state::State;
use super::{interactions, messages, reactions, shape};

impl DiscordFake {
    /// Somebody in the guild; answers their number.
    #[must_use]
    pub fn person(&self, name: &str) -> u64 {
        self.join(name, false)
    }

    /// Another bot in the guild; answers its number.
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

    /// Gives somebody a role.
    pub fn give(&self, user: u64, role: u64) {
        self.change(user, |member| {
            member.roles.insert(role);
        });
    }

    /// Takes a role from somebody.
    pub fn take(&self, user: u64, role: u64) {
        self.change(user, |member| {
            member.roles.remove(&role);
        });
    }

    /// Says whether somebody still has to agree to the rules of the guild.
    pub fn pending(&self, user: u64, pending: bool) {
        self.change(user, |member| member.pending = pending);
    }

    /// Says what the guild calls somebody.
    pub fn nick(&self, user: u64, nick: &str) {
        self.change(user, |member| member.nick = Some(nick.to_owned()));
    }

    /// Somebody takes no direct messages any more, or takes them again.
    pub fn take_no_messages(&self, user: u64, closed: bool) {
        self.state().users.get_mut(&user).expect("somebody").closed = closed;
    }

    /// Somebody leaves the guild.
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

    /// The number of the conversation of somebody with the bot.
    #[must_use]
    pub fn direct(&self, user: u64) -> u64 {
        self.state().direct(user)
    }

    /// Somebody writes a message; answers its number.
    ///
    /// # Panics
    /// They may not write there.
    pub fn say(&self, user: u64, channel: u64, text: &str) -> u64 {
        let mut state = self.state();
        assert!(granted(&state, user, channel) & SEND_MESSAGES > 0, "{user} may not write there");
        messages::write(&mut state, channel, user, |message| text.clone_into(&mut message.content))
    }

    /// Somebody reacts to a message.
    ///
    /// # Panics
    /// They do not see it.
    pub fn react(&self, user: u64, message: u64, emoji: &str) {
        let mut state = self.state();
        let it = state.messages.get(&message).unwrap_or_else(|| panic!("there is no message {message}"));
        let seen = it.only_for.is_none() && granted(&state, user, it.channel) & VIEW_CHANNEL > 0;
        assert!(seen, "{user} cannot react to this message");
        reactions::add(&mut state, message, user, emoji);
    }

    /// Somebody takes a reaction back.
    pub fn unreact(&self, user: u64, message: u64, emoji: &str) {
        reactions::take(&mut self.state(), message, user, emoji);
    }

    /// Somebody deletes a message.
    pub fn delete(&self, message: u64) {
        self.state().messages.remove(&message).expect("a message");
    }

    /// Somebody runs a command, like `hotfix start` with `[("service", json!("payments"))]`; answers the number of the
    /// interaction.
    ///
    /// # Panics
    /// Discord's own program would not let them: there is no such command, an option is missing or wrong.
    pub fn run(&self, user: u64, channel: u64, command: &str, options: &[(&str, Value)]) -> u64 {
        interactions::run(&mut self.state(), user, channel, command, options)
    }

    /// Somebody chooses a command in the menu of a message; answers the number of the interaction.
    ///
    /// # Panics
    /// There is no such command, or they do not see the message.
    pub fn choose(&self, user: u64, message: u64, command: &str) -> u64 {
        interactions::choose(&mut self.state(), user, message, command)
    }

    /// Somebody presses the button with this label below a message; answers the number of the interaction.
    ///
    /// # Panics
    /// They do not see it, or it is disabled.
    pub fn press(&self, user: u64, message: u64, label: &str) -> u64 {
        interactions::press(&mut self.state(), user, message, label)
    }

    /// Somebody fills the modal that is open before them, by the ids of its inputs, and sends it off; answers the number of
    /// the interaction. What they leave alone keeps what stood in it.
    ///
    /// # Panics
    /// No modal is open, or the texts do not fit it.
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
