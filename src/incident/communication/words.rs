//! A text as words with their places, folded as a reader would take them. One pass, one allocation for all letters.

use super::hidden::folded;

/// One word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    /// Its letters among the folded ones.
    folded: (usize, usize),
    /// Its place in the text, in bytes.
    place: (usize, usize),
}

/// The words of a text.
#[derive(Debug, Default)]
pub(super) struct Words {
    letters: String,
    words: Vec<Word>,
}

impl Words {
    /// The words of `text`.
    pub fn of(text: &str) -> Self {
        let mut all = Self { letters: String::with_capacity(text.len()), words: Vec::new() };
        let mut open: Option<Word> = None;
        for (at, c) in text.char_indices() {
            let Some(plain) = folded(c) else {
                // It takes no room: the word goes on, if one does.
                continue;
            };
            if plain.is_alphanumeric() || (plain == '\'' && open.is_some()) {
                let word = open.get_or_insert(Word { folded: (all.letters.len(), 0), place: (at, 0) });
                all.letters.push(plain);
                (word.folded.1, word.place.1) = (all.letters.len(), at + c.len_utf8());
            } else if let Some(word) = open.take() {
                all.words.push(word);
            }
        }
        all.words.extend(open);
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// One of them, folded.
    pub fn get(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &self.letters[word.folded.0..word.folded.1])
    }

    /// Where the words from `at`, `length` of them, stand in the text.
    pub fn place(&self, at: usize, length: usize) -> (usize, usize) {
        let first = self.words.get(at).map_or(0, |word| word.place.0);
        (first, self.words.get(at + length.max(1) - 1).map_or(first, |word| word.place.1))
    }

    /// Whether `phrase` stands at `at`; a word that ends in `*` stands for all that begin so.
    pub fn holds_at(&self, at: usize, phrase: &[String]) -> bool {
        at + phrase.len() <= self.len()
            && phrase.iter().enumerate().all(|(offset, word)| {
                let here = self.get(at + offset);
                word.strip_suffix('*').map_or(here == word, |start| here.starts_with(start))
            })
    }

    /// Whether `phrase` stands anywhere.
    pub fn holds(&self, phrase: &[String]) -> bool {
        (0..self.len()).any(|at| self.holds_at(at, phrase))
    }
}

/// A phrase of the runbook as its words; `*` at a word's end stays.
pub(super) fn phrase(text: &str) -> Vec<String> {
    let words = text.split_whitespace().flat_map(|part| {
        let star = part.ends_with('*');
        let words = Words::of(part);
        let last = words.len();
        (0..last)
            .map(move |at| format!("{}{}", words.get(at), if star && at + 1 == last { "*" } else { "" }))
            .collect::<Vec<_>>()
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_places() {
        let text = "The té\u{200b}chnical — issue’s";
        let words = Words::of(text);
        assert_eq!((0..words.len()).map(|at| words.get(at)).collect::<Vec<_>>(), ["the", "technical", "issue's"]);
        let (start, end) = words.place(1, 2);
        assert_eq!(&text[start..end], "té\u{200b}chnical — issue’s");
        assert!(words.holds(&phrase("tech* ISSUE'S")) && !words.holds(&phrase("tech issue's")));
        assert_eq!(phrase("paid-back* now"), ["paid", "back*", "now"]);
    }
}
