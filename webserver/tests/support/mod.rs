//! Runs the binary on a free port, and talks to it over raw sockets. Every wait has a deadline.

// Each test file is a program of its own, and uses a part of this.
#![allow(dead_code)]
#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

pub mod folder;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Far more than any answer needs: a test that reaches it has found a hang.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running webserver, ended with the test.
pub struct Webserver {
    pub child: Child,
    address: String,
}

impl Webserver {
    pub fn start(flags: &[&str]) -> Webserver {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webserver"));
        Webserver::start_as(command.args(flags))
    }

    /// Starts the webserver with this command, which may set a folder.
    pub fn start_as(command: &mut Command) -> Webserver {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--log", "off"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("webserver listening on http://");
        let address = address.unwrap_or_else(|| panic!("not a ready line: {line:?}")).to_owned();
        Webserver { child, address }
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Client { reader: BufReader::new(stream) }
    }

    /// The response to a GET on a connection of its own.
    pub fn get(&self, target: &str) -> Response {
        let mut client = self.connect();
        client.send(get(target));
        client.response()
    }

    pub fn counters(&self) -> String {
        self.get("/_lab/counters").text()
    }
}

impl Drop for Webserver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn get(target: &str) -> String {
    request("GET", target, "")
}

/// A request without a body; `fields` are complete lines.
pub fn request(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: backend\r\n{fields}\r\n")
}

/// The body of `/bytes`, computed from its description and not with its code.
pub fn pattern(length: usize) -> Vec<u8> {
    let byte = |offset: usize| if offset % 251 == 250 { b'\n' } else { b'a' + (offset % 251 % 26) as u8 };
    (0..length).map(byte).collect()
}

/// The response to a GET with these field lines, on a connection of its own.
pub fn get_with(webserver: &Webserver, target: &str, fields: &str) -> Response {
    let mut client = webserver.connect();
    client.send(request("GET", target, fields));
    client.response()
}

/// The values of an attribute in HTML.
pub fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

pub struct Client {
    reader: BufReader<TcpStream>,
}

/// A received response; its body has no framing.
#[derive(Debug)]
pub struct Response {
    pub head: String,
    pub body: Vec<u8>,
    pub trailers: String,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Client {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.reader.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    pub fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Reads a response to anything but HEAD.
    pub fn response(&mut self) -> Response {
        let head = self.head();
        let mut response = Response { head, body: Vec::new(), trailers: String::new() };
        if response.field("Transfer-Encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                response.body.extend(chunk);
            }
            response.trailers = self.head();
        } else if let Some(length) = response.field("Content-Length") {
            response.body = self.exactly(length.parse().unwrap());
        } else if !matches!(response.status(), 100..=199 | 204 | 304) {
            response.body = self.rest();
        }
        response
    }

    /// All lines up to the empty one.
    pub fn head(&mut self) -> String {
        let mut head = String::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return head;
            }
            head += &line;
            head += "\n";
        }
    }

    /// The next chunk; `None` for the last.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line(), 16).unwrap();
        if size == 0 {
            return None;
        }
        let chunk = self.exactly(size);
        assert_eq!(self.line(), "");
        Some(chunk)
    }

    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Everything up to the end of the connection, which must be an orderly one.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Everything up to the end of the connection, orderly or not.
    pub fn until_the_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("no end: {error}"),
            _ => bytes,
        }
    }

    /// The kind of the error of the next read.
    pub fn read_error(&mut self) -> ErrorKind {
        self.reader.read_to_end(&mut Vec::new()).unwrap_err().kind()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let line = line.strip_suffix("\r\n");
        line.unwrap_or_else(|| panic!("a line did not end, or not with CR LF")).to_owned()
    }
}
