//! Tests of attestations: the people and the commits that count.

use hotfix_adapters::ids::Digest;
use hotfix_adapters::registry::{Image, Published};
use jiff::Timestamp;

use super::*;
use crate::domain::hotfix::PinnedImage;
use crate::fixture::{Play, begun, commit, environment, live, person, staging};

fn digest(digit: char) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
}

fn at(minute: u32) -> Timestamp {
    format!("2026-03-02T11:{minute:02}:00Z").parse().unwrap()
}

/// An attestation on the head: place, person, result, and time in minutes.
type Word<'a> = (&'a str, &'a str, bool, u32);

/// Returns a run that is live on staging and production, with these attestations.
fn said(words: &[Word<'_>]) -> Play {
    live().changed(|state| {
        state.attestations.clear();
        for (place, who, pass, minute) in words {
            let (commit, person) = (commit("1111111"), person(who));
            let word = Attestation { person: person.clone(), commit, image: None, pass: *pass, at: at(*minute) };
            state.attestations.insert(((*place).to_owned(), person), word);
        }
    })
}

fn of(play: &Play, place: &VerifyPlace, by: &[&str]) -> Progress {
    let by: Vec<String> = by.iter().map(|party| (*party).to_owned()).collect();
    progress(&play.state, place, "Is it good?", &by)
}

fn waits(place: &VerifyPlace, failed: bool, missing: &[&str]) -> Progress {
    let missing = missing.iter().map(|party| (*party).to_owned()).collect();
    let (place, question) = (place.name().to_owned(), "Is it good?".to_owned());
    Progress::Waiting(Wait::Word { place, question, failed, missing })
}

const LOCAL: VerifyPlace = VerifyPlace::Local;

#[test]
fn anybodys_last_word_counts() {
    let local = |words: &[Word<'_>]| of(&said(words), &LOCAL, &[]);
    assert_eq!(local(&[("local", "ben", true, 1)]), Progress::done("<@ben> says so, on 1111111"));
    assert_eq!(local(&[]), waits(&LOCAL, false, &[]));
    assert_eq!(local(&[("local", "ben", false, 1)]), waits(&LOCAL, true, &[]));
    let later = local(&[("local", "ben", true, 2), ("local", "dee", false, 1)]);
    assert_eq!(later, Progress::done("<@ben> says so, on 1111111"));
    assert_eq!(local(&[("local", "ben", true, 1), ("local", "dee", false, 2)]), waits(&LOCAL, true, &[]));
}

#[test]
fn a_word_is_bound_to_the_place_and_the_commit() {
    let production = VerifyPlace::Environment(environment("production"));
    let played = said(&[("local", "ben", true, 1)]);
    assert_eq!(of(&played, &production, &[]), waits(&production, false, &[]));
    let moved = played.clone().changed(|state| state.head.as_mut().unwrap().tip = commit("2222222"));
    assert_eq!(of(&moved, &LOCAL, &[]), waits(&LOCAL, false, &[]));
    let nothing = played.changed(|state| state.head = None);
    assert_eq!(of(&nothing, &LOCAL, &[]), waits(&LOCAL, false, &[]));
}

/// HOCS-15, HOCS-31: an attestation is bound to the image, because the same commit can be rebuilt.
#[test]
fn a_word_on_an_environment_is_bound_to_its_image() {
    let production = environment("production");
    let (there, watch) = (VerifyPlace::Environment(production.clone()), VerifyPlace::Watch(production));
    let words = [("local", "ben", true, 1), ("production", "ben", true, 1), ("watch", "ben", true, 1)];
    let done = Progress::done("<@ben> says so, on 1111111");
    let all = |play: &Play| [of(play, &LOCAL, &[]), of(play, &there, &[]), of(play, &watch, &[])];
    assert_eq!(all(&said(&words)), [done.clone(), done.clone(), done.clone()]);
    let other = said(&words).changed(|state| {
        state.attestations.values_mut().for_each(|word| word.image = Some(digest('d')));
    });
    assert_eq!(all(&other), [done.clone(), waits(&there, false, &[]), done]);
}

/// Returns a run whose QA party has these members, with these attestations.
fn with_qa(members: &[&str], words: &[Word<'_>]) -> Play {
    said(words).changed(|state| {
        state.plan.parties.insert("qa".to_owned(), members.iter().map(|who| person(who)).collect());
    })
}

/// HOCS-31: each party needs an attestation by a different person.
#[test]
fn every_party_speaks_by_a_person_of_its_own() {
    let of = |members: &[&str], who: &[(&str, bool)], by: &[&str]| {
        let words: Vec<Word<'_>> = who.iter().map(|(who, pass)| ("local", *who, *pass, 1)).collect();
        of(&with_qa(members, &words), &LOCAL, by)
    };
    let both = ["engineer", "qa"];
    let done = |names: &str| Progress::done(format!("{names} say so, on 1111111"));
    assert_eq!(of(&["ben"], &[("ben", true), ("chi", true)], &both), done("<@ben> and <@chi>"));
    assert_eq!(of(&["ben"], &[("ana", true), ("ben", true)], &both), done("<@ana> and <@ben>"));
    assert_eq!(of(&["ben"], &[("ben", true)], &both), waits(&LOCAL, false, &["engineer"]));
    assert_eq!(of(&["ben"], &[("chi", true)], &both), waits(&LOCAL, false, &["qa"]));
    assert_eq!(of(&["ben"], &[("dee", true)], &both), waits(&LOCAL, false, &both));
    assert_eq!(of(&["ben"], &[("ben", false), ("chi", true)], &both), waits(&LOCAL, true, &["qa"]));
    let a_no = [("ben", true), ("chi", true), ("dee", false)];
    assert_eq!(of(&["ben"], &a_no, &both), waits(&LOCAL, true, &[]));
    assert_eq!(of(&["chi"], &[("chi", true)], &both), waits(&LOCAL, false, &["qa"]), "one person, one party");
    let two = ["qa", "engineer"];
    assert_eq!(of(&["chi", "dee"], &[("chi", true), ("dee", true)], &two), done("<@chi> and <@dee>"));
    assert_eq!(of(&["ben"], &[("ben", true)], &["qa", "qa"]), waits(&LOCAL, false, &["qa"]));
    assert_eq!(of(&["ben", "dee"], &[("ben", true), ("dee", true)], &["qa", "qa"]), done("<@ben> and <@dee>"));
}

#[test]
fn the_image_is_named_where_one_is_pinned() {
    let play = with_qa(&["ben"], &[("local", "ben", true, 1)]).changed(|state| {
        let image = Image { repository: "quay.io/team/payments".to_owned(), tag: "hf".to_owned(), digest: digest('d') };
        let published = Published { image, created: None, revision: None };
        state.image = Some(PinnedImage { commit: commit("1111111"), published });
    });
    assert_eq!(of(&play, &LOCAL, &["qa"]), Progress::done("<@ben> says so, on dddddddddddd"));
}

#[test]
fn who_speaks_for_a_party() {
    let state = with_qa(&["ben"], &[]).state;
    let speaks = |party: &str| {
        let all = ["ana", "ben", "chi", "dee", "eve"];
        all.into_iter().filter(|who| speaks_for(&state, &person(who), party)).collect::<Vec<_>>()
    };
    assert_eq!(speaks("engineer"), ["ana", "chi"]);
    assert_eq!(speaks("qa"), ["ben"]);
    assert_eq!(speaks("sales"), Vec::<&str>::new());
    let mut bots = state.clone();
    bots.pull.as_mut().unwrap().author = None;
    assert!(speaks_for(&bots, &person("ana"), "engineer"), "she asked for it");
}

#[test]
fn what_is_seen_is_the_head_or_what_runs_there() {
    let mut state = live().state;
    let places = |state: &Hotfix| {
        let all = [LOCAL, VerifyPlace::Environment(staging()), VerifyPlace::Watch(environment("moon"))];
        all.map(|place| commit_at(state, &place).map(|commit| commit.short().to_owned()))
    };
    let short = |short: &str| Some(short.to_owned());
    assert_eq!(places(&state), [short("1111111"), short("1111111"), None]);
    state.head.as_mut().unwrap().tip = commit("2222222");
    state.reached = [(environment("moon"), commit("5555555")), (staging(), commit("5555555"))].into();
    assert_eq!(places(&state), [short("2222222"), short("1111111"), short("5555555")]);
    assert_eq!(places(&begun().state), [None, None, None]);
}
