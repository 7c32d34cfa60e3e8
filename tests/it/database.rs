//! A real Postgres server of the tests' own: made once, gone with the process; a database for each test.

use std::{
    io::Write,
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// A server in a folder of its own.
pub struct Server {
    folder: tempfile::TempDir,
    port: u16,
    /// A shell that ends the server when its input closes: with this process, whatever becomes of it.
    shell: Option<Child>,
}

/// Where Debian keeps the newest server's programs.
fn programs() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib/postgresql").expect("Postgres is installed: tests/run.sh does it");
    let mut found: Vec<PathBuf> = found.map(|one| one.unwrap().path().join("bin")).collect();
    found.sort();
    found.pop().expect("Postgres is installed: tests/run.sh does it")
}

/// Postgres runs as nobody's root: its own user then.
fn unprivileged(program: &Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

impl Server {
    /// Makes one and starts it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if rustix::process::getuid().is_root() {
            let id = |flag: &str| -> u32 {
                let out = Command::new("id").args([flag, "postgres"]).output().unwrap();
                String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
            };
            chown(folder.path(), Some(id("-u")), Some(id("-g"))).unwrap();
        }
        let data = folder.path().join("data");
        let made = unprivileged(&programs().join("initdb"))
            .args(["--username=andon", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, shell: None };
        server.run();
        server
    }

    /// Starts it, and waits until it answers.
    pub fn run(&mut self) {
        let server = unprivileged(&programs().join("postgres"));
        let words = std::iter::once(server.get_program()).chain(server.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let folder = self.folder.path().display();
        let script = format!(
            "{} -D '{}' -p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{folder}' -c max_connections=200 \
             -c shared_buffers=32MB & pid=$!; read -r word; kill -INT $pid; wait $pid; [ \"$word\" = stay ] || rm -rf '{folder}'",
            words.join(" "),
            self.folder.path().join("data").display(),
            self.port,
        );
        let log = std::fs::File::create(self.folder.path().join("log"));
        let shell = Command::new("sh")
            .args(["-c", &script])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log.map_or_else(|_| Stdio::null(), Stdio::from))
            .spawn()
            .unwrap();
        self.shell = Some(shell);
        let until = Instant::now() + Duration::from_secs(60);
        while !self.psql("postgres", "SELECT 1").status.success() {
            assert!(Instant::now() < until, "the Postgres server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once, open connections and all.
    pub fn stop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            // Without this word the tests are over, and its folder goes too.
            let _ = shell.stdin.take().unwrap().write_all(b"stay\n");
            shell.wait().unwrap();
        }
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn psql(&self, database: &str, sql: &str) -> std::process::Output {
        let url = format!("postgres://andon@{}/{database}", self.address());
        Command::new(programs().join("psql")).args(["-X", "-q", "-t", "-A", "-d", &url, "-c", sql]).output().unwrap()
    }

    /// A fresh database; its URL.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let made = self.psql("postgres", &format!("CREATE DATABASE {name}"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://andon@{}/{name}", self.address())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A fresh database on the server that all tests share.
pub fn database() -> String {
    shared().database()
}

/// The same, by the server's socket: whoever shares the file system reaches it, from any network.
pub fn database_by_socket() -> String {
    let server = shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    format!("postgres://andon@localhost:{}/{name}?host={}", server.port, server.folder.path().display())
}

fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}
