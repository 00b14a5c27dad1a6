//! Address ranges that are not part of the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Describes a private address, as text for a user; returns `None` for a public one.
pub(super) fn private(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => private_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(inner) => private_v4(inner),
            None => private_v6(address),
        },
    }
}

fn private_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0 | 127, ..] => Some("an address of this machine"),
        [169, 254, ..] => Some("a link-local address, where clouds hand out credentials"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("an address of a private network"),
        [100, 64..=127, ..] => Some("an address behind a carrier's NAT"),
        [224..=255, ..] => Some("no address of one host"),
        _ => None,
    }
}

fn private_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Some("an address of this machine"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address, where clouds hand out credentials"),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Some("an address of a private network"),
        [0x64, 0xff9b, 1, ..] => Some("an address behind a translator of one's own"),
        [0xff00..=0xffff, ..] => Some("no address of one host"),
        _ => None,
    }
}

/// Returns the IPv4 address embedded in an IPv6 address: mapped, compatible, NAT64 or 6to4.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// Security case 65: the first and last address of each range, and the neighbors outside of it.
    #[test]
    fn ranges_begin_and_end_where_they_should() {
        let inside = [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::",
            "febf::1",
            "fec0::1",
            "fc00::",
            "fdff:ffff::1",
            "ff02::1",
            "64:ff9b:1::a00:1",
        ];
        for text in inside {
            assert!(private(text.parse().unwrap()).is_some(), "{text} is private");
        }
        let outside = [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "140.82.121.4",
            "2606:50c0:8000::154",
            "fe7f::1",
            "fbff::1",
            "64:ff9b:2::1",
        ];
        for text in outside {
            assert!(private(text.parse().unwrap()).is_none(), "{text} is of the internet");
        }
    }

    /// Security case 65: an IPv4 address is judged the same in every IPv6 embedding.
    #[test]
    fn an_ipv4_address_inside_an_ipv6_address_is_seen() {
        for disguise in ["::ffff:", "::", "64:ff9b::"] {
            for (inner, is_private) in [("169.254.169.254", true), ("10.0.0.1", true), ("140.82.121.4", false)] {
                let text = format!("{disguise}{inner}");
                assert_eq!(private(text.parse().unwrap()).is_some(), is_private, "{text}");
            }
        }
        assert!(private("2002:a9fe:a9fe::1".parse().unwrap()).is_some(), "169.254.169.254 by 6to4");
        assert!(private("2002:8c52:7904::1".parse().unwrap()).is_none(), "140.82.121.4 by 6to4");
    }
}
