//! A real NATS server of the tests' own, with JetStream: gone with the process that asked for it.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// A server with a store of its own, which outlives a stop.
pub struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    /// A shell that ends the server when its input closes: with this process, whatever becomes of it.
    shell: Option<Child>,
}

/// Where Debian keeps it: `sbin` is on few paths.
fn program() -> &'static str {
    ["/usr/sbin/nats-server", "/usr/bin/nats-server"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
        .expect("nats-server is installed: tests/run.sh does it")
}

impl Broker {
    /// Makes one and starts it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut broker = Self { folder, port, shell: None };
        broker.run();
        broker
    }

    /// Starts it, and waits until it answers.
    pub fn run(&mut self) {
        let script = format!(
            "{} -js -a 127.0.0.1 -p {} -sd '{}' >'{}' 2>&1 & pid=$!; echo $pid >'{}'; read -r _; kill -KILL $pid; wait $pid",
            program(),
            self.port,
            self.folder.path().join("store").display(),
            self.folder.path().join("log").display(),
            self.folder.path().join("pid").display(),
        );
        let shell = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.shell = Some(shell);
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "nats-server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it; what it acknowledged stays on its disk.
    pub fn stop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
    }

    /// Stops it where it is, connections open, or lets it go on.
    pub fn pause(&self, paused: bool) {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap().trim().parse().unwrap();
        let signal = if paused { Signal::STOP } else { Signal::CONT };
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}
