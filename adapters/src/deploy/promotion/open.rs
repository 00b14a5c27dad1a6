//! Opens a proposal: first reads and validates everything, then records the plan, then acts.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::edit_session::EditSession;
use super::hotfix::Declared;
use super::record::{Changed, Draft, Excluded, Proposal};
use super::text::Told;
use super::{DeployRequest, Edits, Promotion};
use crate::failure::Failure;
use crate::forge::{NewCommit, NewPullRequest, PullNumber, neutralize};
use crate::ids::{BranchName, CommitId};

impl Promotion {
    pub(super) async fn propose(&self, request: &DeployRequest) -> Result<(), Failure> {
        self.fits(request)?;
        let known = self.proposal(&request.key).await?;
        if let Some(other) = known.as_ref().filter(|known| known.request != *request) {
            return Err(Failure::rejected(format!(
                "the deployment {} is known, and of something else: `{}`; a new deployment needs a new key",
                request.key, other.title
            )));
        }
        let branch = self.branch(&request.key)?;
        let mut proposal = match known {
            Some(known) if known.number.is_some() => return Ok(()),
            Some(known) => known,
            None => self.blank(request),
        };
        if let Some(pull) = self.forge.find(&self.repo, &branch, &self.main).await? {
            self.ours(&pull.title, request, pull.number)?;
            pull.title.clone_into(&mut proposal.title);
            proposal.number = Some(pull.number);
            return self.announce(&mut proposal, pull.number).await;
        }
        let there = self.forge.tip(&self.repo, &branch).await?;
        let draft = match proposal.draft.clone().filter(|draft| Some(&draft.commit) == there.as_ref()) {
            Some(draft) => draft,
            None => self.push(&mut proposal, &branch).await?,
        };
        let new = NewPullRequest {
            repo: self.repo.clone(),
            head: branch,
            base: self.main.clone(),
            title: proposal.title.clone(),
            body: draft.body,
            author: None,
        };
        let number = self.forge.open(&new).await?.number;
        proposal.number = Some(number);
        self.announce(&mut proposal, number).await
    }

    fn fits(&self, request: &DeployRequest) -> Result<(), Failure> {
        if request.environment != self.environment || request.repo != self.source {
            return Err(Failure::rejected(format!(
                "this mechanism promotes {} to {}, not {} to {}",
                self.source, self.environment, request.repo, request.environment
            )));
        }
        self.selected(request).map(|_| ())
    }

    fn blank(&self, request: &DeployRequest) -> Proposal {
        Proposal {
            request: request.clone(),
            at: self.now(),
            title: self.title(request, false),
            draft: None,
            number: None,
            announced: false,
            ended: None,
        }
    }

    /// Rejects a merge request that comes from the branch of this key but has another title.
    pub(super) fn ours(&self, title: &str, request: &DeployRequest, number: PullNumber) -> Result<(), Failure> {
        if title == self.title(request, false) || title == self.title(request, true) {
            return Ok(());
        }
        Err(Failure::rejected(format!(
            "!{} comes from the branch of the deployment {}, and is titled {title:?}: somebody else's. Rename or close it.",
            number.0, request.key
        )))
    }

    /// Creates the commit and its branch.
    async fn push(&self, proposal: &mut Proposal, branch: &BranchName) -> Result<Draft, Failure> {
        let tip = self.main_tip().await?;
        let draft = self.draft(proposal, &tip).await?;
        if let Some(other) = self.forge.find_by_title(&self.repo, &proposal.title).await?.first() {
            return Err(Failure::rejected(format!(
                "!{} is open with the title {:?} already. Let it be merged, or close it, and try again.",
                other.number.0, other.title
            )));
        }
        proposal.draft = Some(draft.clone());
        self.remember(proposal).await?;
        self.forge.create(&self.repo, branch, &draft.commit).await?;
        Ok(draft)
    }

    /// Drafts all edits as one commit on top of a commit of main; no branch holds it yet. Also sets the title.
    pub(super) async fn draft(&self, proposal: &mut Proposal, parent: &CommitId) -> Result<Draft, Failure> {
        let request = &proposal.request;
        let Edited { sheet, changes, excluded, declared } = self.edited(request, parent).await?;
        proposal.title = self.title(request, declared.hotfix);
        let files = sheet.changed();
        let new = NewCommit {
            parent: parent.clone(),
            message: format!("{}\n\n{}\n", proposal.title, neutralize::plain(&super::text::line(&request.about))),
            files: files.clone(),
            at: proposal.at,
        };
        let commit = self.forge.commit_files(&self.repo, &new).await?;
        let told = Told { request, changes: &changes, excluded: &excluded, warnings: &declared.warnings };
        Ok(Draft {
            parent: parent.clone(),
            commit,
            replaces: None,
            body: self.body(&told),
            changes,
            files: files.into_iter().map(|(file, _)| file).collect(),
            warnings: declared.warnings,
        })
    }

    /// Returns the edits of a request on top of the current main.
    pub(super) async fn preview(&self, request: &DeployRequest) -> Result<Edits, Failure> {
        self.fits(request)?;
        let edited = self.edited(request, &self.main_tip().await?).await?;
        let mut digest = Sha256::new();
        for change in edited.changes.iter().filter(|change| change.old != change.new) {
            for part in [&change.file, &change.place, &change.old, &change.new] {
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        let diff = edited.sheet.diff();
        let diff = if diff.chars().count() > DIFF { places(&edited.changes) } else { diff };
        Ok(Edits { diff, digest: hex::encode(digest.finalize()) })
    }

    /// Makes and validates all edits of a request in memory.
    async fn edited(&self, request: &DeployRequest, parent: &CommitId) -> Result<Edited, Failure> {
        let mut sheet = self.sheet(parent.clone());
        let (mut changes, mut excluded) = (Vec::new(), Vec::new());
        let selected = self.selected(request)?;
        for number in &selected {
            let applied = self.apply(*number, &request.commit, &mut sheet).await?;
            changes.extend(applied.changes);
            excluded.extend(applied.excluded);
        }
        if sheet.changed().is_empty() {
            return Err(Failure::rejected(format!(
                "nothing to promote: {} names {} everywhere already.",
                self.main,
                request.commit.short()
            )));
        }
        let mut declared = self.declare(request, &selected, &mut sheet).await?;
        changes.append(&mut declared.changes);
        // Two targets may select the same place with different values.
        for number in &selected {
            let target = self.target(*number)?;
            let wanted = target.value.of(&request.commit);
            if let Some(other) = self.survey(*number, &mut sheet).await?.iter().find(|reading| reading.value != wanted)
            {
                return Err(Failure::rejected(format!(
                    "{}:{}: two targets mean this value, and want it different. Correct the promotion's targets.",
                    other.file, other.line
                )));
            }
        }
        Ok(Edited { sheet, changes, excluded, declared })
    }
}

/// Maximum length of a diff in characters; a longer one is shown as a list of places.
const DIFF: usize = 2_000;

/// Returns the changes grouped by value, with their places, as `old → new:` and one `file:line` per line.
fn places(changes: &[Changed]) -> String {
    let mut by_value: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.old != change.new) {
        let place = format!("{}:{}", change.file, change.line);
        by_value.entry((&change.old, &change.new)).or_default().push(place);
    }
    by_value.iter().map(|((old, new), places)| format!("{old} → {new}:\n  {}\n", places.join("\n  "))).collect()
}

/// The edits of a request, made in memory.
struct Edited {
    sheet: EditSession,
    changes: Vec<Changed>,
    excluded: Vec<Excluded>,
    declared: Declared,
}
