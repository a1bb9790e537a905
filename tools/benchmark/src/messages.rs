//! The messages that are measured.

/// The smallest request that is valid.
pub fn hello_request() -> Vec<u8> {
    b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n".to_vec()
}

/// What a browser sends for a page: 17 fields.
pub fn browser_request() -> Vec<u8> {
    let lines = [
        "GET /workshop/part4.html?from=index&lang=en HTTP/1.1",
        "Host: workshop.example:8080",
        "Connection: keep-alive",
        "Cache-Control: max-age=0",
        "sec-ch-ua: \"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"",
        "sec-ch-ua-mobile: ?0",
        "sec-ch-ua-platform: \"Linux\"",
        "Upgrade-Insecure-Requests: 1",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-User: ?1",
        "Sec-Fetch-Dest: document",
        "Referer: http://workshop.example:8080/workshop/index.html",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
        "Cookie: session=5f1d7a80c2e94b3e8a6f; theme=dark",
    ];
    head(&lines)
}

/// As many fields as a head may have, and short: the most work for each byte.
pub fn hundred_fields() -> Vec<u8> {
    attack("x")
}

/// As many fields, and a head of 8 KiB.
pub fn head_of_8_kib() -> Vec<u8> {
    attack_of(8 * 1024)
}

/// As many fields, and the longest head that is not refused.
pub fn head_of_32_kib() -> Vec<u8> {
    attack_of(32 * 1024)
}

/// An answer to the smallest request.
pub fn hello_response() -> Vec<u8> {
    let lines = [
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain; charset=utf-8",
        "Date: Mon, 02 Mar 2026 09:30:00 GMT",
        "Content-Length: 13",
    ];
    [head(&lines), b"Hello, world\n".to_vec()].concat()
}

/// What a server sends for a small page: 10 fields.
pub fn page_response() -> Vec<u8> {
    const PAGE: &str =
        "<!doctype html><title>part4</title><p>A pool of connections to the backend, in a channel.\n";
    let content_length = format!("Content-Length: {}", PAGE.len());
    let lines = [
        "HTTP/1.1 200 OK",
        "Server: nginx/1.29.3",
        "Date: Mon, 02 Mar 2026 09:30:00 GMT",
        "Content-Type: text/html; charset=utf-8",
        &content_length,
        "Last-Modified: Sun, 01 Mar 2026 18:12:44 GMT",
        "Connection: keep-alive",
        "ETag: \"69a48c3c-5a\"",
        "Cache-Control: public, max-age=3600",
        "Vary: Accept-Encoding",
        "Accept-Ranges: bytes",
    ];
    [head(&lines), PAGE.into()].concat()
}

/// The length of the chunked bodies.
pub const BODY_BYTES: usize = 1024 * 1024;

/// A long body as from a server that reads a file.
pub fn chunks_of_8_kib() -> Vec<u8> {
    chunked(8 * 1024)
}

/// A long body as from a server that does not buffer its writes.
pub fn chunks_of_64_bytes() -> Vec<u8> {
    chunked(64)
}

fn head(lines: &[&str]) -> Vec<u8> {
    (lines.join("\r\n") + "\r\n\r\n").into_bytes()
}

/// A hundred fields: Host, and others with this value.
fn attack(value: &str) -> Vec<u8> {
    let fields = (1..100).map(|number| format!("x{number}: {value}"));
    let lines: Vec<String> =
        ["GET / HTTP/1.1", "Host: a"].map(String::from).into_iter().chain(fields).collect();
    head(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same, with this total length.
fn attack_of(bytes: usize) -> Vec<u8> {
    let missing = bytes - attack("").len();
    let value = "v".repeat(missing / 99);
    let mut head = attack(&value);
    // The remainder of the division goes into the target.
    let target = head.iter().position(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    head.splice(target..target, std::iter::repeat_n(b'/', missing % 99));
    head
}

fn chunked(chunk_bytes: usize) -> Vec<u8> {
    let mut message = head(&["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"]);
    for _ in 0..BODY_BYTES / chunk_bytes {
        message.extend(format!("{chunk_bytes:x}\r\n").into_bytes());
        message.extend(std::iter::repeat_n(b'.', chunk_bytes));
        message.extend(b"\r\n");
    }
    message.extend(b"0\r\n\r\n");
    message
}
