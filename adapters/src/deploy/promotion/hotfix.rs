//! Declares a hotfix. A target that subscribes to success on stage rejects a commit that was never on stage, unless the
//! commit is declared a hotfix; a target that is promoted automatically would soon replace it.

use super::edit_session::{EditSession, in_file};
use super::options::{HotfixVersions, Target, TargetKind};
use super::record::Changed;
use super::{DeployRequest, Promotion};
use crate::edit::path::Path;
use crate::edit::yaml;
use crate::failure::Failure;

/// The declaration and warnings for a request's targets.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) changes: Vec<Changed>,
    pub(super) warnings: Vec<String>,
    /// `true` if the commit is declared a hotfix.
    pub(super) hotfix: bool,
}

impl Promotion {
    pub(super) async fn declare(
        &self,
        request: &DeployRequest,
        selected: &[usize],
        sheet: &mut EditSession,
    ) -> Result<Declared, Failure> {
        let mut declared = Declared::default();
        let mut subscribers = Vec::new();
        for number in selected {
            let target = self.target(*number)?;
            let TargetKind::Yaml { path, .. } = &target.kind else { continue };
            let text = sheet.read(&target.file).await?;
            for found in yaml::find(&text, path).map_err(|refused| in_file(&target.file, &refused))? {
                let gate = VersionGuard { text: &text, target, promotion: found.place.beside("promotion") };
                subscribers.extend(gate.subscribes()?.then_some(target.name.as_str()));
                declared.warnings.extend(gate.overwrites(&found.place.to_string())?);
            }
        }
        match &self.hotfix_versions {
            Some(versions) => self.add(request, versions, !subscribers.is_empty(), sheet, &mut declared).await?,
            None if subscribers.is_empty() => {}
            None => declared.warnings.push(format!(
                "{} subscribes to what passed on stage, and refuses a commit that was never there unless it is declared \
                 a hotfix",
                subscribers.join(", ")
            )),
        }
        Ok(declared)
    }

    async fn add(
        &self,
        request: &DeployRequest,
        versions: &HotfixVersions,
        needed: bool,
        sheet: &mut EditSession,
        declared: &mut Declared,
    ) -> Result<(), Failure> {
        let file = versions.file.as_str();
        let text = sheet.read(file).await?;
        let commit = request.commit.as_str();
        let blocked = versions.component.below("blockedVersions").each();
        let blocked = yaml::find(&text, &blocked).map_err(|refused| in_file(file, &refused))?;
        if let Some(line) = blocked.iter().find(|found| found.value.as_deref() == Some(commit)) {
            return Err(Failure::rejected(format!(
                "{file}:{}: {} is blocked there, and that counts more than a hotfix. Take it off that list first.",
                line.line,
                request.commit.short()
            )));
        }
        if !needed {
            return Ok(());
        }
        let edit = yaml::add(&text, &versions.component, "hotfixVersions", commit)
            .map_err(|refused| in_file(file, &refused))?;
        declared.hotfix = true;
        declared.changes.extend(edit.changes.into_iter().map(|change| Changed {
            target: "hotfixVersions".to_owned(),
            file: file.to_owned(),
            line: change.line,
            place: change.place,
            old: change.old,
            new: change.new,
        }));
        sheet.write(file, edit.text);
        Ok(())
    }
}

/// The promotion settings of one target, next to the value that names its commit.
struct VersionGuard<'a> {
    text: &'a str,
    target: &'a Target,
    promotion: Path,
}

impl VersionGuard<'_> {
    fn values(&self, path: &Path) -> Result<Vec<Option<String>>, Failure> {
        let found = yaml::find(self.text, path).map_err(|refused| in_file(&self.target.file, &refused))?;
        Ok(found.into_iter().map(|found| found.value).collect())
    }

    fn subscribes(&self) -> Result<bool, Failure> {
        Ok(!self.values(&self.promotion.below("subscribe").each())?.is_empty())
    }

    fn overwrites(&self, place: &str) -> Result<Option<String>, Failure> {
        let auto = self.values(&self.promotion.below("auto"))?;
        let on = auto.iter().flatten().any(|value| value.eq_ignore_ascii_case("true"));
        Ok(on.then(|| {
            format!(
                "{} is promoted automatically (`auto: true` beside `{place}`): the next good deployment on stage replaces \
                 this commit by the one from there, unless that is switched off",
                self.target.name
            )
        }))
    }
}
