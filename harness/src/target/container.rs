//! A folder that is built and started as containers in a closed network of its own.
