//! Slack's HTTP requests: signature checks, and the replies to the users behind them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use hotfix_adapters::chat::inbound::{Delivery, WebhookReceiver as _, WebhookRequest, WebhookResponse};
use hotfix_adapters::chat::slack::{Slack, SlackIngress};
use hotfix_adapters::chat::{Card, Chat as _, Emoji, HandlerReply, Interaction, Text, Tone};
use hotfix_fakes::slack::{SIGNING_SECRET, Submitted, Urls};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{RecordingHandler, World, form, note, options, post, question, secret, typed, world};

struct Served {
    ingress: SlackIngress,
    recorder: Arc<RecordingHandler>,
}

async fn take(State(served): State<Arc<Served>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let call = WebhookRequest { path: uri.path(), headers: &headers, body: &body, at: Timestamp::now() };
    let WebhookResponse { delivery: taken, content_type, body } = served.ingress.receive(call, &*served.recorder).await;
    let status = match taken {
        Delivery::Accepted | Delivery::Ignored => StatusCode::OK,
        Delivery::Unsigned | Delivery::StaleSignature => StatusCode::UNAUTHORIZED,
        Delivery::Malformed => StatusCode::BAD_REQUEST,
        Delivery::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [("content-type", content_type.unwrap_or("text/plain"))], body).into_response()
}

/// Sets up a workspace that calls the bot at one URL or at three.
async fn called(three: bool) -> World {
    let world = world().await;
    serve(&world, &world.slack, three).await;
    world
}

async fn serve(world: &World, slack: &Slack, three: bool) {
    let served = Served { ingress: slack.ingress().unwrap(), recorder: Arc::clone(&world.recorder) };
    let paths = served.ingress.paths();
    let router = paths.iter().fold(Router::new(), |router, path| router.route(path, any(take)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router.with_state(Arc::new(served))).await });
    let at = |below: &str| format!("{base}/slack{below}");
    world.fake.deliver_to(if three {
        Urls { commands: at("/commands"), interactions: at("/interactions"), events: at("/events") }
    } else {
        Urls::one(&at(""))
    });
}

#[tokio::test]
async fn a_command_is_answered_in_private() {
    for three in [false, true] {
        let world = called(three).await;
        world.recorder.answer(HandlerReply::Message(Some(note("HF-1 waits for Ben"))));
        world.fake.command("ana", "hotfixes", "/hotfix status HF-1").await;
        let heard = world.recorder.after(1).await;
        assert_eq!((typed(&heard), heard.can_ask, &heard.channel), ("status HF-1", true, &world.channel()));
        assert!(heard.from.id.starts_with(&world.fake.team()));
        assert!(world.seen().contains("hotfix (only you see this): HF-1 waits for Ben"), "{}", world.seen());
        assert!(!world.fake.sees("ben", "hotfixes").contains("HF-1"));
    }
}

#[tokio::test]
async fn a_form_is_shown_corrected_and_handed_in() {
    let world = called(true).await;
    world.recorder.answer(HandlerReply::OpenForm(form()));
    world.fake.command("ana", "hotfixes", "/hotfix verify").await;
    world.fake.until("a form", |fake| fake.modal("ana").is_some()).await;
    let modal = world.fake.modal("ana").unwrap();
    assert!(modal.contains("What did you see?") && modal.contains("[Cancel] [Hand in]"), "{modal}");
    world.recorder.answer(HandlerReply::FieldErrors(vec![("note".to_owned(), "Say what you looked at.".to_owned())]));
    let filled = [("Outcome", "pass"), ("Note", "fine")];
    let wrong = world.fake.submit("ana", &filled).await;
    assert!(matches!(&wrong, Submitted::Wrong(why) if why["note"] == "Say what you looked at."), "{wrong:?}");
    world.recorder.answer(HandlerReply::Message(Some(note("Noted: staging passed"))));
    assert_eq!(world.fake.submit("ana", &filled).await, Submitted::Shown);
    assert!(world.fake.modal("ana").unwrap().contains("Noted: staging passed"));
    let heard = world.recorder.after(3).await;
    let Interaction::FormSubmit { key, answers } = &heard.interaction else { panic!("{heard:?}") };
    assert_eq!(
        (key.as_str(), answers.get("outcome"), answers.get("note")),
        ("verify/HF-1", Some("pass"), Some("fine"))
    );
    assert_eq!(heard.channel, world.channel(), "the answers belong to where the form was asked for");
}

