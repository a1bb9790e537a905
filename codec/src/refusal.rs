//! Why a message was rejected: one variant per rule, with the status of the answer and the RFC section.
//!
//! To add a rule, add its line to the table, and a test that names it.

use std::fmt;

/// Defines the variants of `Refusal`. The sentence of a rule is also the documentation of its variant.
macro_rules! rules {
    ($($(#[$attribute:meta])* $name:ident: $status:literal, $sentence:literal, $section:literal;)*) => {
        /// A rule that a message broke.
        ///
        /// A request is answered with [`Refusal::status`]. A response from a backend is always answered with 502.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $(
                #[doc = concat!($status, ": ", $sentence, " (", $section, ").")]
                $(
                    ///
                    #[$attribute]
                )*
                $name,
            )*
        }

        impl Refusal {
            /// Status, sentence and section.
            fn rule(self) -> (u16, &'static str, &'static str) {
                match self {
                    $(Refusal::$name => ($status, $sentence, $section),)*
                }
            }
        }
    };
}

rules! {
    // The request line
    EmptyLines: 400, "more than one empty line stands before the request line", "RFC 9112 section 2.2";
    BareLineFeed: 400, "a line ends with LF alone, not with CR LF", "RFC 9112 section 2.2";
    InvalidRequestLine: 400, "the request line is not `method SP target SP version`", "RFC 9112 section 3";
    InvalidMethod: 400, "the method is not a token", "RFC 9112 section 3.1";
    MethodTooLong: 400, "the method is too long", "RFC 9112 section 3.1";
    InvalidTarget: 400, "the request target has none of the four forms", "RFC 9112 section 3.2";
    TargetTooLong: 414, "the request target is too long", "RFC 9112 section 3";
    InvalidVersion: 400, "the version is not `HTTP/` digit `.` digit", "RFC 9112 section 2.3";
    UnsupportedVersion: 505, "only HTTP/1.0 and HTTP/1.1 are spoken here", "RFC 9110 section 15.6.6";
    // The status line
    InvalidStatusLine: 400, "the status line is not `version SP three digits SP reason`", "RFC 9112 section 4";
    InvalidStatus: 500, "the status is not one of 100 to 599", "RFC 9110 section 15";
    // Fields
    InvalidFieldName: 400, "a field name is empty or not a token", "RFC 9112 section 5";
    WhitespaceBeforeColon: 400, "white space stands between a field name and its colon", "RFC 9112 section 5.1";
    WhitespaceBeforeFirstField: 400, "white space stands before the first field line", "RFC 9112 section 2.2";
    ObsoleteLineFolding: 400, "a field value goes on in the next line", "RFC 9112 section 5.2";
    InvalidFieldValue: 400, "a field value holds a control character", "RFC 9110 section 5.5";
    HeadTooLarge: 431, "the field section is too large", "RFC 6585 section 5";
    TooManyFields: 431, "the field section has too many lines", "RFC 6585 section 5";
    // Host
    MissingHost: 400, "an HTTP/1.1 request has no Host", "RFC 9112 section 3.2";
    SeveralHosts: 400, "the request has more than one Host", "RFC 9112 section 3.2";
    InvalidHost: 400, "the host is not `host` or `host:port`", "RFC 9112 section 3.2";
    // The end of the connection
    IncompleteHead: 400, "the connection ended within the head of a message", "RFC 9112 section 8";
    IncompleteBody: 400, "the connection ended within the body of a message", "RFC 9112 section 8";
    // Framing
    InvalidContentLength: 400, "Content-Length is not a decimal number", "RFC 9112 section 6.3";
    SeveralContentLengths: 400, "Content-Length stands there more than once", "RFC 9112 section 6.3";
    ContentLengthWithTransferEncoding: 400, "Content-Length and Transfer-Encoding exclude each other", "RFC 9112 section 6.1";
    TransferEncodingInHttp10: 400, "HTTP/1.0 has no Transfer-Encoding", "RFC 9112 section 6.1";
    ChunkedNotFinal: 400, "chunked is not the last transfer coding, or stands there twice", "RFC 9112 section 6.3";
    UnknownTransferCoding: 501, "chunked is the only transfer coding known here", "RFC 9112 section 6.1";
    CloseDelimitedRequest: 500, "the end of the connection cannot end a request", "RFC 9112 section 6.3";
    BodyTooLarge: 413, "the body is larger than allowed here", "RFC 9110 section 15.5.14";
    // Chunks
    InvalidChunkSize: 400, "a chunk size is not 1 to 15 hexadecimal digits and CR LF", "RFC 9112 section 7.1";
    InvalidChunkExtension: 400, "a chunk extension is not `;name` or `;name=value`", "RFC 9112 section 7.1.1";
    ChunkExtensionTooLong: 400, "a chunk extension is too long", "RFC 9112 section 7.1.1";
    InvalidChunkEnd: 400, "the data of a chunk do not end with CR LF where its size says", "RFC 9112 section 7.1";
    // What an intermediary does not forward
    TooManyConnectionOptions: 400, "Connection has too many options", "RFC 9110 section 7.6.1";
    ProtectedConnectionOption: 400, "Connection names a field that must not be removed on the way", "RFC 9110 section 7.6.1";
    UnknownExpectation: 417, "100-continue is the only expectation known here", "RFC 9110 section 10.1.1";
    ConnectNotSupported: 501, "CONNECT is for forward proxies, this is a reverse proxy", "RFC 9110 section 9.3.6";
    TraceNotAllowed: 405, "TRACE is not allowed here", "RFC 9110 section 9.3.8";
    /// Not a fault: this proxy is the final recipient, and answers the request itself.
    FinalRecipient: 204, "this proxy is the final recipient", "RFC 9110 section 7.6.2";
    // The order of responses
    TooManyInterimResponses: 502, "too many interim responses in a row", "RFC 9110 section 15.2";
    SwitchedProtocolsUnasked: 502, "101 came without having been asked for", "RFC 9110 section 15.2.2";
    /// A 101 that does not name the new protocol.
    SwitchedProtocolsUnnamed: 502, "101 does not name the protocol that follows", "RFC 9110 section 15.2.2";
    /// Not a fault of the message: the caller requested the next message too early.
    UnreadBody: 500, "the body of a message was not read before the next", "RFC 9112 section 9.3";
}

impl Refusal {
    /// The status of the answer to a request that broke this rule.
    pub fn status(self) -> u16 {
        self.rule().0
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, sentence, section) = self.rule();
        write!(f, "{sentence} ({section})")
    }
}

impl std::error::Error for Refusal {}
