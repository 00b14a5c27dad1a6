//! Determines the commit that production should run, from the values on main.

use std::collections::BTreeSet;

use super::Promotion;
use super::options::Value;
use super::targets::CurrentValue;
use super::track::named;
use crate::failure::Failure;
use crate::ids::CommitId;

impl Promotion {
    pub(super) async fn named(&self) -> Result<Option<CommitId>, Failure> {
        let mut sheet = self.sheet(self.main_tip().await?);
        let (mut full, mut short, mut all) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (number, target) in self.targets.iter().enumerate().filter(|(_, target)| target.production) {
            for reading in self.survey(number, &mut sheet).await? {
                match target.value {
                    Value::FullSha => {
                        full.insert(whole(&reading)?);
                    }
                    Value::ShortSha(_) => short.push(beginning(&reading)?),
                }
                all.push(named(&reading));
            }
        }
        let mut commits = full.iter();
        let (first, second) = (commits.next(), commits.next());
        let disagrees = match first {
            Some(commit) => short.iter().any(|digits| !commit.as_str().starts_with(digits.as_str())),
            None => short.iter().any(|digits| Some(digits) != short.first()),
        };
        if second.is_some() || disagrees {
            return Err(Failure::rejected(format!(
                "production does not name one commit: {}. Bring all of them to the one that runs.",
                all.join(", ")
            )));
        }
        Ok(first.cloned())
    }
}

/// Parses a full commit id. Rejects a branch, which would move, and a short id, which may become ambiguous.
fn whole(reading: &CurrentValue) -> Result<CommitId, Failure> {
    CommitId::parse(&reading.value).map_err(|_| {
        let what = if hexadecimal(&reading.value) { "a short commit id" } else { "no commit id but a branch or a tag" };
        Failure::rejected(format!(
            "{}, which is {what}. Production has to name a full commit id there.",
            named(reading)
        ))
    })
}

fn beginning(reading: &CurrentValue) -> Result<String, Failure> {
    if hexadecimal(&reading.value) {
        return Ok(reading.value.clone());
    }
    Err(Failure::rejected(format!("{}, which is no commit id. Production has to name a commit there.", named(reading))))
}

/// Returns `true` for a possible commit id: 7 to 64 lowercase hexadecimal digits.
fn hexadecimal(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (7..=64).contains(&text.len()) && text.bytes().all(digit)
}
