//! Tokens (RFC 9110 section 5.6.2), and tables of the bytes that a part of a message may contain.

/// Whether these bytes are a token (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

fn is_token_byte(byte: u8) -> bool {
    const TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");
    TOKEN[usize::from(byte)]
}

/// Whether this is a control character other than HTAB, which no field value may contain (RFC 9110 section 5.5).
pub(crate) fn is_control(byte: u8) -> bool {
    byte != b'\t' && (byte < b' ' || byte == 0x7f)
}

/// Which bytes are letters, digits, or one of `others`.
pub(crate) const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut place = 0;
    while place < others.len() {
        table[others[place] as usize] = true;
        place += 1;
    }
    table
}
