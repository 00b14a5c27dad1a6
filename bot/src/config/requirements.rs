//! The requirements: every sentence of the five runbooks by its id, paraphrased. Steps of a playbook and refusals cite
//! them; an unknown id is a typing mistake.

use self::Met::{Attested, Bot, Fact, NotMet, Verified};
use crate::domain::id::RequirementId;

/// The way in which a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// The bot does it.
    Bot,
    /// The bot checks it, and stops or reports if it does not hold.
    Verified,
    /// A person does it, and the bot records who, when and what.
    Attested,
    /// A statement that requires no action.
    Fact,
    /// The requirement is not implemented.
    NotMet,
}

impl Met {
    /// Returns the phrase for a table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "done by the bot",
            Self::Verified => "verified",
            Self::Attested => "attested by a person",
            Self::Fact => "a fact",
            Self::NotMet => "not met",
        }
    }
}

/// A requirement: one sentence of a runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// Id of the requirement, such as `APPLY-14`.
    pub id: &'static str,
    /// The way in which it is met.
    pub met: Met,
    /// The scenario in `tests/scenarios` that proves it end to end; empty for facts that cannot be shown and for
    /// requirements that are not met.
    pub proof: &'static str,
    /// Paraphrase of the sentence.
    pub summary: &'static str,
    /// The unmet part; empty if it is met completely.
    pub lacks: &'static str,
}

impl Requirement {
    /// Returns the way and the degree in which it is met, as a phrase for a table.
    #[must_use]
    pub fn how(&self) -> String {
        let partly = !self.lacks.is_empty() && self.met != NotMet;
        if partly { format!("partly {}", self.met.as_str()) } else { self.met.as_str().to_owned() }
    }
}

/// Returns the paraphrase of a requirement; `None` if no runbook has the id.
#[must_use]
pub fn summary(id: &RequirementId) -> Option<&'static str> {
    REQUIREMENTS.iter().find(|known| known.id == id.as_str()).map(|known| known.summary)
}

const fn r(id: &'static str, met: Met, proof: &'static str, summary: &'static str) -> Requirement {
    Requirement { id, met, proof, summary, lacks: "" }
}

/// Creates a requirement that is met in part.
const fn p(id: &'static str, met: Met, proof: &'static str, summary: &'static str, lacks: &'static str) -> Requirement {
    Requirement { id, met, proof, summary, lacks }
}

/// Creates a requirement that is not met.
const fn n(id: &'static str, summary: &'static str, lacks: &'static str) -> Requirement {
    Requirement { id, met: NotMet, proof: "", summary, lacks }
}

