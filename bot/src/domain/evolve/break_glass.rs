//! Break-glass events: uses, their announcement, and the countersign afterwards.

use super::{person, require_person};
use crate::domain::break_glass::{BreakGlassUse, Review, involved, review_due};
use crate::domain::effect::Effect;
use crate::domain::event::{Entry, Event};
use crate::domain::hotfix::Hotfix;

/// Applies a break-glass event.
#[expect(clippy::wildcard_enum_match_arm, reason = "`apply` sorts the events, and is exhaustive")]
pub(super) fn apply(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    match &entry.event {
        Event::BreakGlassUsed(glass) => {
            if person(entry).as_ref() != Some(&glass.person) {
                return Err("nobody breaks the glass for somebody else".to_owned());
            }
            state.break_glass.push(BreakGlassUse {
                glass: glass.clone(),
                version: state.version,
                announced: None,
                void: false,
                review: Review::NotNeeded,
            });
        }
        Event::BreakGlassAnnounced { message } => {
            let broken = state.break_glass.last_mut().filter(|broken| broken.announced.is_none());
            broken.ok_or("there is no glass to tell of")?.announced = Some(message.clone());
            told(state);
        }
        Event::BreakGlassVoided { .. } => void(state),
        Event::Countersigned { ok, note } => {
            let by = require_person(entry)?;
            if !review_due(state) {
                return Err("no broken glass waits for a review".to_owned());
            }
            if involved(state, &by).is_some() {
                return Err("nobody reviews what they were involved in".to_owned());
            }
            for broken in state.break_glass.iter_mut().filter(|broken| matches!(broken.review, Review::Due { .. })) {
                broken.review = Review::Given { by: by.clone(), ok: *ok, note: note.clone() };
            }
        }
        Event::CountersignReminded { times } => state.countersign_reminders = *times,
        other => return Err(format!("{other:?} is not about glass")),
    }
    Ok(())
}

/// Voids all break-glass uses, together with the votes that they replace.
pub(super) fn void(state: &mut Hotfix) {
    state.break_glass.iter_mut().for_each(|broken| broken.void = true);
    told(state);
}

/// Drops the stuck announcement of a break-glass.
fn told(state: &mut Hotfix) {
    super::stuck::forget(state, |effect| matches!(effect, Effect::AnnounceBreakGlass { .. }));
}

#[cfg(test)]
mod tests;
