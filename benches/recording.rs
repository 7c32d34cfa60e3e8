//! A recording of a million actions: indexed once, opened by its index, sought in, read in order; against a bare scan of the same
//! text for line ends in the same run (performance: “recording of 1,000,000 actions”).

use std::{
    fmt::Write,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use andon::{
    drill::{Recording, Replay},
    terms::Time,
};

const ACTIONS: usize = 1_000_000;
const ROUNDS: usize = 5;

fn text() -> Arc<str> {
    let zero = Time::from_millis(1_772_460_000_000);
    let mut text = format!("{{\"andon_recording\":1,\"title\":\"A million\",\"starts\":\"{zero}\"}}\n");
    for number in 0..ACTIONS {
        let at = zero.plus(number as i64 * 100);
        let harm = if number % 1_000 == 999 { ",\"harm\":{\"people\":1}" } else { "" };
        let _ = writeln!(
            text,
            "{{\"agent\":\"bot-{}\",\"tool\":\"orders.read\",\"run\":\"run-{}\",\"cost_usd\":0.01,\"at\":\"{at}\"{harm}}}",
            number % 20,
            number / 100
        );
    }
    text.into()
}

/// The shortest of some rounds.
fn best<T>(rounds: usize, mut work: impl FnMut() -> T) -> Duration {
    let round = |_| {
        let began = Instant::now();
        black_box(work());
        began.elapsed()
    };
    (0..rounds).map(round).min().unwrap_or_default()
}

fn main() {
    let text = text();
    let scan = best(ROUNDS, || text.bytes().filter(|byte| *byte == b'\n').count());
    let began = Instant::now();
    let (recording, index) = Recording::indexed(text.clone()).expect("it reads");
    let indexing = began.elapsed();
    assert_eq!(recording.len(), ACTIONS);
    drop(recording);
    let opening = best(ROUNDS, || Recording::with_index(text.clone(), &index).expect("its own index"));
    let recording = Arc::new(Recording::with_index(text.clone(), &index).expect("its own index"));
    let replay = Replay::new(recording.clone(), recording.starts, 1_000.0, 1).expect("a speed");
    let mut at = 0i64;
    let seek = best(1_000, || {
        at = (at + 61_803_399) % (ACTIONS as i64 * 100);
        replay.get(replay.first_from(at)).expect("something happens there")
    });
    let began = Instant::now();
    let mut last = 0;
    for timed in (0..replay.len()).filter_map(|number| replay.get(number)) {
        assert!(timed.offset_ms >= last, "out of order");
        last = timed.offset_ms;
    }
    let reading = began.elapsed();
    let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
    println!("recording of {ACTIONS} actions, {} MB, index {} MB", text.len() / 1_000_000, index.len() / 1_000_000);
    println!("  scan for line ends   {:>9.1} ms", ms(scan));
    println!("  index, once          {:>9.1} ms  {:>6.1} × the scan", ms(indexing), ms(indexing) / ms(scan));
    println!("  open by its index    {:>9.1} ms  {:>6.1} × the scan", ms(opening), ms(opening) / ms(scan));
    println!("  seek, and read there {:>9.4} ms", ms(seek));
    println!("  read all, in order   {:>9.1} ms  {:.0} actions/s", ms(reading), ACTIONS as f64 / reading.as_secs_f64());
}
