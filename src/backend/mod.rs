//! The backend: owns state and I/O. One writer (`core`) decides and remembers; everything else asks it.

pub mod clock;
pub mod core;
pub mod http;
pub mod identity;
pub mod log;
pub mod rights;
