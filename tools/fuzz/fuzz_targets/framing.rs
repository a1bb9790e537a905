#![no_main]

use codec_fuzz::properties::bodies_survive_encoding;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies_survive_encoding(input));
