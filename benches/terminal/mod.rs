//! A real terminal for benches.

use std::{
    io::{Read, Write},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
/// A screen that stays still for so long has been painted.
const STILL: Duration = Duration::from_millis(120);

/// A program in a terminal, and what its screen shows.
pub struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    began: Instant,
    screen: vt100::Parser,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    /// Starts it with a home of andon's and with what else its environment has.
    pub fn start(program: &str, args: &[&str], home: &Path, environment: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(SIZE).expect("a terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("ANDON_HOME", home);
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().expect("its input");
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program");
        let screen = vt100::Parser::new(SIZE.rows.try_into().expect("rows"), SIZE.cols.try_into().expect("columns"), 0);
        Self { child, writer, output, began, screen, _master: pair.master }
    }

    /// Waits until the screen holds `text`; when that was, and when the first visible text was.
    pub fn until(&mut self, text: &str) -> (Duration, Duration) {
        let mut first = None;
        loop {
            let (at, bytes) = self.output.recv_timeout(Duration::from_secs(30)).expect("output");
            self.screen.process(&bytes);
            let shown = self.screen.screen().contents();
            if first.is_none() && !shown.trim().is_empty() {
                first = Some(at - self.began);
            }
            if shown.contains(text) {
                return (first.unwrap_or_default(), at - self.began);
            }
        }
    }

    /// Lets the screen come to rest; bytes seen.
    pub fn rest(&mut self) -> usize {
        let mut seen = 0;
        loop {
            match self.output.recv_timeout(STILL) {
                Ok((_, bytes)) => {
                    self.screen.process(&bytes);
                    seen += bytes.len();
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return seen,
            }
        }
    }

    /// Presses a key: how long until the first byte of what it changed, and how many bytes that took.
    pub fn press(&mut self, key: &str) -> (Duration, usize) {
        let pressed = Instant::now();
        self.writer.write_all(key.as_bytes()).and_then(|()| self.writer.flush()).expect("typed");
        match self.output.recv_timeout(Duration::from_secs(2)) {
            Ok((at, bytes)) => {
                self.screen.process(&bytes);
                (at - pressed, bytes.len() + self.rest())
            }
            Err(_) => (Duration::ZERO, 0),
        }
    }

    /// What it took of a processor, in hundredths of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let pid = self.child.process_id().unwrap_or_default();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0)
    }

    /// Ends it.
    pub fn end(&mut self) {
        self.child.kill().expect("ended");
    }
}
