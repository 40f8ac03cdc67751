//! Configuration files: any text is a configuration or an error.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| msaspec_server::fuzzing::configuration(octets));
