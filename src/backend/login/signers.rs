//! The `allowed_signers` file, as OpenSSH has it: who may log in with which key or by which authority (TEAM.6).

use ssh_key::{HashAlg, PublicKey};

use crate::terms::Time;

/// Stands for a comma inside quotes while a line is taken apart.
const INSIDE: char = '\u{1f}';

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Signer {
    principals: Vec<String>,
    /// The key signs certificates; it does not sign in itself.
    pub authority: bool,
    namespaces: Option<Vec<String>>,
    after: Option<Time>,
    before: Option<Time>,
    /// Its key.
    pub key: PublicKey,
}

/// A line that does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("allowed_signers line {line}: {what}")]
pub struct SignersError {
    line: usize,
    what: String,
}

impl Signer {
    /// Whether the line speaks for `name` in `namespace` at `now`.
    pub fn covers(&self, name: &str, namespace: &str, now: Time) -> bool {
        let in_time = self.after.is_none_or(|after| after <= now) && self.before.is_none_or(|before| now < before);
        let spaces = self.namespaces.as_deref();
        in_time && spaces.is_none_or(|all| matches(all, namespace)) && matches(&self.principals, name)
    }

    /// The fingerprint that certificates name it by.
    pub fn fingerprint(&self) -> ssh_key::Fingerprint {
        self.key.fingerprint(HashAlg::Sha256)
    }
}

/// Every line of a file, or the first that does not read: a line that is passed over could be one that restricts.
///
/// # Errors
/// Which line, and what is wrong.
pub fn read(text: &str) -> Result<Vec<Signer>, SignersError> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| signer(line).map_err(|what| SignersError { line: at, what })).collect()
}

fn signer(line: &str) -> Result<Signer, String> {
    let (principals, rest) = word(line)?;
    let rest = rest.trim_start();
    let is_key = |text: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| text.starts_with(kind));
    let (options, key) = if is_key(rest) { (String::new(), rest) } else { word(rest)? };
    let key = PublicKey::from_openssh(key.trim_start()).map_err(|why| format!("its key does not read ({why})"))?;
    let principals = principals.split(',').map(str::to_owned).collect();
    let mut signer = Signer { principals, authority: false, namespaces: None, after: None, before: None, key };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        take_option(&mut signer, &option.replace(INSIDE, ","))?;
    }
    Ok(signer)
}

fn take_option(signer: &mut Signer, option: &str) -> Result<(), String> {
    let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
    let value = || value.ok_or_else(|| format!("the option {name} needs a value"));
    match name.to_ascii_lowercase().as_str() {
        "cert-authority" => signer.authority = true,
        "namespaces" => signer.namespaces = Some(value()?.split(',').map(str::to_owned).collect()),
        "valid-after" => signer.after = Some(date(value()?)?),
        "valid-before" => signer.before = Some(date(value()?)?),
        other => {
            return Err(format!("{other:?} is no option: cert-authority, namespaces, valid-after or valid-before"));
        }
    }
    Ok(())
}

/// `YYYYMMDD[HHMM[SS]]`, with `Z` in UTC; without it the machine's own zone, which a server should not depend on: taken as UTC.
fn date(text: &str) -> Result<Time, String> {
    let digits = text.trim_end_matches(['Z', 'z']);
    let whole = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        _ => digits.to_owned(),
    };
    let read = chrono::NaiveDateTime::parse_from_str(&whole, "%Y%m%d%H%M%S");
    read.map(|at| Time::from(at.and_utc())).map_err(|_| format!("{text:?} is no time like 20270101 or 202701011200Z"))
}

/// The first word, in which quotes hold spaces; and what is left.
fn word(line: &str) -> Result<(String, &str), String> {
    let (mut word, mut quoted) = (String::new(), false);
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return Ok((word, &line[at..])),
            letter => {
                // Commas inside quotes belong to the value.
                word.push(if quoted && letter == ',' { INSIDE } else { letter });
            }
        }
    }
    Err(if quoted { "a quote is not closed".to_owned() } else { "a key is missing".to_owned() })
}

/// Whether a list of patterns, `*` and `?` in them and `!` before them, covers `name`.
fn matches(patterns: &[String], name: &str) -> bool {
    let is = |pattern: &str| glob(pattern.as_bytes(), name.as_bytes());
    let denied = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(is);
    !denied && patterns.iter().filter(|pattern| !pattern.starts_with('!')).any(|pattern| is(pattern))
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|at| glob(rest, &name[at..])),
        (Some((b'?', rest)), Some((_, left))) => glob(rest, left),
        (Some((one, rest)), Some((other, left))) => one == other && glob(rest, left),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti dana@jump";

    fn at(text: &str) -> Time {
        date(text).unwrap()
    }

    #[test]
    fn a_line_speaks_for_its_principals_in_its_namespaces_and_its_time() {
        let text = format!(
            "# people\n\ndana,kim@*,!kim@guest {KEY}\n*@ops cert-authority,namespaces=\"login@andon.dev,file\",valid-before=\"20270101\" {KEY}\n"
        );
        let signers = read(&text).unwrap();
        let covers = |line: usize, name, space, now| signers[line].covers(name, space, at(now));
        assert!(covers(0, "dana", "login@andon.dev", "20300101") && covers(0, "kim@ops", "anything", "20200101"));
        assert!(!covers(0, "kim@guest", "file", "20260101") && !covers(0, "danae", "file", "20260101"));
        assert!(signers[1].authority && !signers[0].authority);
        assert!(covers(1, "lee@ops", "file", "20261231") && !covers(1, "lee@ops", "file", "20270101"));
        assert!(!covers(1, "lee@ops", "git", "20260101") && !covers(1, "lee@dev", "file", "20260101"));
    }

    #[test]
    fn a_line_that_does_not_read_is_named_and_none_is_passed_over() {
        for (line, what) in [
            ("dana", "a key is missing"),
            ("dana ssh-ed25519 AAAA", "does not read"),
            (&format!("dana verify-required {KEY}"), "is no option"),
            (&format!("dana valid-after=\"soon\" {KEY}"), "is no time"),
            ("dana namespaces=\"file ssh-ed25519 AAAA", "not closed"),
        ] {
            let why = read(&format!("# one\n{line}")).unwrap_err().to_string();
            assert!(why.contains("line 2") && why.contains(what), "{why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_reads_or_is_refused(text in "\\PC{0,200}") {
            let _ = read(&text);
        }
    }
}
