//! Sets the bot's own label or comment on its merge request, once.

use super::Promotion;
use super::options::Approval;
use super::record::Proposal;
use crate::failure::Failure;
use crate::forge::PullNumber;

impl Promotion {
    /// Sets the label or comment, then records it. After a crash in between it is repeated, which has no effect, except
    /// that a label which was removed in the meantime is set again.
    pub(super) async fn announce(&self, proposal: &mut Proposal, number: PullNumber) -> Result<(), Failure> {
        if proposal.announced {
            return Ok(());
        }
        match &self.approval {
            Approval::LabelByPerson { .. } => {}
            Approval::LabelByBot { label } => {
                self.forge.set_labels(&self.repo, number, std::slice::from_ref(label), &[]).await?;
            }
            Approval::CommentByBot { text } => {
                let key = format!("{}-approval", proposal.request.key);
                self.forge.comment(&self.repo, number, &key, text).await?;
            }
        }
        (proposal.number, proposal.announced) = (Some(number), true);
        self.remember(proposal).await
    }
}
