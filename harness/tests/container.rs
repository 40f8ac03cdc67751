//! Containers.
fn main() {}
