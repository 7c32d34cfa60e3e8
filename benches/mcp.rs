//! What `andon interlock mcp` adds to a call: the same server asked directly, and through the proxy, one call at a time.
//!
//! `cargo bench --bench mcp`. Needs python3 for the server. Prints figures and their ratio; asserts nothing.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use andon::{
    backend::{
        home::Home,
        serve::{ServeOptions, start},
    },
    runbook::Book,
};

/// Calls before the figures are taken, and calls that are.
const WARM: usize = 500;
const CALLS: usize = 5_000;
/// The least a server does.
const SERVER: &str = "import sys\nfor line in sys.stdin:\n    id = line[line.index('\"id\":') + 5:].split(',')[0]\n    \
                      sys.stdout.write('{\"jsonrpc\":\"2.0\",\"id\":' + id + ',\"result\":{\"content\":[]}}\\n')\n    sys.stdout.flush()";

struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a server");
        let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }

    /// One call, there and back.
    fn call(&mut self, id: usize) -> Duration {
        let began = Instant::now();
        let call = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"crm.find\",\"arguments\":{{\"order\":\"A1\"}}}}}}\n"
        );
        self.stdin.write_all(call.as_bytes()).expect("it listens");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it answers");
        assert!(line.contains(&format!("\"id\":{id}")), "{line}");
        began.elapsed()
    }

    /// Median and 99th percentile of many calls.
    fn measure(mut self) -> (Duration, Duration) {
        for id in 0..WARM {
            self.call(id);
        }
        let mut taken: Vec<Duration> = (WARM..WARM + CALLS).map(|id| self.call(id)).collect();
        taken.sort_unstable();
        drop(self.stdin);
        let _ = self.child.wait();
        (taken[CALLS / 2], taken[CALLS * 99 / 100])
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let running = runtime.block_on(async {
        let mut options = ServeOptions::local(Home::under(folder.path()), Arc::new(Book::shipped()));
        options.listen = vec!["127.0.0.1:0".parse().expect("an address")];
        start(options).await.expect("a backend")
    });
    let (direct, direct_99) = Server::start(Command::new("python3").args(["-c", SERVER])).measure();
    let mut proxied = Command::new(env!("CARGO_BIN_EXE_andon"));
    proxied.env("ANDON_HOME", folder.path()).env_remove("ANDON_URL").env_remove("ANDON_TOKEN");
    proxied.args(["interlock", "mcp", "--agent", "till-bot", "--", "python3", "-c", SERVER]);
    let (through, through_99) = Server::start(&mut proxied).measure();
    println!("direct   {direct:>10.1?} median {direct_99:>10.1?} p99");
    println!("proxied  {through:>10.1?} median {through_99:>10.1?} p99");
    println!(
        "added    {:>10.1?} median, {:.1} × the call itself",
        through - direct,
        through.as_secs_f64() / direct.as_secs_f64()
    );
    runtime.block_on(running.stop());
}
