//! The vocabulary of a configuration: names of services, environments and steps.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::domain::id::ServiceName;

/// The names that arguments are checked against, suggested from and completed to. An empty list accepts every
/// well-formed word, as on a command line without a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lexicon {
    /// Names of the services.
    pub services: Vec<String>,
    /// Names of the environments of all services, without duplicates.
    pub environments: Vec<String>,
    /// Ids of the steps of all playbooks, without duplicates.
    pub steps: Vec<String>,
}

impl Lexicon {
    /// Returns the vocabulary of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::of_those(config, |_| true)
    }

    /// Returns the vocabulary of the services that `seen` accepts. Suggestions must not reveal other services to
    /// the caller.
    #[must_use]
    pub fn of_those(config: &Config, seen: impl Fn(&ServiceName) -> bool) -> Self {
        let services: Vec<_> = config.services.values().filter(|it| seen(&it.service.name)).collect();
        let environments = services.iter().flat_map(|s| &s.service.environments).map(|e| e.name.to_string());
        let specs = config.playbooks.values().flat_map(|playbook| playbook.steps.iter().chain(&playbook.exceptional));
        // In a plan, a step about a group of environments becomes one step per environment, each with its own id.
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
