#![no_main]

use codec_fuzz::properties::chunked_bodies_mean_one_thing;

libfuzzer_sys::fuzz_target!(|input: &[u8]| chunked_bodies_mean_one_thing(input));
