//! What an intermediary changes in a message that it forwards (RFC 9110 section 7.6).
//!
//! Call [`request`] or [`response`] once for each head, before it is written. The encoder writes what
//! concerns the next connection (Connection, Host, framing).

use std::io::Write;
use std::net::IpAddr;

use crate::connection::ConnectionOptions;
use crate::fields::put_clean;
use crate::names::{Name, Names};
use crate::token::is_token;
use crate::{FieldSection, Refusal, RequestHead, ResponseHead, TargetForm, Version};

/// Changes a client's request so that it can be sent to a backend.
///
/// `name` is this proxy's name in `Via`. `client` is the address that the request came from.
///
/// # Errors
/// [`Refusal`] if the request must not be forwarded. [`Refusal::FinalRecipient`] is not a fault: the request
/// is for this proxy itself.
pub fn request(head: &mut RequestHead, client: IpAddr, name: &str) -> Result<(), Refusal> {
    final_recipient(head)?;
    expectation(head)?;
    let is_protected = |option| Names::PROTECTED.contains(Name::from_bytes(option));
    if head.connection.names_fields && head.fields.list_of(Name::Connection).any(is_protected) {
        // RFC 9110 section 7.6.1: a field for all recipients must not be listed. A client that lists one
        // wants it removed without the recipients noticing.
        return Err(Refusal::ProtectedConnectionOption);
    }
    let upgrade = upgrade(head);
    let te_trailers = head.fields.list_of(Name::Te).any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
    let host = head.authority_span();

    // A client can forge these fields about its origin, so they are replaced, not extended.
    const FORGED: Names = Names::new(&[Name::Forwarded, Name::XForwarded, Name::Disguised]);
    remove_hop_by_hop(&mut head.fields, head.connection, FORGED);

    if let Some(upgrade) = upgrade {
        head.fields.append("Upgrade", upgrade);
    }
    if te_trailers {
        // RFC 9110 section 10.1.4: this hop forwards trailers, and knows no other transfer coding.
        head.fields.append("TE", "trailers");
    }
    head.fields
        .append_text("X-Forwarded-For", Name::XForwarded, |value| put_address(value, client.to_canonical()));
    if let Some(host) = host {
        head.fields.append_text("X-Forwarded-Host", Name::XForwarded, |block| {
            block.extend_from_within(host.range());
        });
    }
    head.fields.append_text("X-Forwarded-Proto", Name::XForwarded, |value| value.extend_from_slice(b"http"));
    let version = head.version();
    via(&mut head.fields, version, name);
    Ok(())
}

/// Changes a backend's response, interim or final, so that it can be sent to the client.
pub fn response(head: &mut ResponseHead, name: &str) {
    // RFC 9110 section 7.8: the protocols that a 101 or a 426 lists are offered on this hop too.
    let upgrade = match head.status() {
        101 | 426 => head.fields.get("Upgrade").map(<[u8]>::to_vec),
        _ => None,
    };
    remove_hop_by_hop(&mut head.fields, head.connection, Names::default());
    if let Some(upgrade) = upgrade {
        head.fields.append("Upgrade", upgrade);
    }
    let version = head.version();
    via(&mut head.fields, version, name);
}

/// Whether a field may be forwarded in a trailer section (RFC 9110 section 6.5.1). Fields that frame or route
/// a message, hop-by-hop fields, and fields that a backend may confuse with them are not forwarded.
pub(crate) fn may_be_in_trailers(name: &[u8]) -> bool {
    const TOLD_APART: Names = Names::HOP_BY_HOP.union(Names::PROTECTED).union(Names::new(&[Name::Disguised]));
    !TOLD_APART.contains(Name::from_bytes(name)) && !is_forbidden_in_trailers(name)
}

/// Rejects the requests that a reverse proxy answers itself.
fn final_recipient(head: &mut RequestHead) -> Result<(), Refusal> {
    match head.method_bytes() {
        // RFC 9110 section 9.3.6: 501 from a server that does not implement CONNECT: docs/src/limits.md.
        b"CONNECT" => Err(Refusal::ConnectNotSupported),
        // RFC 9110 section 9.3.8: TRACE would show fields that this proxy added.
        b"TRACE" => Err(Refusal::TraceNotAllowed),
        // RFC 9110 section 9.3.7: `OPTIONS *` asks about the server that it reaches.
        b"OPTIONS" if head.target_form() == TargetForm::Asterisk => Err(Refusal::FinalRecipient),
        b"OPTIONS" => max_forwards(&mut head.fields),
        _ => Ok(()),
    }
}

