//! The definition of a case. Cases are data, so that their lists can be read from top to bottom.

use std::io;

use course::Ability;
use testkit::Connection;

/// A requirement for a proxy.
#[derive(Clone, Copy)]
pub struct Case {
    /// What should happen, in words joined by hyphens; unique.
    pub name: &'static str,
    /// The section that requires it: `RFC 9112 section 6.1`.
    pub section: &'static str,
    /// How strongly that section requires it.
    pub level: Level,
    /// The ability that a proxy needs for the case to apply.
    pub needs: Needs,
    /// What the client sends first. `{a*8000}` stands for 8000 times `a`.
    pub(crate) sends: &'static str,
    /// What it does after that, before it reads the response.
    pub(crate) then: &'static [Act],
    pub(crate) backend: Answer,
    /// One method for each expected final response. The method determines whether the response has a body.
    pub(crate) methods: &'static [&'static str],
    /// The allowed statuses of each response.
    pub(crate) statuses: &'static [u16],
    pub(crate) reaches: Reaches,
    /// The checks of the first request at the backend.
    pub(crate) request: &'static [Check],
    /// The checks of the last response.
    pub(crate) response: &'static [Check],
    /// All bytes after the responses.
    pub(crate) rest: &'static str,
    /// The error type in the `Proxy-Status` of a stage that generates the last response; `None` if the
    /// backend sends it or it is not an error.
    pub(crate) error: Option<&'static str>,
    /// The section that such a response names.
    pub(crate) names: &'static str,
}

/// How strongly a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The RFC says MUST.
    Must,
    /// The RFC says SHOULD, or the message breaks a grammar.
    Should,
    /// The RFC leaves the choice, and this is ours. Another choice is not a violation.
    Ours,
}

/// The ability that a proxy needs for a case or a behaviour; `None` if forwarding requests is enough.
pub type Needs = Option<Ability>;

/// What a client does after its first bytes.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Send(&'static str),
    /// The same, one byte a packet.
    SendByteByByte(&'static str),
    /// Half-closes the connection.
    HalfClose,
    /// Waits until the backend has received the head of a request and this many bytes of its body.
    AwaitBackend(u64),
    /// Releases the backend.
    Release,
    /// Reads an interim response with this status.
    ReadInterim(u16),
}

