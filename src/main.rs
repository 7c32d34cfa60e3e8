//! The andon binary.

fn main() {}
