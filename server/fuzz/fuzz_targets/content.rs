//! Mail data: where blocks are cut makes no difference, and nothing bare is accepted.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| msaspec_server::fuzzing::content(octets));
