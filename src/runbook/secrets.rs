//! What looks like a secret, as data, and its masking (EVI.4).

use std::{
    io::{self, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

use super::{RunbookError, nearest, read::wrong};

/// The file this is read from.
const FILE: &str = "secrets.toml";
/// The longest pattern, in bytes.
const LONGEST: usize = 2_000;
/// How much is looked at in one piece.
const PIECE: usize = 256 << 10;
/// How much of a piece is looked at again with the next one, so that no match is cut in two.
const OVERLAP: usize = 8 << 10;

/// One pattern, as a team writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPattern {
    /// What it finds, in a short name: `github-token`.
    pub id: String,
    /// The regular expression.
    pub pattern: String,
}

/// Patterns, ready to look with.
#[derive(Debug, Clone)]
pub struct Secrets {
    patterns: Vec<SecretPattern>,
    ready: Arc<[Regex]>,
}

/// What was made ready last: a runbook is read often and its patterns change seldom.
static LAST: Mutex<Option<Secrets>> = Mutex::new(None);

impl PartialEq for Secrets {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

/// One secret that was found.
struct Found {
    from: usize,
    to: usize,
    pattern: usize,
}

impl Secrets {
    /// Patterns made ready.
    ///
    /// # Errors
    /// The number of the first that is no regular expression, and why.
    pub fn new(patterns: Vec<SecretPattern>) -> Result<Self, (usize, String)> {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = last.as_ref().filter(|last| last.patterns == patterns) {
            return Ok(same.clone());
        }
        let ready = |(at, secret): (usize, &SecretPattern)| {
            let built = regex::bytes::RegexBuilder::new(&secret.pattern).unicode(false).size_limit(4 << 20).build();
            let regex = built.map_err(|why| (at, why.to_string().replace('\n', " ")))?;
            if regex.is_match(b"") {
                return Err((at, "it matches nothing at all, and so everywhere".to_owned()));
            }
            Ok(regex)
        };
        let ready = patterns.iter().enumerate().map(ready).collect::<Result<Vec<_>, _>>()?;
        let made = Self { patterns, ready: ready.into() };
        *last = Some(made.clone());
        Ok(made)
    }

    /// The patterns as they were written.
    pub fn patterns(&self) -> &[SecretPattern] {
        &self.patterns
    }

    /// Where secrets stand, in order, none over another.
    fn find(&self, bytes: &[u8]) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for (pattern, regex) in self.ready.iter().enumerate() {
            for captures in regex.captures_iter(bytes) {
                let Some(part) = captures.name("secret").or(captures.get(0)) else { continue };
                // A pattern over bytes may begin or end within a character; the whole of it goes then.
                let within = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
                let from = (0..=part.start()).rev().find(|at| !within(at)).unwrap_or(0);
                let to = (part.end()..=bytes.len()).find(|at| !within(at)).unwrap_or(bytes.len());
                found.push(Found { from, to, pattern });
            }
        }
        found.sort_by_key(|one| (one.from, one.pattern));
        let mut apart: Vec<Found> = Vec::with_capacity(found.len());
        for one in found {
            match apart.last_mut() {
                Some(last) if one.from < last.to => last.to = last.to.max(one.to),
                _ => apart.push(one),
            }
        }
        apart
    }

    /// Whether a text holds a secret.
    pub fn are_in(&self, text: &str) -> bool {
        self.ready.iter().any(|regex| regex.is_match(text.as_bytes()))
    }

    /// A text with every secret in it masked; agent- and person-written still.
    pub fn mask(&self, text: &str) -> String {
        let found = self.find(text.as_bytes());
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for one in found {
            masked.push_str(&text[at..one.from]);
            masked.push_str(&self.masked(one.pattern));
            at = one.to;
        }
        masked.push_str(&text[at..]);
        masked
    }

    /// Copies `from` to `to` with every secret masked, a piece at a time; says how many there were.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn mask_stream(&self, mut from: impl Read, mut to: impl Write) -> io::Result<u64> {
        let mut piece: Vec<u8> = Vec::with_capacity(PIECE);
        let mut count = 0;
        loop {
            let wanted = PIECE - piece.len();
            let read = from.by_ref().take(wanted as u64).read_to_end(&mut piece)?;
            let last = read < wanted;
            let (mut at, mut whole) = (0, if last { piece.len() } else { PIECE - OVERLAP });
            for one in self.find(&piece) {
                // What runs on beyond this piece is looked at whole with the next.
                if one.from >= whole || (!last && one.to == piece.len() && one.from > 0) {
                    whole = whole.min(one.from);
                    break;
                }
                to.write_all(&piece[at..one.from])?;
                to.write_all(self.masked(one.pattern).as_bytes())?;
                at = one.to;
                count += 1;
            }
            let keep = at.max(whole);
            to.write_all(&piece[at..keep])?;
            if last {
                return Ok(count);
            }
            piece.drain(..keep);
        }
    }

    fn masked(&self, pattern: usize) -> String {
        format!("[masked: {}]", self.patterns[pattern].id)
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretsText {
    #[serde(default)]
    secret: Vec<SecretPattern>,
}

impl SecretsText {
    /// The whole of it, checked; `text` is what it was read from.
    pub(super) fn whole(self, text: &str) -> Result<Secrets, RunbookError> {
        let line = |index: usize| {
            let begins = text.lines().enumerate().filter(|(_, line)| line.trim() == "[[secret]]").nth(index);
            begins.map(|(at, _)| at + 1)
        };
        for (index, secret) in self.secret.iter().enumerate() {
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if secret.id.is_empty() || secret.id.len() > 40 || !secret.id.chars().all(word) {
                let what = format!("id: {:?} is no short name of lower-case letters, digits and hyphens", secret.id);
                return Err(wrong(FILE, line(index), what));
            }
            if let Some(same) = nearest(&secret.id, self.secret[..index].iter().map(|other| other.id.as_str()))
                && same == secret.id
            {
                return Err(wrong(FILE, line(index), format!("id: there are two secrets {:?}", secret.id)));
            }
            if secret.pattern.len() > LONGEST {
                return Err(wrong(FILE, line(index), format!("pattern: longer than {LONGEST} bytes")));
            }
        }
        Secrets::new(self.secret).map_err(|(index, why)| wrong(FILE, line(index), format!("pattern: {why}")))
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
