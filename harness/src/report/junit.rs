//! The report for CI servers.
