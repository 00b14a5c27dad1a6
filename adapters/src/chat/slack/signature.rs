//! Verifies Slack's request signature: HMAC-SHA256 over the timestamp and the raw body, before anything is parsed
//! (security cases 1 to 6). Called by the ingress.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::chat::inbound::Delivery;

/// Maximum difference in seconds between the signed timestamp and now, in either direction.
const WINDOW_SECONDS: u64 = 300;
const SIGNATURE: &str = "x-slack-signature";
const MOMENT: &str = "x-slack-request-timestamp";

/// Verifies that a request is signed with one of the secrets and is recent. Several secrets allow a rotation
/// without a gap.
///
/// # Errors
/// Returns [`Delivery::Unsigned`] if the signature or timestamp is missing, malformed or wrong, and
/// [`Delivery::StaleSignature`] if the timestamp is outside the window.
pub(super) fn check(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Delivery> {
    let moment = single(headers, MOMENT).and_then(seconds).ok_or(Delivery::Unsigned)?;
    let claimed = single(headers, SIGNATURE).and_then(digest).ok_or(Delivery::Unsigned)?;
    // Try every secret, so that timing does not reveal which one matched.
    let mut genuine = false;
    for secret in secrets {
        genuine |= fits(secret, moment, body, &claimed);
    }
    if !genuine {
        return Err(Delivery::Unsigned);
    }
    let signed_at = moment.parse::<i64>().map_err(|_| Delivery::Unsigned)?;
    if now.as_second().abs_diff(signed_at) > WINDOW_SECONDS { Err(Delivery::StaleSignature) } else { Ok(()) }
}

/// Returns `true` if the request has a signature header, valid or not.
pub(super) fn is_claimed(headers: &HeaderMap) -> bool {
    headers.contains_key(SIGNATURE)
}

/// Returns the raw signature header, for the dedupe key.
pub(super) fn claimed(headers: &HeaderMap) -> &[u8] {
    headers.get(SIGNATURE).map(http::HeaderValue::as_bytes).unwrap_or_default()
}

fn fits(secret: &SecretString, moment: &str, body: &[u8], claimed: &[u8; 32]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
    mac.update(b"v0:");
    mac.update(moment.as_bytes());
    mac.update(b":");
    mac.update(body);
    mac.verify_slice(claimed).is_ok()
}

/// Returns the value of a header that occurs exactly once and is readable.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok()).flatten()
}

fn seconds(text: &str) -> Option<&str> {
    let fine = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fine.then_some(text)
}

/// Decodes `v0=` and 64 lowercase hex digits; rejects everything else.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("v0=")?;
    let lower = digits.len() == 64 && !digits.bytes().any(|b| b.is_ascii_uppercase());
    let mut out = [0; 32];
    (lower && hex::decode_to_slice(digits, &mut out).is_ok()).then_some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// The example from Slack's documentation verifies.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: &str = "1531420618";
    const SIGNED: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &[u8] =
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn judged(secrets: &[&str], pairs: &[(&'static str, &str)], body: &[u8], now: i64) -> Result<(), Delivery> {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        check(&secrets, &headers(pairs), body, Timestamp::from_second(now).unwrap())
    }

    const NOW: i64 = 1_531_420_618;

    #[test]
    fn the_example_of_the_documentation_is_genuine() {
        assert_eq!(judged(&[SECRET], &[(MOMENT, AT), (SIGNATURE, SIGNED)], BODY, NOW), Ok(()));
    }

    #[test]
    fn two_secrets_are_good_at_once() {
        for secrets in [["new", SECRET], [SECRET, "old"]] {
            assert_eq!(judged(&secrets, &[(MOMENT, AT), (SIGNATURE, SIGNED)], BODY, NOW), Ok(()));
        }
        assert_eq!(judged(&["new", "old"], &[(MOMENT, AT), (SIGNATURE, SIGNED)], BODY, NOW), Err(Delivery::Unsigned));
        assert_eq!(judged(&[], &[(MOMENT, AT), (SIGNATURE, SIGNED)], BODY, NOW), Err(Delivery::Unsigned));
    }

    /// Timestamps that are too old or in the future are both rejected (security case 4).
    #[test]
    fn the_window_has_two_sides() {
        for (now, judgement) in [
            (NOW + 300, Ok(())),
            (NOW - 300, Ok(())),
            (NOW + 301, Err(Delivery::StaleSignature)),
            (NOW - 301, Err(Delivery::StaleSignature)),
        ] {
            assert_eq!(judged(&[SECRET], &[(MOMENT, AT), (SIGNATURE, SIGNED)], BODY, now), judgement, "{now}");
        }
    }

    /// A request with any irregularity in its headers counts as unsigned (security cases 1, 2 and 6).
    #[test]
    fn what_is_not_exactly_signed_is_not_signed() {
        let upper = SIGNED.to_ascii_uppercase().replace("V0", "v0");
        let long = format!("{SIGNED}{}", "0".repeat(100_000));
        let odd = &SIGNED[..SIGNED.len() - 1];
        let v1 = SIGNED.replace("v0", "v1");
        for wrong in ["", "v0=", "v0", &upper, &long, odd, &v1, &SIGNED[3..], "v0=zz", &format!(" {SIGNED}x")] {
            assert_eq!(
                judged(&[SECRET], &[(MOMENT, AT), (SIGNATURE, wrong)], BODY, NOW),
                Err(Delivery::Unsigned),
                "{wrong}"
            );
        }
        assert_eq!(judged(&[SECRET], &[(MOMENT, AT)], BODY, NOW), Err(Delivery::Unsigned));
        assert_eq!(judged(&[SECRET], &[(SIGNATURE, SIGNED)], BODY, NOW), Err(Delivery::Unsigned));
        let mut twice = headers(&[(MOMENT, AT), (SIGNATURE, SIGNED)]);
        twice.append(SIGNATURE, SIGNED.parse().unwrap());
        let now = Timestamp::from_second(NOW).unwrap();
        assert_eq!(check(&[SecretString::from(SECRET)], &twice, BODY, now), Err(Delivery::Unsigned), "twice");
        for moment in ["", "-1", "1531420618 ", "+1531420618", "99999999999999999999", "1531420619"] {
            let pairs = [(MOMENT, moment), (SIGNATURE, SIGNED)];
            assert_eq!(judged(&[SECRET], &pairs, BODY, NOW), Err(Delivery::Unsigned), "{moment:?}");
        }
        for at in 0..BODY.len() {
            let mut body = BODY.to_vec();
            body[at] ^= 1;
            assert!(judged(&[SECRET], &[(MOMENT, AT), (SIGNATURE, SIGNED)], &body, NOW).is_err(), "byte {at}");
        }
    }
}
