//! SASL: any responses, of every mechanism, end in an outcome; none is a success.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| msaspec_server::fuzzing::sasl(octets));
