#![no_main]

use codec_fuzz::properties::{requests_mean_one_thing, responses_mean_one_thing};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    requests_mean_one_thing(input);
    responses_mean_one_thing(input);
});
