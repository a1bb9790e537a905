#![no_main]

use codec_fuzz::hyper::{requests_mean_the_same_to_hyper, responses_mean_the_same_to_hyper};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    requests_mean_the_same_to_hyper(input);
    responses_mean_the_same_to_hyper(input);
});