#[tokio::test]
async fn a_form_without_a_word_closes() {
    let world = called(false).await;
    world.recorder.answer(HandlerReply::OpenForm(form()));
    world.fake.command("ana", "hotfixes", "/hotfix verify").await;
    world.fake.until("a form", |fake| fake.modal("ana").is_some()).await;
    assert_eq!(world.fake.submit("ana", &[("Outcome", "pass"), ("Note", "x")]).await, Submitted::Closed);
}

/// The trigger lives three seconds; after that, the user is told.
#[tokio::test]
async fn a_form_that_comes_too_late_is_told() {
    let world = called(false).await;
    world.fake.fail_next("views.open", "expired_trigger_id");
    world.recorder.answer(HandlerReply::OpenForm(form()));
    world.fake.command("ana", "hotfixes", "/hotfix verify").await;
    world.fake.until_seen("ana", "hotfixes", "The form could not be shown").await;
}

#[tokio::test]
async fn a_button_is_answered_by_its_response_url() {
    let world = called(false).await;
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.recorder.answer(HandlerReply::Message(Some(note("You have approved it"))));
    world.fake.press("ben", "hotfixes", &ask.id, "Approve").await;
    let heard = world.recorder.after(1).await;
    assert_eq!(heard.interaction, Interaction::ButtonClick { message: ask, value: "n0nce".to_owned() });
    world.fake.until_seen("ben", "hotfixes", "You have approved it").await;
    assert!(!world.seen().contains("You have approved it"));
    assert!(world.seen().contains("Ship it?"), "the question is not replaced");
}

#[tokio::test]
async fn what_takes_longer_follows() {
    let world = called(false).await;
    let (more, later) = oneshot::channel();
    world.recorder.answer(HandlerReply::Deferred(later));
    world.fake.command("ana", "hotfixes", "/hotfix where payments").await;
    assert!(world.seen().contains("On it"), "{}", world.seen());
    more.send(Some(note("Production runs 1.4.2"))).unwrap();
    world.fake.until_seen("ana", "hotfixes", "Production runs 1.4.2").await;
}

#[tokio::test]
async fn a_mention_is_answered_in_its_thread() {
    let world = called(true).await;
    let root = world.slack.post(&post(world.place(), "root", note("HF-1"))).await.unwrap();
    world.recorder.answer(HandlerReply::Message(Some(note("It waits for Ben"))));
    world.fake.reply("ana", "hotfixes", &root.id, "@hotfix status").await;
    let heard = world.recorder.after(1).await;
    assert_eq!((typed(&heard), heard.thread.as_ref(), heard.can_ask), ("status", Some(&root), false));
    world.fake.until_seen("ana", "hotfixes", "    hotfix (only you see this): It waits for Ben").await;
}

/// Security case 32: reactions to others' messages never reach the handler.
#[tokio::test]
async fn reactions_come_and_go_on_the_bots_own_messages_alone() {
    let world = called(false).await;
    let others = world.fake.say("ana", "hotfixes", "lunch?").await;
    world.fake.react("ben", "hotfixes", &others, "+1").await;
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.fake.react("ben", "hotfixes", &ask.id, "white_check_mark").await;
    world.fake.take_back("ben", "hotfixes", &ask.id, "white_check_mark").await;
    let heard = world.recorder.after(2).await;
    assert_eq!(heard.interaction, Interaction::Reaction { message: ask, emoji: Emoji::Yes, added: false });
    assert_eq!(world.recorder.heard().len(), 2);
}

