//! Which targets are neighbours.

use std::fmt;
use std::net::IpAddr;

/// The network that the address of a target is likely to share with its neighbours: `10.0.11.0/24`, or the first 64
/// bits of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnose) enum Subnet {
    V4([u8; 3]),
    V6([u16; 4]),
}

impl Subnet {
    /// The subnet of a target (`address:port`). `None` if it has no IP address or no port.
    pub(in crate::diagnose) fn of(target: &[u8]) -> Option<Self> {
        let (address, _) = std::str::from_utf8(target).ok()?.rsplit_once(':')?;
        Some(match address.trim_matches(['[', ']']).parse().ok()? {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4([a, b, c]) => write!(out, "{a}.{b}.{c}.0/24"),
            Self::V6([a, b, c, d]) => write!(out, "{a:x}:{b:x}:{c:x}:{d:x}::/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_subnet() {
        for (target, expected) in [
            (&b"10.0.11.73:3000"[..], Some("10.0.11.0/24")),
            (b"[2600:1f18:12:ab00:1::7]:443", Some("2600:1f18:12:ab00::/64")),
            (b"my-function", None),
            (b"10.0.11.73", None),
            (b"\xff:80", None),
        ] {
            let found = Subnet::of(target).map(|subnet| subnet.to_string());
            assert_eq!(found.as_deref(), expected, "{}", String::from_utf8_lossy(target));
        }
    }
}
