//! A draft that several write at once, cut off from one another now and then (COM.5).

use std::{collections::BTreeMap, ops::RangeInclusive};

use andon::{
    api::State,
    incident::{
        Draft, Event, World,
        communication::writing::{Edit, Manuscript},
    },
    terms::IncidentId,
};
use uuid::Uuid;

use super::chance::Chance;

/// Letters that begin words, and that end them.
const FIRST: RangeInclusive<char> = '一'..='鿿';
const LAST: RangeInclusive<char> = '가'..='힣';

/// The draft in a world; everybody writes in the same one.
pub fn draft(world: &World) -> Option<&Draft> {
    world.incidents.get(&IncidentId(1))?.drafts.first()
}

/// A draft in hand, as a cockpit has it: what is written here, and what the backend is known to have.
pub struct Pen {
    mine: Manuscript,
    there: Manuscript,
    heard: u64,
    /// What this pen put in, in the order of its writing.
    put: Vec<String>,
}

impl Pen {
    pub fn take_up(draft: &Draft, chance: &mut Chance) -> Self {
        let writer = chance.next();
        let read = || Manuscript::of(draft, writer).unwrap();
        Self { mine: read(), there: read(), heard: draft.version, put: Vec::new() }
    }

    /// Takes in what others wrote.
    pub fn hear(&mut self, draft: &Draft) {
        let new = usize::try_from(draft.version.saturating_sub(self.heard)).unwrap();
        for edit in &draft.edits[draft.edits.len().saturating_sub(new)..] {
            self.there.take(edit).unwrap();
            self.mine.take(edit).unwrap();
        }
        self.heard = self.heard.max(draft.version);
    }

    /// Puts a word of its own somewhere, or takes one out again that it put in.
    pub fn write(&mut self, chance: &mut Chance, book: &mut Written) {
        let text = self.mine.get("body");
        let own: Vec<&String> = self.put.iter().filter(|word| text.contains(*word)).collect();
        if chance.happens(200) && !own.is_empty() {
            let word = own[usize::try_from(chance.below(own.len() as u64)).unwrap()].clone();
            self.mine.write("body", &text.replacen(&word, "", 1));
            book.took_out(&word);
            return;
        }
        let word = book.new_word(chance);
        // Nobody writes within another's word.
        let ends =
            text.char_indices().filter(|(_, letter)| LAST.contains(letter)).map(|(at, last)| at + last.len_utf8());
        let places: Vec<usize> = ends.chain([text.len()]).collect();
        let at = places[usize::try_from(chance.below(places.len() as u64)).unwrap()];
        self.mine.write("body", &[&text[..at], &word, &text[at..]].concat());
        self.put.push(word);
    }

    /// What the backend is not known to have.
    pub fn unsent(&self) -> Option<Edit> {
        self.mine.beyond(&self.there)
    }

    /// The text as it reads here.
    pub fn reads(&self) -> String {
        self.mine.get("body")
    }
}

/// What is known of a word.
#[derive(Debug, Default, Clone, Copy)]
struct Word {
    /// It was acknowledged, or kept: it counts.
    put: bool,
    /// Its author took it out again, and that counts.
    out: bool,
    /// Its author took it out, whether or not that counts.
    asked_out: bool,
}

/// What was written by everybody, and what of it was acknowledged: held against the draft in the end.
#[derive(Debug, Default)]
pub struct Written {
    words: BTreeMap<String, Word>,
    /// Commands that wait or are asked, and what text stands there once they are done: words put in, words taken out.
    asked: BTreeMap<Uuid, (Vec<String>, Vec<String>)>,
    /// Facts that were acknowledged.
    acknowledged: Vec<Event>,
    pub edits: usize,
}

impl Written {
    /// A word whose first and last letters no other has: what differs between two texts is found by comparing them.
    fn new_word(&mut self, chance: &mut Chance) -> String {
        let number = u32::try_from(self.words.len()).unwrap();
        let letter = |range: &RangeInclusive<char>| char::from_u32(u32::from(*range.start()) + number).unwrap();
        let word = format!("{}{:x}{}", letter(&FIRST), chance.next(), letter(&LAST));
        self.words.insert(word.clone(), Word::default());
        word
    }

    fn took_out(&mut self, word: &str) {
        self.words.entry(word.to_owned()).or_default().asked_out = true;
    }

    /// An edit is asked: what it holds of its author's pen.
    pub fn ask(&mut self, id: Uuid, pen: &Pen) {
        let text = pen.reads();
        let (put, out) = pen.put.iter().cloned().partition(|word| text.contains(word));
        self.asked.insert(id, (put, out));
    }

    /// Commands that waited became one.
    pub fn merged(&mut self, gone: &[Uuid], into: Uuid) {
        for id in gone {
            let Some((put, out)) = self.asked.get(id).cloned() else { continue };
            let both = self.asked.entry(into).or_default();
            both.0.extend(put);
            both.1.extend(out);
        }
    }

    /// It was acknowledged, or a return of the outbox said so: whatever it held counts.
    pub fn done(&mut self, id: Uuid, facts: Vec<Event>) {
        let Some((put, out)) = self.asked.get(&id) else { return };
        for word in put {
            self.words.entry(word.clone()).or_default().put = true;
        }
        for word in out {
            self.words.entry(word.clone()).or_default().out = true;
        }
        self.acknowledged.extend(facts);
        self.edits += 1;
    }

    /// Whether a command is one of these.
    pub fn knows(&self, id: Uuid) -> bool {
        self.asked.contains_key(&id)
    }

    /// Holds the draft against what people were told.
    pub fn hold_against(&self, log: &[Event], world: &World) -> Vec<String> {
        let mut wrong = Vec::new();
        for event in &self.acknowledged {
            if log.get(usize::try_from(event.position).unwrap() - 1) != Some(event) {
                wrong.push(format!("an edit was acknowledged at {} and is not there", event.position));
            }
        }
        let Some(draft) = draft(world) else { return vec!["the draft is gone".to_owned()] };
        let merged = Manuscript::of(draft, 0).unwrap().fields();
        if merged != draft.fields {
            wrong.push(format!("what was folded reads {:?}, what was merged {:?}", draft.fields.body, merged.body));
        }
        for (word, known) in &self.words {
            let times = draft.fields.body.matches(word.as_str()).count();
            if times > 1 {
                wrong.push(format!("{word} stands there {times} times"));
            }
            if known.put && !known.asked_out && times == 0 {
                wrong.push(format!("{word} was acknowledged and is lost"));
            }
            if known.out && times > 0 {
                wrong.push(format!("{word} was taken out, that was acknowledged, and it stands there"));
            }
        }
        wrong
    }
}

/// What somebody sees of the draft.
pub fn seen(state: Option<&State>) -> Option<&Draft> {
    draft(&state?.world)
}