#[tokio::test]
async fn a_message_is_added_by_the_shortcut() {
    let world = called(true).await;
    let ts = world.fake.say("ben", "hotfixes", "It <broke> & burns").await;
    world.recorder.answer(HandlerReply::Message(Some(note("Kept with HF-1"))));
    world.fake.message_shortcut("ana", "hotfixes", &ts, "add_to_hotfix").await;
    let heard = world.recorder.after(1).await;
    assert!(
        matches!(&heard.interaction, Interaction::MessageShortcut { text, .. } if text == "It <broke> & burns"),
        "{heard:?}"
    );
    world.fake.until_seen("ana", "hotfixes", "Kept with HF-1").await;
}

#[tokio::test]
async fn the_page_of_the_bot() {
    let world = called(false).await;
    let cards =
        vec![note("HF-1 waits for you"), Card { title: Some(Text::of("HF-2")), tone: Tone::Good, ..question() }];
    world.recorder.answer(HandlerReply::HomePage(cards));
    world.fake.open_home("ana").await;
    world.fake.until("a page", |fake| fake.home("ana").is_some()).await;
    assert_eq!(world.fake.home("ana").unwrap(), "HF-1 waits for you\n---\n# ✅ HF-2\nShip it?\n[Approve]\n");
    world.recorder.answer(HandlerReply::Message(Some(note("Approved"))));
    world.fake.press_in_view("ana", "Approve").await;
    world.fake.until("an answer", |fake| fake.modal("ana").is_some()).await;
    assert!(world.fake.modal("ana").unwrap().contains("Approved"));
}

/// Security case 5: a redelivery of the same bytes has the same dedupe key.
#[tokio::test]
async fn the_same_delivery_has_the_same_key() {
    let world = called(false).await;
    world.fake.command("ana", "hotfixes", "/hotfix approve").await;
    world.fake.deliver_again().await;
    world.fake.command("ana", "hotfixes", "/hotfix approve").await;
    let keys: Vec<String> = world.recorder.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2], "saying it again is another act");
}

/// A delivery that could not be stored arrives again with the same dedupe key; commands are not redelivered, so the
/// user is told.
#[tokio::test]
async fn what_could_not_be_kept_comes_again_or_is_told() {
    let world = called(true).await;
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.recorder.answer(HandlerReply::Unavailable);
    world.recorder.answer(HandlerReply::Unavailable);
    world.fake.react("ben", "hotfixes", &ask.id, "+1").await;
    assert_eq!(world.fake.retries_to_come(), 2);
    world.fake.set_time(Timestamp::now());
    world.fake.pass(Duration::from_secs(60)).await;
    let keys: Vec<String> = world.recorder.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!(keys.len(), 3, "at once, and after a minute");
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    world.recorder.answer(HandlerReply::Unavailable);
    world.fake.command("ana", "hotfixes", "/hotfix approve").await;
    assert!(world.seen().contains("nothing was done. Please say it again"), "{}", world.seen());
    world.recorder.answer(HandlerReply::Unavailable);
    world.fake.press("ben", "hotfixes", &ask.id, "Approve").await;
    world.fake.until_seen("ben", "hotfixes", "nothing was done. Please say it again").await;
}

/// Security cases 1 and 4, and secret rotation without a gap.
#[tokio::test]
async fn only_slack_of_now_is_heard() {
    let world = called(false).await;
    world.fake.rotate_signing_secret("another");
    assert_eq!(world.fake.command("ana", "hotfixes", "/hotfix approve").await.status, Some(401));
    let mut both = options(&world.fake);
    both.signing_secrets = vec![secret("another"), secret(SIGNING_SECRET)];
    let slack = Slack::new(both).unwrap();
    serve(&world, &slack, false).await;
    assert!(world.fake.command("ana", "hotfixes", "/hotfix approve").await.taken());
    world.fake.rotate_signing_secret(SIGNING_SECRET);
    assert!(world.fake.command("ana", "hotfixes", "/hotfix approve").await.taken());
    for minutes in [-6, 6] {
        world.fake.set_time(Timestamp::now() + jiff::SignedDuration::from_mins(minutes));
        assert_eq!(world.fake.command("ana", "hotfixes", "/hotfix approve").await.status, Some(401), "{minutes}");
    }
    assert_eq!(world.recorder.heard().len(), 2);
}

