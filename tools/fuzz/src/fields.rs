//! Which fields of a received message are in the forwarded one.

use codec::Version;

use crate::message::Fields;
use crate::reference::values;

/// RFC 9110 section 7.6.1 and other known hop-by-hop fields, in lower case.
const ONE_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];
/// The fields that the encoder writes itself, in lower case.
const WRITTEN: [&str; 3] = ["content-length", "host", "transfer-encoding"];

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

/// What is in a list field, lower case.
pub fn members(fields: &Fields, name: &str) -> Vec<String> {
    let lines: Vec<String> = values(fields, name).map(lower).collect();
    lines
        .iter()
        .flat_map(|line| line.split(','))
        .map(|member| member.trim().to_owned())
        .filter(|member| !member.is_empty())
        .collect()
}

fn is_replaced(name: &str) -> bool {
    name == "forwarded" || name.starts_with("x-forwarded-")
}

pub fn check_request_fields(received: &Fields, sent: &Fields, version: Version, authority: Option<&[u8]>) {
    let listed = members(received, "connection");
    let is_dropped = |name: &[u8]| {
        let name = lower(name);
        let plain = name.replace('_', "-");
        let is_disguised = name != plain
            && (ONE_HOP.contains(&&*plain)
                || WRITTEN.contains(&&*plain)
                || plain == "via"
                || plain.starts_with("x-forwarded-"));
        let is_http_1_0_expect = version < Version::HTTP_1_1 && name == "expect";
        ONE_HOP.contains(&&*name)
            || WRITTEN.contains(&&*name)
            || is_replaced(&name)
            || is_disguised
            || is_http_1_0_expect
            || listed.contains(&name) && name != "close"
    };
    let is_ours = |name: &[u8]| {
        let name = lower(name);
        WRITTEN.contains(&&*name) || ["connection", "te", "upgrade"].contains(&&*name) || is_replaced(&name)
    };
    let mut kept: Fields = received.iter().filter(|(name, _)| !is_dropped(name)).cloned().collect();
    kept.push((b"Via".to_vec(), format!("{} proxy", version.number()).into_bytes()));
    for (name, value) in &mut kept {
        // RFC 9110 section 7.6.2: decremented for OPTIONS only, which moves it to the end.
        if lower(name) == "max-forwards" {
            value.clear();
        }
    }
    let mut others: Fields = sent.iter().filter(|(name, _)| !is_ours(name)).cloned().collect();
    for (name, value) in &mut others {
        if lower(name) == "max-forwards" {
            value.clear();
        }
    }
    if others.iter().any(|(name, _)| lower(name) == "max-forwards") {
        let is_other = |(name, _): &(Vec<u8>, Vec<u8>)| lower(name) != "max-forwards";
        kept.retain(is_other);
        others.retain(is_other);
    }
    assert_eq!(others, kept, "all fields but those of one hop are passed on, in order");

    assert_eq!(values(sent, "host").collect::<Vec<_>>(), [authority.unwrap_or(b"backend:81")]);
    assert_eq!(values(sent, "x-forwarded-for").collect::<Vec<_>>(), [b"10.1.2.3"]);
    assert!(values(sent, "te").all(|value| value == b"trailers"));
    let upgrades = members(sent, "upgrade");
    assert!(
        !upgrades.iter().any(|protocol| protocol.split('/').next() == Some("h2c")),
        "a tunnel of HTTP/2 was offered"
    );
    for option in members(sent, "connection") {
        let is_true = match option.as_str() {
            "close" => true,
            "te" => values(sent, "te").next().is_some(),
            "upgrade" => !upgrades.is_empty(),
            _ => false,
        };
        assert!(is_true, "Connection lists {option}");
    }
    assert_eq!(upgrades.is_empty(), !members(sent, "connection").contains(&"upgrade".to_owned()));
}

/// RFC 9110 section 6.5.1: trailers may be left out, never added, and none of them frames or routes.
pub fn check_trailers(received: &Fields, sent: &Fields) {
    let mut rest = received.iter();
    for trailer in sent {
        assert!(rest.any(|other| other == trailer), "a trailer that was not received: {trailer:?}");
        let name = lower(&trailer.0);
        assert!(
            !ONE_HOP.contains(&&*name) && !WRITTEN.contains(&&*name) && !is_replaced(&name),
            "{name} is no trailer"
        );
    }
}

pub fn check_response_fields(received: &Fields, sent: &Fields) {
    let listed = members(received, "connection");
    for (name, _) in sent {
        let name = lower(name);
        let is_of_one_hop = ONE_HOP.contains(&&*name) && name != "connection" && name != "upgrade";
        let was_listed = listed.contains(&name)
            && !["close", "connection", "date", "keep-alive", "te", "upgrade", "via"].contains(&&*name)
            && !WRITTEN.contains(&&*name)
            && !name.starts_with("x-forwarded-");
        assert!(!is_of_one_hop && !was_listed, "{name} is of one hop");
    }
    for option in members(sent, "connection") {
        assert!(["close", "keep-alive", "upgrade"].contains(&&*option), "Connection lists {option}");
    }
    assert!(members(sent, "via").last().is_some_and(|via| via.ends_with(" proxy")));
}