/// All requirements, runbook by runbook.
pub const REQUIREMENTS: &[Requirement] = &[
    // App SRE: a long-lived branch, cherry-picks from main, promotion by commit.
    p(
        "SRE-1",
        Verified,
        "sre-whole",
        "Everything merged to main is deployed to stage.",
        "That stage has the fix is verified; that its target follows main is not read from the saas file.",
    ),
    r("SRE-2", Verified, "sre-whole", "Production is promoted by a commit id that was merged."),
    r("SRE-3", Verified, "sre-whole", "Main may hold changes that are not ready for production."),
    r("SRE-4", Verified, "sre-whole", "The hotfix ships without the rest of main."),
    r("SRE-5", Bot, "sre-whole", "The branch is called hotfix."),
    r("SRE-6", Bot, "sre-whole", "It starts at the commit that production runs."),
    p(
        "SRE-7",
        Verified,
        "sre-whole",
        "A job builds an image for every merge to the hotfix branch.",
        "A file that names the branch is found; that its job builds and publishes is seen only where a registry is configured.",
    ),
    p(
        "SRE-8",
        Verified,
        "sre-squash",
        "The fix goes into main first, by the usual process.",
        "That main has the fix is verified; that it was reviewed on its way there is not.",
    ),
    r("SRE-9", Verified, "sre-whole", "The change is tested in stage."),
    r("SRE-10", Bot, "sre-whole", "The fix is cherry-picked from main, so that it is not lost later."),
    r("SRE-11", Verified, "operator-version-order", "An operator's versions stay in order with those of main."),
    r("SRE-12", Bot, "promotion-rollout", "A merge request promotes a commit of the hotfix branch."),
    r("SRE-X1", Verified, "sre-merged-into-main", "The hotfix branch is never merged into main."),
    r(
        "SRE-X2",
        Verified,
        "operator-version-order",
        "An operator's versions are put in order right after the branch is made.",
    ),
    // Home Office: based on a tag, a branch of its own for every hotfix, image tags, Drone.
    r("HOCS-0", Verified, "hocs-qa-offered", "The keywords mean what RFC 2119 says."),
    r("HOCS-1", Attested, "hocs-whole", "Before starting, somebody asks whether a hotfix suits."),
    r("HOCS-2", Attested, "hocs-whole", "A good hotfix meets some or all of the criteria a to k."),
    r("HOCS-2a", Attested, "hocs-whole", "It mends an urgent problem in live use."),
    r("HOCS-2b", Attested, "hocs-whole", "It mends something that blocks development."),
    r("HOCS-2c", Attested, "hocs-whole", "It cannot wait for the standard release."),
    r("HOCS-2d", Attested, "hocs-whole", "It touches a single service."),
    r("HOCS-2e", Attested, "hocs-whole", "It is easy to take back."),
    r("HOCS-2f", Attested, "hocs-whole", "It adds no feature."),
    r("HOCS-2g", Attested, "hocs-whole", "It does exactly one thing."),
    r("HOCS-2h", Attested, "hocs-whole", "It will not live long."),
    r("HOCS-2i", Attested, "hocs-whole", "It has no side effects."),
    r("HOCS-2j", Attested, "hocs-whole", "Nobody objects to it."),
    r("HOCS-2k", Attested, "hocs-whole", "It is not needed after the next release."),
    r("HOCS-3", Bot, "hocs-whole", "The version that production runs is found out."),
    n(
        "HOCS-4",
        "The latest release notes may be consulted.",
        "No step asks for the release notes or keeps a link to them; a `note` can.",
    ),
    r("HOCS-5", Bot, "hocs-whole", "The running version is checked again in the cluster."),
    r("HOCS-6", Bot, "hocs-whole", "The branch starts at the git tag of that release."),
    r("HOCS-7", Verified, "hocs-whole", "The work branch is named like an ordinary one, after its ticket."),
    r("HOCS-8", Fact, "hocs-whole", "Its name may have the word hotfix in it."),
    r("HOCS-9", Verified, "hocs-refusals", "Its name does not begin with hotfix, or the push is refused."),
    r("HOCS-10", Bot, "hocs-whole", "A pull request is opened as usual."),
    r("HOCS-11", Bot, "hocs-whole", "It goes into a branch that begins with hotfix/, not into main."),
    r("HOCS-12", Bot, "hocs-whole", "A fix that is to stay also gets a pull request into main."),
    r("HOCS-13", Verified, "hocs-whole", "The next release overwrites the hotfix."),
    r("HOCS-14", Verified, "hocs-used-name", "Every hotfix has a hotfix/ branch of its own."),
    p(
        "HOCS-15",
        Verified,
        "hocs-live-branch",
        "Nothing is pushed to a hotfix/ branch that production runs.",
        "A push is reported and a moved tag voids what was said of it; the branch is not locked.",
    ),
    r("HOCS-16", Verified, "hocs-whole", "The change is reviewed before it goes into the hotfix branch."),
    r("HOCS-17", Attested, "hocs-whole", "Stakeholders agree before the hotfix/ branch is made."),
    r("HOCS-18", Verified, "hocs-whole", "The usual approvals hold, some of them more leniently."),
    r("HOCS-19", Verified, "hocs-whole", "The build passes."),
    r("HOCS-20", Verified, "hocs-whole", "Noise in logs and the like matters less, and may be wanted."),
    r("HOCS-21", Bot, "hocs-whole", "Once approved, the pull request is merged into the hotfix/ branch."),
    p(
        "HOCS-22",
        Verified,
        "hocs-whole",
        "A push to a hotfix/ branch makes the build publish an image tag.",
        "The published tag is found in the registry; the build that made it is not looked at.",
    ),
    r("HOCS-23", Bot, "hocs-whole", "The tag of that image is found out, not guessed."),
    p(
        "HOCS-24",
        Bot,
        "hocs-whole",
        "It is deployed to an environment that is not production.",
        "Shown from end to end with a deploying command; promotions by Drone are tested against a model of its API alone.",
    ),
    r("HOCS-25", Verified, "hocs-whole", "The version that is deployed is the tag that was found."),
    r("HOCS-26", Verified, "hocs-whole", "QA is never deployed to by a Drone command."),
    r("HOCS-27", Attested, "hocs-qa-by-hand", "QA may be changed by hand with kubectl."),
    r("HOCS-28", Attested, "hocs-qa-by-hand", "Whoever uses QA agrees first."),
    r("HOCS-29", Attested, "hocs-whole", "A hotfix that turns out not to help is acceptable."),
    r("HOCS-30", Attested, "hocs-whole", "A hotfix that breaks something else is not."),
    r("HOCS-31", Attested, "hocs-whole", "It is tested until its engineer and the stakeholders are satisfied."),
    p(
        "HOCS-32",
        Bot,
        "hocs-whole",
        "Production is deployed in the way of a normal release.",
        "Shown from end to end with a deploying command; promotions by Drone are tested against a model of its API alone.",
    ),
    r("HOCS-33", Bot, "hocs-whole", "What is released is the hotfix, in the place of a release number."),
    r("HOCS-34", Verified, "hocs-whole", "It stays only until the next release of the component."),
    r("HOCS-35", Verified, "hocs-whole", "The fix reaches main in time for the next release."),
    r("HOCS-36", Attested, "hocs-whole", "Production is watched afterwards."),
    r("HOCS-37", Verified, "hocs-whole", "The state is ended soon: taken back, or replaced by a normal release."),
    // Apply for Teacher Training: one branch, its head is deployed, then it is merged back.
    n(
        "APPLY-1",
        "Normal deployments ship everything merged, at least daily.",
        "How often production is deployed is not measured.",
    ),
    p(
        "APPLY-2",
        Verified,
        "apply-whole",
        "A hotfix is typically one pull request.",
        "A run has one pull request; how many changes are in it is shown and not judged.",
    ),
    r("APPLY-3", Attested, "triage-later", "It is for fixes that are urgent."),
    r("APPLY-4", Verified, "nothing-withheld", "It is for when other merged changes must not ship yet."),
    r("APPLY-5", Verified, "apply-whole", "What ships is production and the fix, and nothing else."),
    r("APPLY-6", Bot, "apply-whole", "The branch starts at what production runs, not at the head of main."),
    r("APPLY-7", Attested, "apply-whole", "The fix is made on that branch."),
    r("APPLY-8", Verified, "apply-whole", "A pull request is raised and approved in the usual way."),
    r("APPLY-9", Attested, "apply-whole", "It is tested locally or on the review app."),
    r("APPLY-10", Bot, "apply-whole", "The hotfix branch is deployed by the normal procedure."),
    r("APPLY-11", Bot, "apply-whole", "What is deployed is the head of the hotfix branch."),
    r("APPLY-12", Bot, "apply-whole", "Afterwards the branch is merged back into main."),
    r("APPLY-13", Verified, "start-joins", "Several hotfixes at a time share a single branch."),
    r("APPLY-14", Verified, "start-joins", "That branch may hold more than one fix."),
    r("APPLY-15", Bot, "apply-whole", "The whole team knows that a hotfix is under way."),
    r("APPLY-16", Verified, "drift-abort", "A normal deployment in between is noticed."),
    r("APPLY-17", Attested, "drift-roll", "After one, the fix may join the regular release instead."),
    p(
        "APPLY-18",
        Verified,
        "apply-whole",
        "There is one main branch, and no second one grows.",
        "The hotfix branch is deleted after the merge; other branches that live long are not looked for.",
    ),
    r("APPLY-X1", Bot, "apply-whole", "The team's channel gets a thread for the hotfix."),
    r("APPLY-X2", Bot, "apply-whole", "The branch is pushed before any fix is on it, as a signal."),
    r("APPLY-X3", Verified, "merged-too-early", "The approved pull request is not merged before the deployment."),
    r("APPLY-X4", Verified, "lane-free-after-main", "Nobody deploys anything else until it is merged back."),
    r("APPLY-X5", Verified, "apply-whole", "The branch is always called hotfix, and deleted after the merge."),
    r("APPLY-X6", Verified, "apply-whole", "What production runs is read where it can be seen."),
    // Integrations promotions: several files, schema first, a word to the others.
    r("PROMO-1", Verified, "promotion-whole", "The integrations run in several places, each promoted in its own way."),
    r("PROMO-2", Verified, "promotion-whole", "A schema change that is depended on is promoted first."),
    r("PROMO-3", Bot, "promotion-whole", "It goes in a merge request of its own."),
    r("PROMO-4", Bot, "promotion-whole", "A make target may do it."),
    r("PROMO-5", Bot, "promotion-whole", "A merge request promotes from staging to production."),
    r("PROMO-6", Bot, "promotion-whole", "The newest commit is taken and written into the files."),
    r("PROMO-7", Bot, "promotion-whole", "The saas file's ref is among them."),
    r("PROMO-8", Bot, "promotion-only", "One environment alone may be promoted."),
    n(
        "PROMO-9",
        "Whoever merges a change deploys it soon after.",
        "How long merged changes wait for their promotion is not watched.",
    ),
    r("PROMO-10", Bot, "promotion-linear-history", "The queue may hold changes of several people."),
    r("PROMO-11", Bot, "promotion-whole", "They are told when theirs go along."),
    r("PROMO-12", Verified, "promotion-whole", "Their answer is not waited for."),
    r("PROMO-13", Attested, "promotion-whole", "A person puts the lgtm label on the merge request."),
    r("PROMO-14", Verified, "promotion-rollout", "The standard process merges it."),
    r("PROMO-15", Bot, "promotion-whole", "The first cluster takes its ref from the saas file."),
    r("PROMO-16", Bot, "promotion-whole", "The internal clusters take theirs from the internal saas file."),
    r("PROMO-17", Bot, "promotion-whole", "The pull request checks take a tag from .env."),
    r("PROMO-18", Bot, "promotion-whole", "The Jenkins jobs take a tag from the defaults file."),
    r("PROMO-19", Bot, "promotion-whole", "The Tekton pipelines take the same key from shared resources."),
    p(
        "PROMO-20",
        Bot,
        "promotion-whole",
        "Usually every shared resource with the key is updated.",
        "Every file in the configured folder is searched; the rest of the repository is not.",
    ),
    // The standard release: main only, with an exceptional path that needs three capabilities.
    r("MAIN-1", Verified, "website-whole", "A hotfix is an ordinary change through the standard release."),
    n("MAIN-2", "That works when releases are frequent.", "How often main is released is not looked at."),
    r("MAIN-3", Verified, "website-whole", "Main can be released at any time."),
    r("MAIN-4", Bot, "website-whole", "The branch starts at the forge's main, as hotfix/ and a description."),
    r("MAIN-5", Verified, "website-whole", "The fix is minimal and focused."),
    r("MAIN-6", Verified, "website-whole", "The pull request goes into main."),
    r("MAIN-7", Verified, "website-whole", "It is reviewed and tested by the standard process."),
    r("MAIN-8", Bot, "website-whole", "Once approved it is merged into main."),
    r("MAIN-9", Bot, "website-whole", "The standard release is started."),
    r("MAIN-10", Fact, "", "One process, less divergence, the pipelines that exist."),
    r(
        "MAIN-11",
        Verified,
        "exceptional",
        "When main cannot be released, another process may be needed; it is the exception.",
    ),
    r("MAIN-12", Verified, "main-red", "That exceptional process is not supported."),
    r("MAIN-13", Verified, "exceptional", "Supporting it takes the capabilities a, b and c."),
    r("MAIN-13a", Verified, "exceptional", "A pipeline for hotfixes that is started by hand."),
    r("MAIN-13b", Verified, "exceptional", "A staging environment for hotfixes."),
    r("MAIN-13c", Verified, "exceptional", "A release pipeline that handles hotfix tags."),
    p(
        "MAIN-14",
        Verified,
        "main-red",
        "Main is kept releasable.",
        "It is looked at when a hotfix starts; nobody is reminded in between.",
    ),
    r("MAIN-15", Verified, "website-whole", "Hotfixes are kept small and focused."),
    r("MAIN-16", Attested, "website-whole", "They are tested thoroughly, urgent or not."),
    r("MAIN-17", Bot, "website-whole", "Everybody is kept informed throughout."),
    r("MAIN-18", Bot, "exceptional", "A post-mortem follows."),
    r("MAIN-19", Fact, "", "The release process and the development workflow are described elsewhere."),
];
