//! Command lines: any octets are a command or a fault with a well-formed reply.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| msaspec_server::fuzzing::command(octets));
