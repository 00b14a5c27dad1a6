//! The words that exist where a command is typed.

/// The words that exist: they are checked against, suggested and completed. An empty list knows nothing and lets every
/// well-formed word pass, as on a command line without the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The services.
    pub services: Vec<String>,
    /// The environments of all services.
    pub environments: Vec<String>,
    /// The steps of all playbooks.
    pub steps: Vec<String>,
}
