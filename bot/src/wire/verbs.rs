//! The verbs as Discord commands, generated from the table that parses them.

use hotfix_adapters::chat::discord::{CommandSpec, OptionShape, OptionSpec};

use crate::command::{Arg, ArgSyntax, ArgType, Group, VERBS, Verb};

/// Returns all verbs, ordered by usefulness: those used during a hotfix first.
pub fn commands() -> Vec<CommandSpec> {
    let order =
        [Group::Begin, Group::Say, Group::Act, Group::Look, Group::Trouble, Group::After, Group::Bot, Group::Lanes];
    order
        .iter()
        .flat_map(|group| VERBS.iter().filter(move |verb| verb.group == *group))
        .map(|verb| spec(verb))
        .collect()
}

fn spec(verb: &Verb) -> CommandSpec {
    let mut options: Vec<OptionSpec> = verb.args.iter().map(option).collect();
    if verb.takes_run {
        options.push(OptionSpec {
            name: "run".to_owned(),
            about: "which run, HF-n; needed outside its thread when several are open".to_owned(),
            required: false,
            choices: Vec::new(),
            shape: OptionShape::Word,
        });
    }
    CommandSpec { name: verb.name.to_owned(), about: verb.summary.to_owned(), options }
}

fn option(arg: &Arg) -> OptionSpec {
    let choices = match arg.kind {
        ArgType::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        ArgType::Service
        | ArgType::ServiceOrAll
        | ArgType::Environment
        | ArgType::Place
        | ArgType::Lane
        | ArgType::Step
        | ArgType::Fix
        | ArgType::Reference
        | ArgType::Commit
        | ArgType::Name
        | ArgType::Url
        | ArgType::Duration
        | ArgType::Verb
        | ArgType::Text
        | ArgType::Lasting(_) => Vec::new(),
    };
    let shape = match arg.form {
        ArgSyntax::Word | ArgSyntax::OptionalWord => OptionShape::Word,
        ArgSyntax::Words => OptionShape::Words,
        ArgSyntax::Text | ArgSyntax::OptionalText => OptionShape::Text,
        ArgSyntax::Switch => OptionShape::Switch,
        ArgSyntax::Flag | ArgSyntax::RequiredFlag => OptionShape::Flag,
        ArgSyntax::ManyFlag => OptionShape::FlagWords,
        ArgSyntax::Keyword => OptionShape::Keyword,
    };
    OptionSpec {
        // Discord does not allow a slash in an option name.
        name: arg.name.replace('/', "-"),
        about: arg.about.to_owned(),
        required: arg.form.is_required(),
        choices,
        shape,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verbs_of_a_hotfix_come_first() {
        let names: Vec<String> = commands().into_iter().map(|command| command.name).take(8).collect();
        assert!(names.contains(&"start".to_owned()) && names.contains(&"approve".to_owned()), "{names:?}");
        assert_eq!(commands().len(), VERBS.len());
    }
}