/// Security case 9: a delivery from another workspace gets a success response and has no effect.
#[tokio::test]
async fn another_workspace_is_no_concern() {
    let world = world().await;
    let mut elsewhere = options(&world.fake);
    elsewhere.teams = vec!["T0OTHER".to_owned()];
    serve(&world, &Slack::new(elsewhere).unwrap(), false).await;
    assert_eq!(world.fake.command("ana", "hotfixes", "/hotfix approve").await.status, Some(200));
    assert_eq!(world.recorder.heard().len(), 0);
}

#[tokio::test]
async fn an_organisation_is_one_home() {
    let world = world().await;
    world.fake.enterprise("E0GRID", true);
    let mut wide = options(&world.fake);
    wide.teams = vec!["E0GRID".to_owned()];
    let slack = Slack::new(wide).unwrap();
    serve(&world, &slack, false).await;
    let ask = slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.fake.press("ana", "hotfixes", &ask.id, "Approve").await;
    world.fake.react("ana", "hotfixes", &ask.id, "+1").await;
    world.fake.command("ana", "hotfixes", "/hotfix status").await;
    let people: Vec<String> = world.recorder.heard().into_iter().map(|heard| heard.from.id).collect();
    assert_eq!(people.len(), 3);
    assert!(people.iter().all(|id| id.starts_with("E0GRID/") && *id == people[0]), "{people:?}");
    assert_eq!(slack.reactions(&ask).await.unwrap()[0].person.id, people[0], "and the same where it is read");
}

fn signed(secret: &str, at: i64, body: &[u8]) -> HeaderMap {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, &[format!("v0:{at}:").as_bytes(), body].concat());
    let mut headers = HeaderMap::new();
    headers.insert("x-slack-request-timestamp", at.to_string().parse().unwrap());
    headers.insert("x-slack-signature", format!("v0={}", hex::encode(tag)).parse().unwrap());
    headers
}

async fn raw(world: &World, headers: &HeaderMap, body: &[u8]) -> WebhookResponse {
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    let call = WebhookRequest { path: "/slack", headers, body, at };
    world.slack.ingress().unwrap().receive(call, &*world.recorder).await
}

/// Security case 12: the challenge is echoed only after the signature check, and only if it is short.
#[tokio::test]
async fn slack_makes_sure_of_the_address() {
    let world = world().await;
    let body = br#"{"type":"url_verification","challenge":"abc"}"#;
    let good = raw(&world, &signed(SIGNING_SECRET, 1_800_000_000, body), body).await;
    assert_eq!((good.delivery, &*good.body), (Delivery::Accepted, &b"abc"[..]));
    assert_eq!(raw(&world, &HeaderMap::new(), body).await, WebhookResponse::empty(Delivery::Unsigned));
    let long = format!(r#"{{"type":"url_verification","challenge":"{}"}}"#, "x".repeat(201));
    let refused = raw(&world, &signed(SIGNING_SECRET, 1_800_000_000, long.as_bytes()), long.as_bytes()).await;
    assert_eq!(refused, WebhookResponse::empty(Delivery::Malformed));
    assert_eq!(raw(&world, &HeaderMap::new(), b"ssl_check=1&token=x").await, WebhookResponse::empty(Delivery::Ignored));
}

/// Security case 85: a genuine delivery gets a success response, unless it is malformed.
#[tokio::test]
async fn what_makes_no_sense_is_told_apart() {
    let world = world().await;
    for (body, taken) in [
        (&b"{"[..], Delivery::Malformed),
        (b"payload=%7B", Delivery::Malformed),
        (b"payload=[]", Delivery::Malformed),
        (b"", Delivery::Malformed),
        (b"\xff\xfe", Delivery::Malformed),
        (b"{}", Delivery::Ignored),
        (br#"{"type":"brand_new"}"#, Delivery::Ignored),
        (b"payload={}", Delivery::Ignored),
        (b"command=/hotfix", Delivery::Ignored),
    ] {
        let answer = raw(&world, &signed(SIGNING_SECRET, 1_800_000_000, body), body).await;
        assert_eq!(answer, WebhookResponse::empty(taken), "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(world.recorder.heard().len(), 0);
}
