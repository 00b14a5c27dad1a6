//! The words that exist where a command is typed.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::domain::id::ServiceName;

/// The words that exist: they are checked against, suggested and completed. An empty list knows nothing and lets every
/// well-formed word pass, as on a command line without the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lexicon {
    /// The services.
    pub services: Vec<String>,
    /// The environments of all services.
    pub environments: Vec<String>,
    /// The steps of all playbooks.
    pub steps: Vec<String>,
}

impl Lexicon {
    /// The words of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::of_those(config, |_| true)
    }

    /// The same, of some services alone: whoever may not see the others is not told of them by a suggestion.
    #[must_use]
    pub fn of_those(config: &Config, seen: impl Fn(&ServiceName) -> bool) -> Self {
        let services: Vec<_> = config.services.values().filter(|it| seen(&it.service.name)).collect();
        let environments = services.iter().flat_map(|s| &s.service.environments).map(|e| e.name.to_string());
        let specs = config.playbooks.values().flat_map(|playbook| playbook.steps.iter().chain(&playbook.exceptional));
        // A step about a group of environments is called after each of them in a plan.
        let placed = services.iter().flat_map(|configured| {
            let all = specs.clone();
            all.flat_map(|spec| crate::domain::plan::placed(spec, &configured.service, true))
        });
        let steps = specs.clone().map(|spec| spec.id.to_string()).chain(placed.map(|spec| spec.id.to_string()));
        Self {
            services: services.iter().map(|configured| configured.service.name.to_string()).collect(),
            environments: environments.collect::<BTreeSet<_>>().into_iter().collect(),
            steps: steps.collect::<BTreeSet<_>>().into_iter().collect(),
        }
    }
}
