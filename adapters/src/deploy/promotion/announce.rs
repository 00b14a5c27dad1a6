//! What the bot itself puts on its merge request, once.

use super::Promotion;
use super::options::Approval;
use super::record::Proposal;
use crate::failure::Failure;
use crate::forge::PullNumber;

impl Promotion {
    /// Puts it there and writes that down. After a crash in between the same is done again, which changes nothing but a
    /// label that was taken off in that moment.
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
