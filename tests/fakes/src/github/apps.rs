//! GitHub Apps: authentication by JSON web token, installations, and installation tokens.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use super::serve::{Call, Reply};
use super::state::{Access, Installation, State};
use super::{APP_KEY_PKCS8, shape};

/// Returns the public half of [`APP_KEY_PKCS8`].
pub(super) fn public_key() -> Vec<u8> {
    let text: String = APP_KEY_PKCS8.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap();
    key.public_key().as_ref().to_vec()
}

/// Verifies a JSON web token and returns the id of the App that signed it, or GitHub's error message.
pub(super) fn verify(state: &State, word: &str) -> Result<u64, String> {
    let parts: Vec<&str> = word.split('.').collect();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let read = |text: &str| decode(text).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let undecoded = || "A JSON web token could not be decoded".to_owned();
    let (header, claims) = (read(parts[0]).ok_or_else(undecoded)?, read(parts[1]).ok_or_else(undecoded)?);
    if header["alg"] != "RS256" {
        return Err(undecoded());
    }
    let id =
        claims["iss"].as_str().and_then(|text| text.parse().ok()).or(claims["iss"].as_u64()).ok_or_else(undecoded)?;
    let app = state.apps.get(&id).ok_or("Integration not found")?;
    let signed = format!("{}.{}", parts[0], parts[1]);
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &app.public_key);
    key.verify(signed.as_bytes(), &decode(parts[2]).ok_or_else(undecoded)?).map_err(|_| undecoded())?;
    let (issued, expires) = (claims["iat"].as_i64().unwrap_or(i64::MAX), claims["exp"].as_i64().unwrap_or(0));
    match state.now() {
        now if issued > now => Err("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued".to_owned()),
        now if expires <= now => Err("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires".to_owned()),
        now if expires > now + 600 => Err("'Expiration time' claim ('exp') is too far in the future".to_owned()),
        _ => Ok(id),
    }
}

pub(super) fn own(state: &State, call: &Call) -> Reply {
    match call.app.and_then(|id| Some((id, state.apps.get(&id)?))) {
        Some((id, app)) => Reply::ok(shape::app(state, id, &app.slug)),
        None => Reply::error(401, "A JSON web token could not be decoded", None),
    }
}

pub(super) fn find(state: &State, call: &Call, full: &str) -> Reply {
    let full = full.to_lowercase();
    let fits = |app: u64| state.installations.iter().find(|(_, it)| it.app == app && it.repos.contains(&full));
    match call.app.map(fits) {
        None => Reply::error(401, "A JSON web token could not be decoded", None),
        Some(None) => Reply::not_found(),
        Some(Some((id, it))) => Reply::ok(shown(state, *id, it)),
    }
}

fn shown(state: &State, id: u64, it: &Installation) -> Value {
    let owner = state.users.iter().find(|(_, user)| user.login.eq_ignore_ascii_case(&it.owner)).map(|(id, _)| *id);
    let base = format!("{}/app/installations/{id}", state.api());
    json!({
        "id": id, "app_id": it.app, "app_slug": state.apps[&it.app].slug, "target_id": owner, "target_type": "Organization",
        "account": owner.map(|owner| shape::user(state, owner)), "permissions": it.permissions, "events": [],
        "repository_selection": "selected", "single_file_name": null, "suspended_by": null, "suspended_at": null,
        "access_tokens_url": format!("{base}/access_tokens"), "repositories_url": format!("{}/installation/repositories", state.api()),
        "html_url": format!("{}/settings/installations/{id}", state.url), "created_at": shape::FOUNDED,
        "updated_at": shape::FOUNDED,
    })
}

/// Issues an installation token, restricted to the requested repositories and permissions of the installation.
pub(super) fn mint(state: &mut State, call: &Call, id: &str) -> Reply {
    let Some(app) = call.app else { return Reply::error(401, "A JSON web token could not be decoded", None) };
    let number = id.parse().unwrap_or(0);
    let Some(it) = state.installations.get(&number).filter(|it| it.app == app) else { return Reply::not_found() };
    let names = call.body.get("repositories").and_then(Value::as_array);
    let names = names.map(|names| names.iter().filter_map(Value::as_str).map(|name| format!("{}/{name}", it.owner)));
    let repos: BTreeSet<String> =
        names.map_or_else(|| it.repos.clone(), |names| names.map(|n| n.to_lowercase()).collect());
    if !repos.is_subset(&it.repos) {
        return Reply::error(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
            None,
        );
    }
    // An empty object requests all permissions.
    let asked = call.body.get("permissions").and_then(Value::as_object).filter(|asked| !asked.is_empty());
    let asked: Option<BTreeMap<String, String>> = asked.map(|asked| {
        asked.iter().map(|(name, level)| (name.clone(), level.as_str().unwrap_or_default().to_owned())).collect()
    });
    let granted =
        |(name, level): (&String, &String)| it.permissions.get(name).is_some_and(|had| had == level || had == "write");
    if asked.as_ref().is_some_and(|asked| !asked.iter().all(granted)) {
        return Reply::error(422, "The permissions requested are not granted to this installation.", None);
    }
    let mut permissions = asked.unwrap_or_else(|| it.permissions.clone());
    // Every App may read repository metadata.
    permissions.entry("metadata".to_owned()).or_insert_with(|| "read".to_owned());
    let shown: Vec<Value> = repos.iter().map(|full| shape::repository(state, full)).collect();
    let (user, expires) = (state.apps[&app].user, state.now() + 3600);
    let token = format!("ghs_{:036}", state.id());
    let access = Access { user, repos: Some(repos), permissions: Some(permissions.clone()), expires };
    state.tokens.insert(token.clone(), access);
    let at = jiff::Timestamp::from_second(expires).unwrap().to_string();
    Reply::One(
        201,
        json!({ "token": token, "expires_at": at, "permissions": permissions, "repository_selection": "selected", "repositories": shown }),
    )
}
