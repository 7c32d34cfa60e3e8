//! Weather between the hosts of a test. Each host is a network namespace of its own, all on one switch; a host is cut off by
//! setting its link down: packets are lost then, and nobody is told. Where the machine allows no namespaces, the hosts are this
//! machine, and wires are cut instead; what it was is written on stderr.
//!
//! Nothing outlives the process: a namespace lasts as long as its holder, which ends when its input closes, and what runs in it
//! is killed with the thread that started it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use crate::rig::{Wire, wire};

/// Hosts on one network.
pub struct Net(Kind);

enum Kind {
    Namespaces {
        switch: Namespace,
        hosts: Vec<Namespace>,
        /// The switch made a user namespace, in which the hosts are.
        own_users: bool,
    },
    /// Each with the host from which it leads, and where to.
    Wires(Vec<(usize, Wire, String)>),
}

/// A network namespace, by its holder.
struct Namespace(Child);

impl Namespace {
    /// Makes one by `words`, which end in a program that runs what follows in it.
    fn new(words: &[String]) -> Result<Self, String> {
        let held = ["sh", "-c", "echo made; read -r _"].map(str::to_owned);
        let (program, rest) = words.split_first().ok_or("no words")?;
        let mut command = Command::new(program);
        command.args(rest).args(held).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let holder = command.spawn().map_err(|why| format!("{program}: {why}"))?;
        let mut made = Self(holder);
        let mut said = String::new();
        let out = made.0.stdout.as_mut().ok_or("no output")?;
        BufReader::new(out).read_line(&mut said).map_err(|why| why.to_string())?;
        if said.trim() == "made" {
            return Ok(made);
        }
        let mut why = String::new();
        if let Some(error) = made.0.stderr.take() {
            BufReader::new(error).read_line(&mut why).map_err(|why| why.to_string())?;
        }
        Err(why.trim().to_owned())
    }

    /// Words before a command that run it in there.
    fn words(&self, user: bool) -> Vec<String> {
        let at = |kind: &str| format!("/proc/{}/ns/{kind}", self.0.id());
        let mut words = vec!["nsenter".to_owned()];
        if user {
            words.extend([format!("--user={}", at("user")), "--preserve-credentials".to_owned()]);
        }
        words.extend([format!("--net={}", at("net")), "--".to_owned()]);
        words
    }

    /// Runs a script in there.
    fn run(&self, user: bool, script: &str) -> Result<(), String> {
        let words = self.words(user);
        let script = format!("set -e; PATH=$PATH:/usr/sbin:/sbin; {script}");
        let ran = Command::new(&words[0]).args(&words[1..]).args(["sh", "-c", &script]).output();
        let ran = ran.map_err(|why| why.to_string())?;
        if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned()) }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Net {
    /// A network of so many hosts.
    pub fn of(hosts: usize) -> Self {
        let (kind, said) = match namespaces(hosts) {
            Ok(kind) => (kind, format!("{hosts} network namespaces, whose links are set down")),
            Err(why) => {
                (Kind::Wires(Vec::new()), format!("wires that are cut: this machine allows no namespaces ({why})"))
            }
        };
        // Not by a macro, whose words the tests keep to themselves.
        writeln!(std::io::stderr(), "weather: {said}").ok();
        Self(kind)
    }

    /// Words before a command that run it on a host.
    pub fn on(&self, host: usize) -> Vec<String> {
        match &self.0 {
            Kind::Namespaces { hosts, own_users, .. } => {
                let mut words = hosts[host].words(*own_users);
                words.extend(owned(&["setpriv", "--pdeathsig", "KILL", "--"]));
                words
            }
            Kind::Wires(_) => Vec::new(),
        }
    }

    /// How a backend on a host is told to listen.
    pub fn listening(&self, host: usize) -> Vec<String> {
        match &self.0 {
            Kind::Namespaces { .. } => owned(&["--listen", &format!("{}:7420", address(host)), "--plain-http"]),
            Kind::Wires(_) => owned(&["--listen", "127.0.0.1:0"]),
        }
    }

    /// The URL by which somebody on a host asks a backend that listens at `address`.
    pub async fn way(&mut self, host: usize, address: &str) -> String {
        match &mut self.0 {
            Kind::Namespaces { .. } => format!("http://{address}"),
            Kind::Wires(wires) => {
                let laid = wire(address).await;
                let base = laid.base();
                wires.push((host, laid, address.to_owned()));
                base
            }
        }
    }

    /// Cuts a host off.
    pub fn cut(&self, host: usize) {
        self.link(host, "down");
        for (wire, _) in self.wires(host) {
            wire.lead_to("127.0.0.1:1");
            wire.cut();
        }
    }

    /// And back.
    pub fn mend(&self, host: usize) {
        self.link(host, "up");
        for (wire, address) in self.wires(host) {
            wire.lead_to(address);
        }
    }

    fn link(&self, host: usize, way: &str) {
        if let Kind::Namespaces { switch, own_users, .. } = &self.0 {
            switch.run(*own_users, &format!("ip link set port{host} {way}")).unwrap();
        }
    }

    fn wires(&self, host: usize) -> impl Iterator<Item = (&Wire, &String)> {
        let all = match &self.0 {
            Kind::Wires(all) => all.as_slice(),
            Kind::Namespaces { .. } => &[],
        };
        all.iter().filter(move |(from, ..)| *from == host).map(|(_, wire, to)| (wire, to))
    }
}

fn address(host: usize) -> String {
    format!("10.77.0.{}", host + 1)
}

/// A switch with a port for each host, all up. Whoever may make no network namespace makes a user namespace for it.
fn namespaces(count: usize) -> Result<Kind, String> {
    let (switch, own_users) = match Namespace::new(&owned(&["unshare", "--net"])) {
        Ok(switch) => (switch, false),
        Err(_) => (Namespace::new(&owned(&["unshare", "--map-root-user", "--net"]))?, true),
    };
    switch.run(own_users, "ip link add switch type bridge; ip link set switch up")?;
    let mut hosts = Vec::new();
    for host in 0..count {
        let mut words = if own_users { switch.words(true) } else { Vec::new() };
        words.extend(owned(&["unshare", "--net"]));
        let made = Namespace::new(&words)?;
        let id = made.0.id();
        switch.run(
            own_users,
            &format!(
                "ip link add port{host} type veth peer name eth0 netns {id}; ip link set port{host} master switch up"
            ),
        )?;
        made.run(
            own_users,
            &format!("ip link set lo up; ip address add {}/24 dev eth0; ip link set eth0 up", address(host)),
        )?;
        hosts.push(made);
    }
    Ok(Kind::Namespaces { switch, hosts, own_users })
}
