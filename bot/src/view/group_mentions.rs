//! Mentions of chat groups that a service configured for certain moments, beside the people who must act.

use hotfix_adapters::chat::{Card, Span, Text};

use super::Audience;
use super::text::{Say, outside};
use crate::domain::group::Moment;
use crate::domain::hotfix::Hotfix;

/// Appends mentions of the groups that subscribed to this moment.
pub(super) fn called(mut card: Card, state: &Hotfix, moment: Moment, to: &Audience<'_>) -> Card {
    let groups = to.groups.get(&state.plan.service).map(Vec::as_slice).unwrap_or_default();
    let mut text = Text::new();
    for group in groups.iter().filter(|group| group.on.contains(&moment)) {
        text = if text.0.is_empty() { text } else { text.plain(", ") };
        text = text.span(Span::Group { id: group.id.clone(), name: outside(&group.name) });
    }
    if !text.0.is_empty() {
        card.lines.push(text.plain(": so that you know."));
    }
    card
}

#[cfg(test)]
mod tests {
    use hotfix_adapters::chat::Span;

    use super::*;
    use crate::domain::event::Event;
    use crate::domain::group::ChatGroup;
    use crate::view::fixture::{Play, asked, begun, environment, live};
    use crate::view::{line, plain, prompt, started, tell};

    fn with_groups(mut play: Play) -> Play {
        let group = |id: &str, name: &str, on: &[Moment]| ChatGroup {
            id: id.to_owned(),
            name: name.to_owned(),
            on: on.iter().copied().collect(),
        };
        let groups = vec![
            group("S0ONCALL", "oncall", &[Moment::Started, Moment::Live, Moment::Failed]),
            group("S0LEADS", "leads", &[Moment::Started, Moment::Vote]),
        ];
        play.groups = [("payments".parse().unwrap(), groups)].into();
        play
    }

    fn groups(card: &Card) -> Vec<String> {
        let spans = card.lines.iter().flat_map(|text| &text.0);
        let id = |span: &Span| if let Span::Group { id, .. } = span { Some(id.clone()) } else { None };
        spans.filter_map(id).collect()
    }

    #[test]
    fn a_group_is_called_at_its_moments_and_at_no_other() {
        let play = with_groups(begun());
        let card = started(&play.state, &play.to(), play.now);
        assert_eq!(groups(&card), ["S0ONCALL", "S0LEADS"]);
        assert!(plain(&card).ends_with("\n@oncall, @leads: so that you know.\n"), "{}", plain(&card));
        let play = with_groups(asked());
        let card = prompt(&play.state, &environment("production"), &play.to(), play.now).unwrap();
        assert_eq!(groups(&card), ["S0LEADS"]);
        let play = with_groups(live());
        let said = |entry: &crate::domain::event::Entry| line(&play.state, entry, &play.to());
        let ended: Vec<Vec<String>> = play
            .entries
            .iter()
            .filter(|entry| matches!(entry.event, Event::DeployEnded { .. }))
            .filter_map(said)
            .map(|card| groups(&card))
            .collect();
        assert_eq!(ended.last().unwrap(), &["S0ONCALL"], "production");
        assert!(ended[0].is_empty(), "staging is nobody's news");
        let mut failed = play.entries.iter().rfind(|it| matches!(it.event, Event::DeployEnded { .. })).unwrap().clone();
        if let Event::DeployEnded { failure, .. } = &mut failed.event {
            *failure = Some("no space left".to_owned());
        }
        assert_eq!(groups(&said(&failed).unwrap()), ["S0ONCALL"]);
        let voted = play.entries.iter().find(|entry| matches!(entry.event, Event::Voted(_))).unwrap();
        assert_eq!(groups(&said(voted).unwrap()), Vec::<String>::new());
    }

    #[test]
    fn what_is_said_to_one_person_calls_no_group() {
        let play = with_groups(begun().announced());
        let entry = play.entries.iter().find(|entry| matches!(entry.event, Event::Announced { .. })).unwrap();
        let card = tell(&play.state, entry, &play.to(), &"eve".parse().unwrap()).unwrap();
        assert_eq!(groups(&card), Vec::<String>::new());
    }
}
