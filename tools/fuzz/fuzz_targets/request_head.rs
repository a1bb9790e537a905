#![no_main]

use codec_fuzz::properties::requests_do_not_depend_on_cuts;

libfuzzer_sys::fuzz_target!(|input: &[u8]| requests_do_not_depend_on_cuts(input));
