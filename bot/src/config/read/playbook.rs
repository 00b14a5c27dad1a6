//! Parser of `playbooks/<name>.toml`.

use hotfix_adapters::ids::BranchName;

use super::super::diagnostic::{At, Diagnostic, Located};
use super::super::field::Field;
use super::super::reader::Reader;
use super::step::{self, RawStep};
use crate::domain::id::PlaybookId;
use crate::domain::playbook::{BranchScheme, HoldMeans, SecondStart, WorkBranch};

/// A playbook as written, before the checks across files.
pub(in crate::config) struct RawPlaybook {
    pub(in crate::config) id: PlaybookId,
    /// Position of the start of the file.
    pub(in crate::config) at: At,
    pub(in crate::config) title: Option<String>,
    pub(in crate::config) branch: Option<Located<BranchScheme>>,
    pub(in crate::config) work_branch: Option<WorkBranch>,
    pub(in crate::config) hold: HoldMeans,
    pub(in crate::config) second_start: Option<SecondStart>,
    pub(in crate::config) steps: Vec<RawStep>,
    pub(in crate::config) exceptional: Vec<RawStep>,
}

pub(super) fn read(id: &PlaybookId, reader: Reader<'_>, remind_minutes: u32) -> RawPlaybook {
    let steps = |field: Field<'_>| field.list().into_iter().filter_map(|f| step::read(f, remind_minutes)).collect();
    let seconds = [("join", SecondStart::Join), ("refuse", SecondStart::Refuse)];
    let holds = [("pauses", HoldMeans::Pauses), ("recorded", HoldMeans::Recorded)];
    let playbook = RawPlaybook {
        id: id.clone(),
        at: reader.at,
        title: reader.need("title").string_line().map(|title| title.value),
        branch: branch(reader.need("branch")),
        work_branch: reader.get("work_branch").table("`work_branch`").and_then(work_branch),
        hold: reader.get("hold").choice(&holds).map_or(HoldMeans::Pauses, |hold| hold.value),
        second_start: reader.need("second_start").choice(&seconds).map(|choice| choice.value),
        steps: steps(reader.need("step")),
        exceptional: steps(reader.get("exceptional")),
    };
    reader.finish();
    playbook
}

/// Parses `{ pattern = "^HOCS-[0-9]+", forbid_prefix = "hotfix" }`.
fn work_branch(reader: Reader<'_>) -> Option<WorkBranch> {
    let pattern = reader.get("pattern").string_line();
    let broken = pattern.as_ref().and_then(|pattern| {
        let built = regex::RegexBuilder::new(&pattern.value).size_limit(1 << 20).build();
        built.err().map(|error| (pattern.at, error.to_string()))
    });
    if let Some((at, error)) = broken {
        reader.sink.add(Diagnostic::at(at, "this is no regular expression", "cannot be read", error));
    }
    let forbid_prefix = reader.need("forbid_prefix").string_line();
    reader.finish();
    Some(WorkBranch { pattern: pattern.map(|pattern| pattern.value), forbid_prefix: forbid_prefix?.value })
}

/// Parses `{ fixed = "hotfix" }`, `{ slug = "hotfix/" }`, `{ ticket = "hotfix/" }` or `{ none = true }`.
fn branch(field: Field<'_>) -> Option<Located<BranchScheme>> {
    const KEYS: [&str; 4] = ["fixed", "slug", "ticket", "none"];
    let reader = field.table("`branch`")?;
    if KEYS.iter().filter(|key| reader.place(key).is_some()).count() != 1 {
        let next = "write `branch = { fixed = \"hotfix\" }`, or `slug` or `ticket` with a prefix, or `none = true`";
        reader.fault("a playbook has one scheme for its branch", "says none or two", next);
    }
    let fixed = reader.get("fixed").parse::<BranchName>().map(|name| name.map(|name| BranchScheme::Fixed(name.into())));
    let slug = reader
        .get("slug")
        .string_line()
        .and_then(|prefix| prefixed(prefix, &reader, |prefix| BranchScheme::Slug { prefix }));
    let ticket = reader
        .get("ticket")
        .string_line()
        .and_then(|prefix| prefixed(prefix, &reader, |prefix| BranchScheme::Ticket { prefix }));
    let none = reader.get("none").boolean().filter(|none| none.value).map(|none| none.map(|_| BranchScheme::None));
    reader.finish();
    fixed.or(slug).or(ticket).or(none)
}

fn prefixed(
    prefix: Located<String>,
    reader: &Reader<'_>,
    scheme: fn(String) -> BranchScheme,
) -> Option<Located<BranchScheme>> {
    if !prefix.value.ends_with(['/', '-']) {
        let what = "the prefix of a branch name has to end with / or -";
        reader.sink.add(Diagnostic::at(prefix.at, what, "ends without", format!("write \"{}/\"", prefix.value)));
        return None;
    }
    if let Err(error) = BranchName::parse(&format!("{}x", prefix.value)) {
        reader.sink.add(Diagnostic::at(
            prefix.at,
            "no branch name can begin like this",
            "not possible",
            error.to_string(),
        ));
        return None;
    }
    Some(prefix.map(scheme))
}
