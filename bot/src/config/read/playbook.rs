//! `playbooks/<name>.toml`: a runbook as data.

use hotfix_adapters::vocabulary::BranchName;

use super::super::fault::{At, Fault, Located};
use super::super::field::Field;
use super::super::reader::Reader;
use super::step::{self, RawStep};
use crate::domain::id::PlaybookId;
use crate::domain::playbook::{BranchScheme, SecondStart};

/// A playbook as it is written.
pub(in crate::config) struct RawPlaybook {
    pub(in crate::config) id: PlaybookId,
    /// Where its file begins.
    pub(in crate::config) at: At,
    pub(in crate::config) title: Option<String>,
    pub(in crate::config) branch: Option<Located<BranchScheme>>,
    pub(in crate::config) second_start: Option<SecondStart>,
    pub(in crate::config) steps: Vec<RawStep>,
    pub(in crate::config) exceptional: Vec<RawStep>,
}

pub(super) fn read(id: &PlaybookId, reader: Reader<'_>, remind_minutes: u32) -> RawPlaybook {
    let steps = |field: Field<'_>| field.list().into_iter().filter_map(|f| step::read(f, remind_minutes)).collect();
    let seconds = [("join", SecondStart::Join), ("refuse", SecondStart::Refuse)];
    let playbook = RawPlaybook {
        id: id.clone(),
        at: reader.at,
        title: reader.need("title").line().map(|title| title.value),
        branch: branch(reader.need("branch")),
        second_start: reader.need("second_start").choice(&seconds).map(|choice| choice.value),
        steps: steps(reader.need("step")),
        exceptional: steps(reader.get("exceptional")),
    };
    reader.finish();
    playbook
}

/// `{ fixed = "hotfix" }` or `{ slug = "hotfix/" }`.
fn branch(field: Field<'_>) -> Option<Located<BranchScheme>> {
    let reader = field.table("`branch`")?;
    let fixed = reader.get("fixed").parse::<BranchName>();
    let prefix = reader.get("slug").line();
    let scheme = match (fixed, prefix) {
        (Some(name), None) => Some(name.map(|name| BranchScheme::Fixed(name.into()))),
        (None, Some(prefix)) => prefix_of_a_slug(prefix, &reader),
        (Some(_), Some(_)) | (None, None) => {
            let unread = reader.place("fixed").is_some() != reader.place("slug").is_some();
            if !unread {
                let next = "write `branch = { fixed = \"hotfix\" }` or `branch = { slug = \"hotfix/\" }`";
                reader.fault("a playbook has one scheme for its branch", "says none or two", next);
            }
            None
        }
    };
    reader.finish();
    scheme
}

fn prefix_of_a_slug(prefix: Located<String>, reader: &Reader<'_>) -> Option<Located<BranchScheme>> {
    if !prefix.value.ends_with(['/', '-']) {
        let what = "the prefix of a branch name has to end with / or -";
        reader.sink.add(Fault::at(prefix.at, what, "ends without", format!("write \"{}/\"", prefix.value)));
        return None;
    }
    if let Err(error) = BranchName::parse(&format!("{}x", prefix.value)) {
        reader.sink.add(Fault::at(prefix.at, "no branch name can begin like this", "not possible", error.to_string()));
        return None;
    }
    Some(prefix.map(|prefix| BranchScheme::Slug { prefix }))
}
