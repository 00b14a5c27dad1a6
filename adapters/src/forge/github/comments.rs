//! Comments that are written once: a comment contains its dedupe key in a hidden HTML comment, and is searched for
//! before it is written.

use http::Method;
use serde_json::json;

use super::labels::issue;
use super::model::Comment;
use super::refusal::Attempt;
use super::{GitHub, WriteOutcome};
use crate::failure::Failure;
use crate::forge::PullNumber;
use crate::ids::Repo;

impl GitHub {
    pub(super) async fn comment_once(
        &self,
        repo: &Repo,
        number: PullNumber,
        key: &str,
        text: &str,
    ) -> Result<(), Failure> {
        let what = format!("comment on {} of {repo}", number.0);
        let act = Attempt::new(&what, "the permission Pull requests: write");
        let plain = !key.is_empty()
            && key.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/#".contains(c))
            && !key.contains("--");
        if !plain {
            return Err(Failure::rejected(format!(
                "could not {what}: {key:?} is no key that a comment can be found by."
            )));
        }
        let mark = format!("<!-- hotfix:{key} -->");
        if self.commented(repo, number, &mark, &act).await? {
            return Ok(());
        }
        let route = issue(repo, number)?.then("comments");
        let body = Some(json!({ "body": format!("{text}\n\n{mark}") }));
        match self.client().write(repo, Method::POST, &route, body, &act).await? {
            WriteOutcome::Done(_) => Ok(()),
            WriteOutcome::Rejected { message, .. } => {
                Err(Failure::rejected(format!("could not {what}: GitHub says: {message}.")))
            }
            WriteOutcome::Unknown(how) => match self.commented(repo, number, &mark, &act).await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err(Failure::uncertain(format!("could not {what}: {how}."))),
            },
        }
    }

    async fn commented(&self, repo: &Repo, number: PullNumber, mark: &str, act: &Attempt<'_>) -> Result<bool, Failure> {
        let route = issue(repo, number)?.then("comments");
        let comments = self.client().all(repo, &route, act, |page: Vec<Comment>| page).await?;
        // The mark must stand at the end, where the bot puts it: a reply that quotes the comment continues after it.
        Ok(comments.iter().any(|comment| comment.body.as_deref().is_some_and(|body| body.trim_end().ends_with(mark))))
    }
}
