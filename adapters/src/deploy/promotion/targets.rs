//! Reads and edits the promotion targets.

use super::edit_session::{EditSession, in_file};
use super::options::{Target, TargetKind};
use super::record::{Changed, Excluded};
use super::search::{agreed, find};
use super::{DeployRequest, Promotion};
use crate::edit::path::Path;
use crate::edit::yaml::{self, Matches, Rule};
use crate::edit::{Edit, env, line};
use crate::failure::Failure;
use crate::ids::CommitId;

/// The value at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CurrentValue {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) place: String,
    pub(super) value: String,
}

/// The result of editing one target.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) changes: Vec<Changed>,
    pub(super) excluded: Vec<Excluded>,
}

impl Promotion {
    /// Returns the indexes of the targets that a request selects.
    pub(super) fn selected(&self, request: &DeployRequest) -> Result<Vec<usize>, Failure> {
        let names: Vec<&str> = self.targets.iter().map(|target| target.name.as_str()).collect();
        if let Some(unknown) = request.only.iter().find(|name| !names.contains(&name.as_str())) {
            let names = names.join(", ");
            return Err(Failure::rejected(format!("there is no target {unknown:?}; there are {names}.")));
        }
        let wanted = |name: &str| request.only.is_empty() || request.only.iter().any(|other| other == name);
        Ok(names.iter().enumerate().filter(|(_, name)| wanted(name)).map(|(number, _)| number).collect())
    }

    pub(super) fn target(&self, number: usize) -> Result<&Target, Failure> {
        self.targets.get(number).ok_or_else(|| Failure::rejected(format!("there is no target number {number}.")))
    }

    /// Reads the current values of a target.
    pub(super) async fn survey(&self, number: usize, sheet: &mut EditSession) -> Result<Vec<CurrentValue>, Failure> {
        let target = self.target(number)?;
        let file = target.file.as_str();
        match &target.kind {
            TargetKind::Yaml { path, rule } => read_yaml(&sheet.read(file).await?, file, path, *rule),
            TargetKind::Env { key } => {
                let text = sheet.read(file).await?;
                let setting = env::get(&text, key).map_err(|refused| in_file(file, &refused))?;
                let (line, value) = (setting.line, setting.value);
                Ok(vec![CurrentValue { file: file.to_owned(), line, place: key.clone(), value }])
            }
            TargetKind::Search { key, .. } => {
                let exclusions = self.exclusions.get(number).map_or(&[][..], Vec::as_slice);
                Ok(find(sheet, file, key, exclusions).await?.readings)
            }
        }
    }

    /// Returns the places of a request's targets that do not name its commit.
    pub(super) async fn wrong(&self, request: &DeployRequest, at: &CommitId) -> Result<Vec<CurrentValue>, Failure> {
        let mut sheet = self.sheet(at.clone());
        let mut wrong = Vec::new();
        for number in self.selected(request)? {
            let expected = self.target(number)?.value.of(&request.commit);
            let readings = self.survey(number, &mut sheet).await?;
            wrong.extend(readings.into_iter().filter(|reading| reading.value != expected));
        }
        Ok(wrong)
    }

    /// Edits a target to name a commit.
    pub(super) async fn apply(
        &self,
        number: usize,
        commit: &CommitId,
        sheet: &mut EditSession,
    ) -> Result<Applied, Failure> {
        let target = self.target(number)?;
        let value = target.value.of(commit);
        let file = target.file.as_str();
        let mut applied = Applied::default();
        match &target.kind {
            TargetKind::Yaml { path, rule } => {
                let text = sheet.read(file).await?;
                let edit = yaml::set(&text, path, &value, *rule).map_err(|refused| in_file(file, &refused))?;
                applied.take(target, file, edit, sheet);
            }
            TargetKind::Env { key } => {
                let text = sheet.read(file).await?;
                let edit = env::set(&text, key, &value).map_err(|refused| in_file(file, &refused))?;
                applied.take(target, file, edit, sheet);
            }
            TargetKind::Search { key, .. } => {
                let exclusions = self.exclusions.get(number).map_or(&[][..], Vec::as_slice);
                let hits = find(sheet, file, key, exclusions).await?;
                agreed(&hits.readings, &value)?;
                applied.excluded = hits.excluded;
                let mut files: Vec<&str> = hits.readings.iter().map(|reading| reading.file.as_str()).collect();
                files.dedup();
                for file in files {
                    let text = sheet.read(file).await?;
                    let edit = line::set(&text, key, &value).map_err(|refused| in_file(file, &refused))?;
                    applied.take(target, file, edit, sheet);
                }
            }
        }
        Ok(applied)
    }
}

impl Applied {
    fn take(&mut self, target: &Target, file: &str, edit: Edit, sheet: &mut EditSession) {
        self.changes.extend(edit.changes.into_iter().map(|change| Changed {
            target: target.name.clone(),
            file: file.to_owned(),
            line: change.line,
            place: change.place,
            old: change.old,
            new: change.new,
        }));
        sheet.write(file, edit.text);
    }
}

fn read_yaml(text: &str, file: &str, path: &Path, rule: Rule) -> Result<Vec<CurrentValue>, Failure> {
    let found = yaml::find_by(text, path, rule.follow_aliases).map_err(|refused| in_file(file, &refused))?;
    if found.is_empty() || (found.len() > 1 && rule.matches == Matches::One) {
        let what = if found.is_empty() { "is not there" } else { "means several values" };
        return Err(Failure::rejected(format!("{file}: `{path}` {what}. Correct the promotion's targets.")));
    }
    let readings = found.into_iter().map(|found| {
        let (line, place) = (found.line, found.place.to_string());
        let value = found.value.ok_or_else(|| {
            Failure::rejected(format!("{file}:{line}: `{place}` is no value of its own, so it names no commit."))
        })?;
        Ok(CurrentValue { file: file.to_owned(), line, place, value })
    });
    readings.collect()
}
