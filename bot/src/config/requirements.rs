//! Every sentence of the five runbooks by its id, each in our own words. A step of a playbook serves some of them, and a
//! refusal can name one; an id that is not here is a typing mistake.

use crate::domain::id::RequirementId;

/// A sentence of a runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// Its id.
    pub id: &'static str,
    /// What it asks for, or states.
    pub summary: &'static str,
}

/// What a sentence says; `None` when no runbook has it.
#[must_use]
pub fn summary(id: &RequirementId) -> Option<&'static str> {
    REQUIREMENTS
        .iter()
        .find(|known| known.id == id.as_str())
        .map(|known| known.summary)
}

const fn r(id: &'static str, summary: &'static str) -> Requirement {
    Requirement { id, summary }
}

/// All sentences, runbook by runbook.
pub const REQUIREMENTS: &[Requirement] = &[
    // App SRE: a long-lived branch, cherry-picks from main, promotion by commit.
    r("SRE-1", "Everything merged to main is deployed to stage."),
    r("SRE-2", "Production is promoted by a commit id that was merged."),
    r("SRE-3", "Main may hold changes that are not ready for production."),
    r("SRE-4", "The hotfix ships without the rest of main."),
    r("SRE-5", "The branch is called hotfix."),
    r("SRE-6", "It starts at the commit that production runs."),
    r("SRE-7", "A job builds an image for every merge to the hotfix branch."),
    r("SRE-8", "The fix goes into main first, by the usual process."),
    r("SRE-9", "The change is tested in stage."),
    r(
        "SRE-10",
        "The fix is cherry-picked from main, so that it is not lost later.",
    ),
    r("SRE-11", "An operator's versions stay in order with those of main."),
    r("SRE-12", "A merge request promotes a commit of the hotfix branch."),
    r("SRE-X1", "The hotfix branch is never merged into main."),
    r(
        "SRE-X2",
        "An operator's versions are put in order right after the branch is made.",
    ),
    // Home Office: based on a tag, a branch of its own for every hotfix, image tags, Drone.
    r("HOCS-0", "The keywords mean what RFC 2119 says."),
    r("HOCS-1", "Before starting, somebody asks whether a hotfix suits."),
    r("HOCS-2", "A good hotfix meets some or all of the criteria a to k."),
    r("HOCS-2a", "It mends an urgent problem in live use."),
    r("HOCS-2b", "It mends something that blocks development."),
    r("HOCS-2c", "It cannot wait for the standard release."),
    r("HOCS-2d", "It touches a single service."),
    r("HOCS-2e", "It is easy to take back."),
    r("HOCS-2f", "It adds no feature."),
    r("HOCS-2g", "It does exactly one thing."),
    r("HOCS-2h", "It will not live long."),
    r("HOCS-2i", "It has no side effects."),
    r("HOCS-2j", "Nobody objects to it."),
    r("HOCS-2k", "It is not needed after the next release."),
    r("HOCS-3", "The version that production runs is found out."),
    r("HOCS-4", "The latest release notes may be consulted."),
    r("HOCS-5", "The running version is checked again in the cluster."),
    r("HOCS-6", "The branch starts at the git tag of that release."),
    r(
        "HOCS-7",
        "The work branch is named like an ordinary one, after its ticket.",
    ),
    r("HOCS-8", "Its name may have the word hotfix in it."),
    r("HOCS-9", "Its name does not begin with hotfix, or the push is refused."),
    r("HOCS-10", "A pull request is opened as usual."),
    r(
        "HOCS-11",
        "It goes into a branch that begins with hotfix/, not into main.",
    ),
    r("HOCS-12", "A fix that is to stay also gets a pull request into main."),
    r("HOCS-13", "The next release overwrites the hotfix."),
    r("HOCS-14", "Every hotfix has a hotfix/ branch of its own."),
    r("HOCS-15", "Nothing is pushed to a hotfix/ branch that production runs."),
    r(
        "HOCS-16",
        "The change is reviewed before it goes into the hotfix branch.",
    ),
    r("HOCS-17", "Stakeholders agree before the hotfix/ branch is made."),
    r("HOCS-18", "The usual approvals hold, some of them more leniently."),
    r("HOCS-19", "The build passes."),
    r("HOCS-20", "Noise in logs and the like matters less, and may be wanted."),
    r(
        "HOCS-21",
        "Once approved, the pull request is merged into the hotfix/ branch.",
    ),
    r(
        "HOCS-22",
        "A push to a hotfix/ branch makes the build publish an image tag.",
    ),
    r("HOCS-23", "The tag of that image is found out, not guessed."),
    r("HOCS-24", "It is deployed to an environment that is not production."),
    r("HOCS-25", "The version that is deployed is the tag that was found."),
    r("HOCS-26", "QA is never deployed to by a Drone command."),
    r("HOCS-27", "QA may be changed by hand with kubectl."),
    r("HOCS-28", "Whoever uses QA agrees first."),
    r("HOCS-29", "A hotfix that turns out not to help is acceptable."),
    r("HOCS-30", "A hotfix that breaks something else is not."),
    r(
        "HOCS-31",
        "It is tested until its engineer and the stakeholders are satisfied.",
    ),
    r("HOCS-32", "Production is deployed in the way of a normal release."),
    r(
        "HOCS-33",
        "What is released is the hotfix, in the place of a release number.",
    ),
    r("HOCS-34", "It stays only until the next release of the component."),
    r("HOCS-35", "The fix reaches main in time for the next release."),
    r("HOCS-36", "Production is watched afterwards."),
    r(
        "HOCS-37",
        "The state is ended soon: taken back, or replaced by a normal release.",
    ),
    // Apply for Teacher Training: one branch, its head is deployed, then it is merged back.
    r("APPLY-1", "Normal deployments ship everything merged, at least daily."),
    r("APPLY-2", "A hotfix is typically one pull request."),
    r("APPLY-3", "It is for fixes that are urgent."),
    r("APPLY-4", "It is for when other merged changes must not ship yet."),
    r("APPLY-5", "What ships is production and the fix, and nothing else."),
    r(
        "APPLY-6",
        "The branch starts at what production runs, not at the head of main.",
    ),
    r("APPLY-7", "The fix is made on that branch."),
    r("APPLY-8", "A pull request is raised and approved in the usual way."),
    r("APPLY-9", "It is tested locally or on the review app."),
    r("APPLY-10", "The hotfix branch is deployed by the normal procedure."),
    r("APPLY-11", "What is deployed is the head of the hotfix branch."),
    r("APPLY-12", "Afterwards the branch is merged back into main."),
    r("APPLY-13", "Several hotfixes at a time share a single branch."),
    r("APPLY-14", "That branch may hold more than one fix."),
    r("APPLY-15", "The whole team knows that a hotfix is under way."),
    r("APPLY-16", "A normal deployment in between is noticed."),
    r("APPLY-17", "After one, the fix may join the regular release instead."),
    r("APPLY-18", "There is one main branch, and no second one grows."),
    r("APPLY-X1", "The team's channel gets a thread for the hotfix."),
    r("APPLY-X2", "The branch is pushed before any fix is on it, as a signal."),
    r(
        "APPLY-X3",
        "The approved pull request is not merged before the deployment.",
    ),
    r("APPLY-X4", "Nobody deploys anything else until it is merged back."),
    r(
        "APPLY-X5",
        "The branch is always called hotfix, and deleted after the merge.",
    ),
    r("APPLY-X6", "What production runs is read where it can be seen."),
    // Integrations promotions: several files, schema first, a word to the others.
    r(
        "PROMO-1",
        "The integrations run in several places, each promoted in its own way.",
    ),
    r("PROMO-2", "A schema change that is depended on is promoted first."),
    r("PROMO-3", "It goes in a merge request of its own."),
    r("PROMO-4", "A make target may do it."),
    r("PROMO-5", "A merge request promotes from staging to production."),
    r("PROMO-6", "The newest commit is taken and written into the files."),
    r("PROMO-7", "The saas file's ref is among them."),
    r("PROMO-8", "One environment alone may be promoted."),
    r("PROMO-9", "Whoever merges a change deploys it soon after."),
    r("PROMO-10", "The queue may hold changes of several people."),
    r("PROMO-11", "They are told when theirs go along."),
    r("PROMO-12", "Their answer is not waited for."),
    r("PROMO-13", "A person puts the lgtm label on the merge request."),
    r("PROMO-14", "The standard process merges it."),
    r("PROMO-15", "The first cluster takes its ref from the saas file."),
    r(
        "PROMO-16",
        "The internal clusters take theirs from the internal saas file.",
    ),
    r("PROMO-17", "The pull request checks take a tag from .env."),
    r("PROMO-18", "The Jenkins jobs take a tag from the defaults file."),
    r(
        "PROMO-19",
        "The Tekton pipelines take the same key from shared resources.",
    ),
    r("PROMO-20", "Usually every shared resource with the key is updated."),
    // The standard release: main only, with an exceptional path that needs three capabilities.
    r("MAIN-1", "A hotfix is an ordinary change through the standard release."),
    r("MAIN-2", "That works when releases are frequent."),
    r("MAIN-3", "Main can be released at any time."),
    r(
        "MAIN-4",
        "The branch starts at the forge's main, as hotfix/ and a description.",
    ),
    r("MAIN-5", "The fix is minimal and focused."),
    r("MAIN-6", "The pull request goes into main."),
    r("MAIN-7", "It is reviewed and tested by the standard process."),
    r("MAIN-8", "Once approved it is merged into main."),
    r("MAIN-9", "The standard release is started."),
    r("MAIN-10", "One process, less divergence, the pipelines that exist."),
    r(
        "MAIN-11",
        "When main cannot be released, another process may be needed; it is the exception.",
    ),
    r("MAIN-12", "That exceptional process is not supported."),
    r("MAIN-13", "Supporting it takes the capabilities a, b and c."),
    r("MAIN-13a", "A pipeline for hotfixes that is started by hand."),
    r("MAIN-13b", "A staging environment for hotfixes."),
    r("MAIN-13c", "A release pipeline that handles hotfix tags."),
    r("MAIN-14", "Main is kept releasable."),
    r("MAIN-15", "Hotfixes are kept small and focused."),
    r("MAIN-16", "They are tested thoroughly, urgent or not."),
    r("MAIN-17", "Everybody is kept informed throughout."),
    r("MAIN-18", "A post-mortem follows."),
    r(
        "MAIN-19",
        "The release process and the development workflow are described elsewhere.",
    ),
];