/// RFC 9110 section 7.6.2: at 0 the recipient answers; otherwise it forwards the value minus 1.
fn max_forwards(fields: &mut FieldSection) -> Result<(), Refusal> {
    let hops = fields.values(Name::MaxForwards).next().and_then(crate::framing::decimal);
    match hops {
        None => Ok(()),
        Some(0) => Err(Refusal::FinalRecipient),
        Some(hops) => {
            fields.set("Max-Forwards", (hops - 1).to_string());
            Ok(())
        }
    }
}

/// RFC 9110 section 10.1.1: 417 for an unknown expectation; an HTTP/1.0 client's Expect is not forwarded.
fn expectation(head: &mut RequestHead) -> Result<(), Refusal> {
    if head.version() < Version::HTTP_1_1 {
        head.fields.remove("Expect");
        return Ok(());
    }
    match head
        .fields
        .list_of(Name::Expect)
        .all(|expectation| expectation.eq_ignore_ascii_case(b"100-continue"))
    {
        true => Ok(()),
        false => Err(Refusal::UnknownExpectation),
    }
}

/// The protocols to offer to the backend (RFC 9110 section 7.8); `None` if there are none to offer.
///
/// `h2c` is removed: a tunnel of HTTP/2 requests would bypass every rule here. A request with a body keeps
/// its body and loses the offer.
fn upgrade(head: &RequestHead) -> Option<Vec<u8>> {
    // RFC 9110 section 7.8: a server MUST ignore an Upgrade in HTTP/1.0, or one that `Connection` does not list.
    let is_offered = head.version() >= Version::HTTP_1_1 && head.connection.upgrade;
    if !is_offered || head.has_body() {
        return None;
    }
    let is_passed_on = |protocol: &&[u8]| {
        // RFC 9110 section 7.8: protocol-name [ "/" protocol-version ], both tokens.
        let mut parts = protocol.splitn(2, |&byte| byte == b'/');
        let name = parts.next().unwrap_or_default();
        is_token(name) && parts.next().is_none_or(is_token) && !name.eq_ignore_ascii_case(b"h2c")
    };
    let protocols = head.fields.list_of(Name::Upgrade).filter(is_passed_on);
    let protocols = protocols.collect::<Vec<_>>().join(&b", "[..]);
    if protocols.is_empty() { None } else { Some(protocols) }
}

/// RFC 9110 section 7.6.1: removes the hop-by-hop fields, the fields that `Connection` lists, and `more`.
fn remove_hop_by_hop(fields: &mut FieldSection, connection: ConnectionOptions, more: Names) {
    if connection.names_fields {
        // `close` names no field. Only a response can list a protected field here: such a request was rejected.
        let is_removed = |option: &&[u8]| {
            !option.eq_ignore_ascii_case(b"close") && !Names::PROTECTED.contains(Name::from_bytes(option))
        };
        let listed = fields.list_of(Name::Connection).filter(is_removed);
        let listed: Vec<Vec<u8>> = listed.map(<[u8]>::to_vec).collect();
        fields.retain(|name, _| !listed.iter().any(|option| option.eq_ignore_ascii_case(name)));
    }
    fields.remove_all(Names::HOP_BY_HOP.union(more));
}

/// RFC 9110 section 6.5.1: fields for framing, routing, authentication, or the interpretation of the content.
fn is_forbidden_in_trailers(name: &[u8]) -> bool {
    const FORBIDDEN: [&str; 14] = [
        "Authorization",
        "Cache-Control",
        "Content-Encoding",
        "Content-Range",
        "Content-Type",
        "Cookie",
        "Expect",
        "Forwarded",
        "Location",
        "Max-Forwards",
        "Range",
        "Set-Cookie",
        "Trailer",
        "WWW-Authenticate",
    ];
    let is_precondition = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"If-"));
    is_precondition || FORBIDDEN.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

/// RFC 9110 section 7.6.3: a proxy adds itself, with the version of the received message.
fn via(fields: &mut FieldSection, version: Version, name: &str) {
    fields.append_text("Via", Name::Via, |value| {
        value.extend_from_slice(version.number().as_bytes());
        value.push(b' ');
        // A line end in a name would begin another field.
        put_clean(value, name.as_bytes());
    });
}

/// Formats an IPv4 address by hand. Every request carries an address, and `write!` takes 985 instructions more for it
/// than this does: 5 % of those of a GET through part5 (tools/benchmark/guard).
fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        // Writing to a vector does not fail.
        let _ = write!(out, "{address}");
        return;
    };
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
    }
}