/// What the backend does.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Answers each complete request.
    Good(&'static str),
    /// Answers a request and closes the connection.
    Closing(&'static str),
    /// Answers a request and resets the connection.
    Resetting(&'static str),
    /// Sends the first part, then the second once the client has received the beginning of the body, then
    /// ends the connection.
    Parts(&'static str, &'static str, Ends),
    /// Answers as soon as the head has arrived, and reads the body after that.
    Early(&'static str),
    /// Sends each body back as it arrives.
    Echo,
    /// Anything else.
    Script(fn(&mut Connection) -> io::Result<()>),
    /// There is no backend.
    Nobody,
}

/// How a backend ends its connection.
#[derive(Clone, Copy)]
pub(crate) enum Ends {
    Closing,
    HalfClosing,
    Resetting,
}

/// What reaches the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaches {
    /// No byte.
    Nothing,
    /// No request that looks complete.
    NothingWhole,
    /// This many complete requests.
    Whole(usize),
    /// Anything.
    Anything,
}

/// A check of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    StartLine(&'static str),
    /// Exactly one field line has this name, and it has this value.
    Field(&'static str, &'static str),
    /// All field lines with this name.
    Fields(&'static str, &'static [&'static str]),
    /// Exactly one field line has this name.
    One(&'static str),
    Absent(&'static str),
    /// The list field has this member.
    Lists(&'static str, &'static str),
    /// The list field does not have this member.
    ListsNot(&'static str, &'static str),
    /// The list field has this many members.
    Members(&'static str, usize),
    Body(&'static str),
    Trailers(&'static [(&'static str, &'static str)]),
    /// The head contains these bytes.
    Raw(&'static [u8]),
    /// No bytes received by the backend contain this text.
    Nowhere(&'static str),
    /// The interim responses before the final one.
    Interim(&'static [u16]),
    /// The first interim response has exactly one field line with this name, and it has this value.
    InterimField(&'static str, &'static str),
    /// The client can detect that the body was truncated.
    CutShort,
    /// The body does not end with the connection.
    Delimited,
    /// The connection ends after it, without an action of the client.
    Closes,
}

/// The response of a good backend, unless a case gives another.
pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

const USUAL: Case = Case {
    name: "",
    section: "",
    level: Level::Must,
    needs: None,
    sends: "",
    then: &[],
    backend: Answer::Good(HELLO),
    methods: &["GET"],
    statuses: &[200],
    reaches: Reaches::Whole(1),
    request: &[],
    response: &[],
    rest: "",
    error: None,
    names: "",
};

/// A request that is rejected before any byte of it reaches the backend, and that ends the connection.
pub(crate) const fn refused(
    name: &'static str,
    section: &'static str,
    statuses: &'static [u16],
    sends: &'static str,
) -> Case {
    let response = &[Check::Closes];
    Case { name, section, statuses, sends, reaches: Reaches::Nothing, response, ..USUAL }
        .failing("http_request_error")
}

/// A request with an invalid body: its head may have been forwarded, but it is never completed.
pub(crate) const fn broken(name: &'static str, section: &'static str, sends: &'static str) -> Case {
    Case { reaches: Reaches::NothingWhole, ..refused(name, section, &[400], sends) }
}

/// A request that reaches the backend completely and is answered 200.
pub(crate) const fn forwarded(
    name: &'static str,
    section: &'static str,
    sends: &'static str,
    request: &'static [Check],
) -> Case {
    Case { name, section, sends, request, ..USUAL }
}

/// A GET with this response of the backend, and what the client gets of it.
pub(crate) const fn answered(
    name: &'static str,
    section: &'static str,
    backend: Answer,
    statuses: &'static [u16],
    response: &'static [Check],
) -> Case {
    Case { name, section, sends: get!(""), backend, statuses, response, ..USUAL }
}

/// Requests on one connection: one response for each of `methods`, and nothing after the last.
pub(crate) const fn connection(
    name: &'static str,
    section: &'static str,
    sends: &'static str,
    methods: &'static [&'static str],
    response: &'static [Check],
) -> Case {
    let reaches = Reaches::Whole(methods.len());
    Case { name, section, sends, methods, response, needs: Some(Ability::Persistence), reaches, ..USUAL }
}

impl Case {
    pub(crate) const fn should(self) -> Case {
        Case { level: Level::Should, ..self }
    }

    pub(crate) const fn ours(self) -> Case {
        Case { level: Level::Ours, ..self }
    }

    pub(crate) const fn needing(self, ability: Ability) -> Case {
        Case { needs: Some(ability), ..self }
    }

    pub(crate) const fn sending(self, sends: &'static str) -> Case {
        Case { sends, ..self }
    }

    pub(crate) const fn then(self, then: &'static [Act]) -> Case {
        Case { then, ..self }
    }

    pub(crate) const fn before(self, backend: Answer) -> Case {
        Case { backend, ..self }
    }

    pub(crate) const fn to(self, method: &'static [&'static str]) -> Case {
        Case { methods: method, ..self }
    }

    pub(crate) const fn with(self, statuses: &'static [u16]) -> Case {
        Case { statuses, ..self }
    }

    pub(crate) const fn reaching(self, reaches: Reaches) -> Case {
        Case { reaches, ..self }
    }

    pub(crate) const fn getting(self, response: &'static [Check]) -> Case {
        Case { response, ..self }
    }

    pub(crate) const fn citing(self, section: &'static str) -> Case {
        Case { section, ..self }
    }

    /// A stage answers with this error type and names the section of the case.
    pub(crate) const fn failing(self, error: &'static str) -> Case {
        Case { error: Some(error), names: self.section, ..self }
    }

    /// A stage names another section than the case, which is more specific or more general.
    pub(crate) const fn naming(self, names: &'static str) -> Case {
        Case { names, ..self }
    }

    pub(crate) const fn then_rest(self, rest: &'static str) -> Case {
        Case { rest, ..self }
    }
}

/// Expands repetitions such as `{a*8000}`.
pub(crate) fn written_out(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, repeated, after)) = next_repetition(rest) {
        out.push_str(before);
        out.push_str(&repeated);
        rest = after;
    }
    out + rest
}

fn next_repetition(text: &str) -> Option<(&str, String, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (repetition, after) = rest.split_once('}')?;
    let (part, count) = repetition.rsplit_once('*')?;
    Some((before, part.repeat(count.parse().ok()?), after))
}
