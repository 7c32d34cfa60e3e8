//! One decoder, named by `ANDON_FUZZ_ONLY`, under libFuzzer.
#![no_main]

#[path = "../targets.rs"]
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static DECODER: LazyLock<targets::Decoder> = LazyLock::new(|| {
    let only = std::env::var("ANDON_FUZZ_ONLY").unwrap_or_default();
    let names: Vec<&str> = targets::DECODERS.iter().map(|(name, _)| *name).collect();
    let found = targets::DECODERS.iter().find(|(name, _)| *name == only);
    *found.unwrap_or_else(|| panic!("set ANDON_FUZZ_ONLY to one of {names:?}"))
});

fuzz_target!(|bytes: &[u8]| (DECODER.1)(bytes));
