//! A header section: what leaves after its repair conforms.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| msaspec_server::fuzzing::header(octets));
