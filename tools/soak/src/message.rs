//! Numbered requests, and bodies that carry this number and a checksum. The recipient detects a byte that is
//! lost or belongs to another request.

use crate::fault::Fault;
use testkit::Head;

/// The bytes around a body: the number before it, the checksum after it.
const AROUND: usize = 16;

/// How the answer is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerFraming {
    ContentLength,
    Chunked,
    CloseDelimited,
    /// Chunks without end.
    Endless,
}

/// A request and everything that it asks of the backend. All of it follows from its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// Unique: the number of the client and of its request.
    pub(crate) number: u64,
    pub(crate) upload: Upload,
    pub(crate) answer: AnswerFraming,
    pub(crate) answer_bytes: usize,
    pub(crate) fault: Option<Fault>,
}

/// The body of a request, and its framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    /// A GET.
    Nothing,
    ContentLength(usize),
    Chunked(usize),
}

impl Ask {
    /// A request without a fault. Most of them are small.
    pub(crate) fn new(number: u64) -> Ask {
        let dice = mixed(number);
        let size = |dice: u64| match dice % 64 {
            0 => 200_000,
            1..=8 => 5_000,
            _ => 100,
        };
        let (upload_bytes, answer_bytes) = (size(dice >> 8), size(dice >> 16));
        let upload = match dice % 4 {
            0 => Upload::ContentLength(upload_bytes),
            1 => Upload::Chunked(upload_bytes),
            _ => Upload::Nothing,
        };
        let answer = match (dice >> 24) % 8 {
            0 => AnswerFraming::CloseDelimited,
            1..=3 => AnswerFraming::Chunked,
            _ => AnswerFraming::ContentLength,
        };
        Ask { number, upload, answer, answer_bytes, fault: None }
    }

    /// A small GET.
    pub(crate) fn get(number: u64) -> Ask {
        let answer = AnswerFraming::ContentLength;
        Ask { number, upload: Upload::Nothing, answer, answer_bytes: 100, fault: None }
    }

    /// The same request with a fault.
    pub(crate) fn with_fault(self, fault: Fault) -> Ask {
        // A client cannot detect a truncated body that only the close of the connection delimits.
        let answer =
            if self.answer == AnswerFraming::CloseDelimited { AnswerFraming::Chunked } else { self.answer };
        Ask { answer, fault: Some(fault), ..self }
    }

    /// Whether it may be repeated (RFC 9110 section 9.2.2).
    pub(crate) fn is_get(&self) -> bool {
        self.upload == Upload::Nothing
    }

    /// The complete request.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let method = if self.is_get() { "GET" } else { "POST" };
        let fault = self.fault.map_or(String::new(), |fault| format!("X-Fault: {fault}\r\n"));
        let (number, answer, size) = (self.number, self.answer.name(), self.answer_bytes);
        let mut bytes = format!(
            "{method} /soak HTTP/1.1\r\nHost: soak.test\r\nX-Number: {number}\r\nX-Answer: {answer} {size}\r\n{fault}"
        )
        .into_bytes();
        match self.upload {
            Upload::Nothing => bytes.extend(b"\r\n"),
            Upload::ContentLength(size) => {
                framed(&mut bytes, AnswerFraming::ContentLength, &body(number, size))
            }
            Upload::Chunked(size) => framed(&mut bytes, AnswerFraming::Chunked, &body(number, size)),
        }
        bytes
    }

    /// What a received head asks for; `None` if it is not one of ours.
    pub(crate) fn read(head: &Head) -> Option<Ask> {
        let (answer, size) = head.field("x-answer")?.split_once(' ')?;
        Some(Ask {
            number: head.field("x-number")?.parse().ok()?,
            upload: if head.start_line.starts_with("GET ") { Upload::Nothing } else { Upload::Chunked(0) },
            answer: AnswerFraming::ALL.into_iter().find(|other| other.name() == answer)?,
            answer_bytes: size.parse().ok()?,
            fault: match head.field("x-fault") {
                Some(text) => Some(Fault::read(text)?),
                None => None,
            },
        })
    }
}

impl AnswerFraming {
    const ALL: [AnswerFraming; 4] = [
        AnswerFraming::ContentLength,
        AnswerFraming::Chunked,
        AnswerFraming::CloseDelimited,
        AnswerFraming::Endless,
    ];

    fn name(self) -> &'static str {
        match self {
            AnswerFraming::ContentLength => "content-length",
            AnswerFraming::Chunked => "chunked",
            AnswerFraming::CloseDelimited => "close-delimited",
            AnswerFraming::Endless => "endless",
        }
    }
}

/// Adds the field that frames a body, the empty line and the body. A chunked body has two chunks, so that its
/// middle is inside a chunk.
pub(crate) fn framed(bytes: &mut Vec<u8>, answer: AnswerFraming, body: &[u8]) {
    match answer {
        AnswerFraming::ContentLength => {
            bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
            bytes.extend(body);
        }
        AnswerFraming::Chunked | AnswerFraming::Endless => {
            bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            let (first, second) = body.split_at(body.len() * 2 / 3);
            for chunk in [first, second] {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        }
        AnswerFraming::CloseDelimited => {
            bytes.extend(b"\r\n");
            bytes.extend(body);
        }
    }
}

/// A body with this number and about `size` bytes.
pub(crate) fn body(number: u64, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + AROUND);
    bytes.extend(number.to_be_bytes());
    let mut state = number;
    while bytes.len() < size + 8 {
        state = mixed(state);
        bytes.extend(state.to_be_bytes());
    }
    bytes.truncate(size + 8);
    let sum = checksum(&bytes);
    bytes.extend(sum.to_be_bytes());
    bytes
}

/// The number of a body, if the body is complete and every byte is correct.
pub(crate) fn number_of(body: &[u8]) -> Option<u64> {
    let (rest, sum) = body.split_last_chunk::<8>()?;
    let number = u64::from_be_bytes(*rest.first_chunk()?);
    (checksum(rest) == u64::from_be_bytes(*sum)).then_some(number)
}

/// FNV-1a, eight bytes at a time, and the length.
fn checksum(bytes: &[u8]) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.chunks(8).fold(START ^ bytes.len() as u64, |sum, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (sum.rotate_left(5) ^ u64::from_be_bytes(word)).wrapping_mul(PRIME)
    })
}

/// A number that depends on all bits of another (splitmix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
