//! Formats a request as the command that produces it, for the journal and for copying. `parse` gives the same
//! request back.

use std::fmt;

use super::request::{MergebackAction, Request};
use super::unescape::quote;

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb_name())?;
        self.write_places(f)?;
        if let Some(run) = self.run() {
            write!(f, " {run}")?;
        }
        Ok(())
    }
}

impl Request {
    fn write_places(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { .. } => self.write_start(f),
            Self::Promote { service, target, only, schema } => {
                write!(f, " {service}")?;
                target.as_ref().map_or(Ok(()), |target| write!(f, " {target}"))?;
                only.iter().try_for_each(|target| write!(f, " --only {target}"))?;
                schema.as_ref().map_or(Ok(()), |schema| write!(f, " --schema-first {schema}"))
            }
            Self::Triage { answers, .. } => answers.iter().try_for_each(|word| write!(f, " {word}")),
            Self::Agree { step, .. } => step.as_ref().map_or(Ok(()), |step| write!(f, " {step}")),
            Self::Pick { fixes, .. } | Self::Unpick { fixes, .. } => write!(f, " {}", fixes.join(" ")),
            Self::List { mine, open, service } => {
                f.write_str(if *mine { " --mine" } else { "" })?;
                f.write_str(if *open { " --open" } else { "" })?;
                service.as_ref().map_or(Ok(()), |service| write!(f, " --service {service}"))
            }
            Self::Where { service } => write!(f, " {service}"),
            Self::Reject { reason, .. }
            | Self::Hold { reason, .. }
            | Self::Abort { reason, .. }
            | Self::Abandon { reason, .. } => {
                write!(f, " {}", quote(reason))
            }
            Self::Identify { address, who, outside, .. } => {
                write!(f, " {} {}{}", quote(address), quote(who), if *outside { " --outside" } else { "" })
            }
            Self::Verify { place, pass, note, .. } => {
                write!(f, " {place} {}", if *pass { "pass" } else { "fail" })?;
                note.as_ref().map_or(Ok(()), |note| write!(f, " {}", quote(note)))
            }
            Self::Deploy { environment, .. } => write!(f, " {environment}"),
            Self::Rollback { environment, to, reason, .. } => {
                write!(f, " {environment}")?;
                to.as_ref().map_or(Ok(()), |to| write!(f, " to {to}"))?;
                write!(f, " {}", quote(reason))
            }
            Self::Skip { step, reason, .. } => write!(f, " {step} {}", quote(reason)),
            Self::Override { gate, reason, incident, .. } => {
                write!(f, " {gate} {} --incident {}", quote(reason), quote(incident))
            }
            Self::BreakGlass { environment, reason, commit, incident, .. } => {
                write!(f, " {environment} {} --commit {commit} --incident {}", quote(reason), quote(incident))
            }
            Self::Countersign { ok, note, .. } => {
                f.write_str(if *ok { " ok" } else { " objection" })?;
                note.as_ref().map_or(Ok(()), |note| write!(f, " {}", quote(note)))
            }
            Self::Drift { choice, .. } => write!(f, " {}", choice.as_str()),
            Self::Lock { .. } | Self::Renew { .. } | Self::Unlock { .. } | Self::Steal { .. } => self.write_lock(f),
            Self::Freeze { service, reason } => {
                write!(f, " {} {}", service.as_ref().map_or("all", |s| s.as_str()), quote(reason))
            }
            Self::Unfreeze { service } => write!(f, " {}", service.as_ref().map_or("all", |s| s.as_str())),
            Self::Mergeback { action: MergebackAction::Status, .. } => f.write_str(" status"),
            Self::Mergeback { action: MergebackAction::Confirm { note }, .. } => {
                f.write_str(" confirm")?;
                note.as_ref().map_or(Ok(()), |note| write!(f, " {}", quote(note)))
            }
            Self::Mergeback { action: MergebackAction::Waive { reason }, .. } => write!(f, " waive {}", quote(reason)),
            Self::Note { text, .. } => write!(f, " {}", quote(text)),
            Self::Postmortem { url, .. } => url.as_ref().map_or(Ok(()), |url| write!(f, " {}", quote(url))),
            Self::Help { verb } => verb.as_ref().map_or(Ok(()), |verb| write!(f, " {verb}")),
            Self::Plan { .. }
            | Self::Status { .. }
            | Self::Who { .. }
            | Self::Approve { .. }
            | Self::Unapprove { .. }
            | Self::Unhold { .. }
            | Self::Retry { .. }
            | Self::Locks
            | Self::Timeline { .. }
            | Self::Close { .. }
            | Self::Ack { .. }
            | Self::Whoami
            | Self::Ping => Ok(()),
        }
    }

    fn write_start(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Start { service, title, incident, ticket, fixes, from, exceptional, branch, only } = self else {
            return Ok(());
        };
        write!(f, " {service}")?;
        if let Some(title) = title {
            write!(f, " {}", quote(title))?;
        }
        for (flag, value) in [("incident", incident), ("ticket", ticket), ("from", from), ("branch", branch)] {
            if let Some(value) = value {
                write!(f, " --{flag} {}", quote(value))?;
            }
        }
        for fix in fixes {
            write!(f, " --fix {fix}")?;
        }
        only.iter().try_for_each(|production| write!(f, " --only {production}"))?;
        f.write_str(if *exceptional { " --exceptional" } else { "" })
    }

    fn write_lock(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Lock { service, environment, .. }
        | Self::Renew { service, environment, .. }
        | Self::Unlock { service, environment }
        | Self::Steal { service, environment, .. } = self
        {
            write!(f, " {service}/{environment}")?;
        }
        if let Self::Lock { ttl_minutes: Some(minutes), .. } | Self::Renew { ttl_minutes: Some(minutes), .. } = self {
            write!(f, " --ttl {minutes}m")?;
        }
        if let Self::Lock { reason, .. } | Self::Steal { reason, .. } = self {
            write!(f, " {}", quote(reason))?;
        }
        Ok(())
    }
}
