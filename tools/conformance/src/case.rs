//! What a case is: data, so that the lists of them can be read from top to bottom.

use std::io;

use course::Ability;
use testkit::Connection;

/// One thing that a proxy is asked to do.
#[derive(Clone, Copy)]
pub struct Case {
    /// What should happen, in words with hyphens; unique.
    pub name: &'static str,
    /// The section that asks for it: `RFC 9112 section 6.1`.
    pub section: &'static str,
    /// How much that section asks for it.
    pub level: Level,
    /// What a proxy has to be able to do for the case to apply.
    pub needs: Needs,
    /// What the client sends first. `{a*8000}` stands for 8000 times `a`.
    pub(crate) sends: &'static str,
    /// What it does then, before it reads the response.
    pub(crate) then: &'static [Act],
    pub(crate) backend: Answer,
    /// One method for each final response that is to come, which says whether it has a body.
    pub(crate) methods: &'static [&'static str],
    /// The statuses that each response may have.
    pub(crate) statuses: &'static [u16],
    pub(crate) reaches: Reaches,
    /// What must be so of the first request at the backend.
    pub(crate) request: &'static [Check],
    /// What must be so of the last response.
    pub(crate) response: &'static [Check],
    /// All bytes after the responses.
    pub(crate) rest: &'static str,
    /// The error type in the `Proxy-Status` of a stage that gives the last response itself; `None` if the backend gives it,
    /// or the proxy without an error.
    pub(crate) error: Option<&'static str>,
    /// The section that such a response names.
    pub(crate) names: &'static str,
}

/// How much a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The RFC has a MUST.
    Must,
    /// The RFC has a SHOULD, or a grammar that the message breaks.
    Should,
    /// The RFC leaves the choice, and this is ours. Another proxy does no wrong by choosing otherwise.
    Ours,
}

/// What a proxy has to do for a case or a behaviour to apply; `None`: forward requests.
pub type Needs = Option<Ability>;

/// What a client does after its first bytes.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Send(&'static str),
    /// The same in as many packets as there are bytes.
    SendByteByByte(&'static str),
    /// Says that it will send nothing more.
    HalfClose,
    /// Waits until the head of a request has reached the backend, and so many bytes of its body.
    AwaitBackend(u64),
    /// Lets the backend go on.
    Release,
    /// Reads an interim response of that status.
    ReadInterim(u16),
}

/// What the backend does.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Answers each request, once it has come whole.
    Good(&'static str),
    /// Answers a request, and closes the connection.
    Closing(&'static str),
    /// Answers a request, and resets the connection.
    Resetting(&'static str),
    /// Answers with the first, with the second once the client has the beginning of the body, and ends so.
    Parts(&'static str, &'static str, Ends),
    /// Answers as soon as the head is there, and reads the body after that.
    Early(&'static str),
    /// Sends each body back while it comes.
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

/// What of it reaches the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaches {
    /// Not a byte.
    Nothing,
    /// No request that could be taken for a whole one.
    NothingWhole,
    /// So many whole requests.
    Whole(usize),
    /// Whatever.
    Anything,
}

/// What must be so of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    StartLine(&'static str),
    /// There is one field line of that name, with that value.
    Field(&'static str, &'static str),
    /// All field lines of that name.
    Fields(&'static str, &'static [&'static str]),
    /// There is one field line of that name.
    One(&'static str),
    Absent(&'static str),
    /// The list field has that member.
    Lists(&'static str, &'static str),
    /// The list field has no such member.
    ListsNot(&'static str, &'static str),
    /// The list field has so many members.
    Members(&'static str, usize),
    Body(&'static str),
    Trailers(&'static [(&'static str, &'static str)]),
    /// The head has these bytes.
    Raw(&'static [u8]),
    /// No such bytes are in all that has reached the backend.
    Nowhere(&'static str),
    /// The interim responses before it.
    Interim(&'static [u16]),
    /// The first of them has a field line of that name, with that value.
    InterimField(&'static str, &'static str),
    /// The client can tell that the body was cut short.
    CutShort,
    /// The body has an end other than that of the connection.
    Delimited,
    /// The connection ends behind it, without the client's doing.
    Closes,
}

/// What a good backend answers, where a case says nothing else.
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

/// A request that is refused before a byte of it has reached the backend, and with which the connection ends.
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

/// A request whose body is not valid: its head may have left, but it never ends.
pub(crate) const fn broken(name: &'static str, section: &'static str, sends: &'static str) -> Case {
    Case { reaches: Reaches::NothingWhole, ..refused(name, section, &[400], sends) }
}

/// A request that reaches the backend whole, and is answered 200.
pub(crate) const fn forwarded(
    name: &'static str,
    section: &'static str,
    sends: &'static str,
    request: &'static [Check],
) -> Case {
    Case { name, section, sends, request, ..USUAL }
}

/// A GET that the backend answers so, and what of that the client gets.
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

    /// A stage answers with an error of that type, and names the section of the case.
    pub(crate) const fn failing(self, error: &'static str) -> Case {
        Case { error: Some(error), names: self.section, ..self }
    }

    /// A stage names another section than that of the case, which is more special, or more general.
    pub(crate) const fn naming(self, names: &'static str) -> Case {
        Case { names, ..self }
    }

    pub(crate) const fn then_rest(self, rest: &'static str) -> Case {
        Case { rest, ..self }
    }
}

/// Writes out what `{a*8000}` stands for.
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
