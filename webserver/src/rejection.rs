//! Requests that this server rejects, and their responses.

use codec::RequestHead;

/// The response to a rejected request.
#[derive(Debug)]
pub struct Rejection {
    pub status: u16,
    pub text: String,
    /// The methods that are allowed, with 405.
    pub allow: Option<&'static str>,
}

impl Rejection {
    pub fn new(status: u16, text: &str) -> Rejection {
        Rejection { status, text: format!("{text}\n"), allow: None }
    }
}

/// RFC 9110 section 15.5.6: 405 for a method that is not in the list, and `Allow` has the list.
pub fn check_method(request: &RequestHead, methods: &'static str) -> Result<(), Rejection> {
    if methods.split(", ").any(|method| method == request.method()) {
        return Ok(());
    }
    let text = format!("{} allows {methods}\n", request.path());
    Err(Rejection { status: 405, text, allow: Some(methods) })
}

pub fn not_found(request: &RequestHead) -> Rejection {
    Rejection::new(404, &format!("There is no {} here. /experiments lists the experiments.", request.path()))
}
