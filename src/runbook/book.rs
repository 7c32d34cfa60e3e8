//! One version of the runbook, whole: its texts, so that an incident can be worked to its end by what it began with
//! (GOV.1).

use std::{collections::BTreeMap, sync::Arc};

use sha2::{Digest, Sha256};

use super::{Runbook, RunbookError, SHIPPED};

/// One version of the runbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    /// SHA-256 (hex) of its texts.
    pub digest: String,
    /// Which files are a team's own.
    pub own: Vec<String>,
    /// Every file's text, shipped ones included.
    pub texts: BTreeMap<String, String>,
    /// What they mean.
    pub runbook: Arc<Runbook>,
}

impl Book {
    /// What ships.
    ///
    /// # Panics
    /// Never: a test reads every shipped text.
    pub fn shipped() -> Self {
        match Self::of(&BTreeMap::new()) {
            Ok(book) => book,
            Err(error) => panic!("the shipped runbook does not read: {error}"),
        }
    }

    /// The shipped texts with a team's `own` in their place.
    ///
    /// # Errors
    /// The first text that does not fit, and where.
    pub fn of(own: &BTreeMap<String, String>) -> Result<Self, RunbookError> {
        let shipped = SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let texts: BTreeMap<String, String> = shipped.chain(own.clone()).collect();
        let runbook = Arc::new(Runbook::from_texts(&texts)?);
        let kept = |name: &&String| {
            SHIPPED.iter().all(|(file, text)| file != name || own.get(*file).is_none_or(|own| own != text))
        };
        let own = own.keys().filter(kept).cloned().collect();
        Ok(Self { digest: digest(&texts), own, texts, runbook })
    }

    /// A team's own texts of it.
    pub fn own_texts(&self) -> BTreeMap<String, String> {
        self.own.iter().filter_map(|name| Some((name.clone(), self.texts.get(name)?.clone()))).collect()
    }
}

/// SHA-256 (hex) over the files' names and texts.
fn digest(texts: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (name, text) in texts {
        for part in [name, text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_nobodys_own_and_one_letter_makes_another_book() {
        let shipped = Book::of(&BTreeMap::new()).unwrap();
        assert_eq!(shipped.texts.len(), SHIPPED.len());
        let copied: BTreeMap<String, String> =
            SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert_eq!(Book::of(&copied).unwrap(), shipped, "a copy of what ships changes nothing");
        let own = BTreeMap::from([("banned.toml".to_owned(), "wording = []".to_owned())]);
        let changed = Book::of(&own).unwrap();
        assert_ne!(changed.digest, shipped.digest);
        assert_eq!(changed.own_texts(), own);
        assert!(changed.runbook.banned.is_empty());
    }
}
