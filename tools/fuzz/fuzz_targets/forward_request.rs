#![no_main]

use codec_fuzz::forwarding::requests_are_forwarded_as_they_are_meant;

libfuzzer_sys::fuzz_target!(|input: &[u8]| drop(requests_are_forwarded_as_they_are_meant(input)));
