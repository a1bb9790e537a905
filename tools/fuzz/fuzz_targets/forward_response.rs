#![no_main]

use codec_fuzz::forwarding::responses_are_forwarded_as_they_are_meant;

libfuzzer_sys::fuzz_target!(|input: &[u8]| drop(responses_are_forwarded_as_they_are_meant(input)));
