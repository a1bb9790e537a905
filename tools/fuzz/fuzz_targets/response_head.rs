#![no_main]

use codec_fuzz::properties::responses_do_not_depend_on_cuts;

libfuzzer_sys::fuzz_target!(|input: &[u8]| responses_do_not_depend_on_cuts(input));
