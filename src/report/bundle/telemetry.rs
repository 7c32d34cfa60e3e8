//! The pinned actions of a bundle, against what the chain of events says that each freeze pinned (EVI.1).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What one manifest of a freeze, or one of its addenda, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counted {
    count: u64,
    digest: String,
    read_to: u64,
}

/// What the log says of one freeze.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pinned {
    parts: Vec<Counted>,
    lost: u64,
}

impl Pinned {
    /// Takes what a fact of the incident says of freezes; other facts say nothing.
    pub(super) fn learn(kind: &str, data: &Value, into: &mut BTreeMap<String, Self>) {
        let Some(freeze) = data.get("freeze").and_then(Value::as_str) else { return };
        let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or(0);
        match kind {
            "evidence-frozen" | "evidence-appended" => {
                let Some(manifest) = data.get("manifest") else { return };
                let digest = manifest.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
                let counted =
                    Counted { count: number(manifest.get("count")), digest, read_to: number(manifest.get("read_to")) };
                into.entry(freeze.to_owned()).or_default().parts.push(counted);
            }
            "evidence-lost" => into.entry(freeze.to_owned()).or_default().lost += number(data.get("count")),
            _ => {}
        }
    }
}

/// One freeze being read.
struct Reading {
    freeze: String,
    pinned: Pinned,
    part: usize,
    count: u64,
    hash: Sha256,
    seq: u64,
}

/// The actions as they pass.
#[derive(Default)]
pub(super) struct Telemetry {
    reading: Option<Reading>,
    seen: BTreeSet<String>,
    /// Actions read.
    pub actions: u64,
    /// Losses that the log itself tells, in words.
    pub short: Vec<String>,
}

type Wrong = (String, String);

impl Telemetry {
    /// Begins the actions of a freeze, unless it is the one that is being read.
    ///
    /// # Errors
    /// The one before was not whole, or the log knows no such freeze.
    pub(super) fn begin(&mut self, freeze: &str, known: &BTreeMap<String, Pinned>) -> Result<(), Wrong> {
        if self.reading.as_ref().is_some_and(|reading| reading.freeze == freeze) {
            return Ok(());
        }
        self.close()?;
        let here = |what: &str| (format!("telemetry of {freeze}"), what.to_owned());
        let Some(pinned) = known.get(freeze) else { return Err(here("the log knows no such freeze")) };
        if !self.seen.insert(freeze.to_owned()) {
            return Err(here("it stands in the bundle twice"));
        }
        let (freeze, pinned) = (freeze.to_owned(), pinned.clone());
        self.reading = Some(Reading { freeze, pinned, part: 0, count: 0, hash: Sha256::new(), seq: 0 });
        Ok(())
    }

    /// Follows one action.
    ///
    /// # Errors
    /// Where it stands, and what does not hold.
    pub(super) fn follow(&mut self, line: &str) -> Result<(), Wrong> {
        let Some(mut reading) = self.reading.take() else { return Ok(()) };
        let here = |what: String| (format!("telemetry of {}, action {}", reading.freeze, reading.seq), what);
        let action: Value =
            serde_json::from_str(line).map_err(|why| here(format!("what follows does not read: {why}")))?;
        let Value::Object(mut action) = action else { return Err(here("what follows is no object".into())) };
        let seq = action.remove("seq").and_then(|seq| seq.as_u64()).unwrap_or(0);
        if seq <= reading.seq {
            return Err(here("what follows is not after it".into()));
        }
        while reading.pinned.parts.get(reading.part).is_some_and(|part| seq > part.read_to) {
            self.short.extend(reading.close_part()?);
        }
        if reading.part >= reading.pinned.parts.len() {
            return Err((
                format!("telemetry of {}, action {seq}", reading.freeze),
                "the log does not say that it was pinned".into(),
            ));
        }
        let canonical = serde_json_canonicalizer::to_vec(&Value::Object(action)).unwrap_or_default();
        reading.hash.update(&canonical);
        reading.hash.update(b"\n");
        reading.count += 1;
        reading.seq = seq;
        self.actions += 1;
        self.reading = Some(reading);
        Ok(())
    }

    /// Ends the freeze that is being read.
    ///
    /// # Errors
    /// It was not whole.
    fn close(&mut self) -> Result<(), Wrong> {
        let Some(mut reading) = self.reading.take() else { return Ok(()) };
        while reading.part < reading.pinned.parts.len() {
            self.short.extend(reading.close_part()?);
        }
        Ok(())
    }

    /// Everything was read: each freeze of the log must have been whole.
    ///
    /// # Errors
    /// The first that was not.
    pub(super) fn finish(&mut self, known: &BTreeMap<String, Pinned>) -> Result<(), Wrong> {
        self.close()?;
        for freeze in known.keys() {
            if !self.seen.contains(freeze) {
                self.begin(freeze, known)?;
                self.close()?;
            }
        }
        Ok(())
    }
}

impl Reading {
    /// Compares what was read with what was counted; a loss that the log tells is no break.
    fn close_part(&mut self) -> Result<Option<String>, Wrong> {
        let Some(part) = self.pinned.parts.get(self.part) else { return Ok(None) };
        let digest = hex::encode(std::mem::take(&mut self.hash).finalize());
        let count = std::mem::take(&mut self.count);
        self.part += 1;
        let place = format!("telemetry of {}", self.freeze);
        if count == part.count && (digest == part.digest || count == 0) {
            return Ok(None);
        }
        if count < part.count && self.pinned.lost > 0 {
            let (kept, lost) = (part.count, self.pinned.lost);
            return Ok(Some(format!("{place}: {count} of {kept} actions; the log tells of {lost} lost")));
        }
        let what = if count == part.count {
            "an action was changed: they are not those that were pinned".to_owned()
        } else {
            format!("{count} actions, and the log says that {} were pinned", part.count)
        };
        Err((place, what))
    }
}
