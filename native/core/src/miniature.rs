//! A miniature: what a mode would keep of the sampled keys, in a cache as much smaller (docs/slab.md 10). Hashes and
//! sizes only. Evictor only.
//!
//! Shared memory may hold anything: whoever wrote it may have died half-way. Every index is checked, every walk is
//! bounded, and what makes no sense is [`Broken`], upon which all miniatures begin anew.

use crate::ghost::Ghosts;
use crate::hash::{fastrange, fmix32};
use crate::layout::{ghost, miniature as field, sketch};
use crate::policy::{DUEL_MARGIN, Mode, OLDEST, PROMOTE_AT, Rule, worth};
use crate::region::{Ordering, Region};
use crate::sketch::Sketch;
use crate::verdict::{moved_bar, stays};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

type Checked<T> = Result<T, Broken>;

const SMALL: u32 = 0;
const MAIN: u32 = 1;
const MOST: u32 = 3;

/// Fields of an entry's last word.
const UNITS_MASK: u32 = (1 << 24) - 1;
const COUNT_SHIFT: u32 = 24;
const AGE_SHIFT: u32 = 26;
const QUEUE_SHIFT: u32 = 28;

pub(crate) struct Miniature<'a> {
    pub region: &'a Region,
    pub at: u32,
    /// Entries that there is room for.
    pub entries: u32,
    /// Entries or units that it may hold.
    pub capacity: u32,
    pub mode: Mode,
}

impl Miniature<'_> {
    /// Bytes of one with room for so many entries: whole lines, so that its numbers are aligned.
    pub fn bytes(entries: u32) -> u32 {
        let bytes = field::HEADER_BYTES
            + entries * (4 + field::ENTRY_BYTES)
            + Self::sketch_lines(entries) * sketch::LINE_BYTES
            + Self::ghost_buckets(entries) * ghost::BUCKET_BYTES;
        bytes.next_multiple_of(64)
    }

    fn sketch_lines(entries: u32) -> u32 {
        entries.div_ceil(sketch::ENTRIES_PER_LINE).max(4)
    }

    fn ghost_buckets(entries: u32) -> u32 {
        if entries < 4096 { (entries * 9).div_ceil(32).max(4) } else { (entries * 9).div_ceil(64) }
    }

    /// Empties it. Sketch and ghosts stay: they are advice about keys, whoever asked for them.
    pub fn clear(&self) {
        let clock = self.get(field::GHOST_CLOCK);
        self.region.fill(self.at, field::HEADER_BYTES + 4 * self.entries, 0);
        self.put(field::GHOST_CLOCK, clock);
    }

    fn get(&self, at: u32) -> u32 {
        self.region.load32(self.at + at, Ordering::Relaxed)
    }

    fn put(&self, at: u32, value: u32) {
        self.region.store32(self.at + at, value, Ordering::Relaxed);
    }

    fn sketch(&self) -> Sketch<'_> {
        Sketch {
            region: self.region,
            lines_at: self.at + field::HEADER_BYTES + self.entries * (4 + field::ENTRY_BYTES),
            lines: Self::sketch_lines(self.entries),
            words_at: self.at + field::SKETCH_ADDED,
            halve_at: (10 * self.entries).max(16),
        }
    }

    fn ghosts(&self) -> Ghosts<'_> {
        let sketch = self.sketch();
        let resident = self.get(field::RESIDENT).min(self.entries);
        Ghosts {
            region: self.region,
            at: sketch.lines_at + sketch.lines * sketch::LINE_BYTES,
            buckets: Self::ghost_buckets(self.entries),
            clock_at: self.at + field::GHOST_CLOCK,
            shift: if self.entries > 16_384 { 2 } else { 0 },
            limit: resident - resident / 10,
        }
    }

    /// Index + 1 of an entry, or 0, as it was read.
    fn entry(&self, number: u32) -> Checked<u32> {
        if number <= self.entries { Ok(number) } else { Err(Broken) }
    }

    fn entry_at(&self, number: u32) -> u32 {
        field::HEADER_BYTES + 4 * self.entries + (number - 1) * field::ENTRY_BYTES
    }

    fn key(&self, number: u32) -> u32 {
        self.get(self.entry_at(number) + field::KEY)
    }

    fn word(&self, number: u32) -> u32 {
        self.get(self.entry_at(number) + field::WORD)
    }

    fn set_word(&self, number: u32, word: u32) {
        self.put(self.entry_at(number) + field::WORD, word);
    }

    fn count(&self, number: u32) -> u32 {
        (self.word(number) >> COUNT_SHIFT) & 3
    }

    fn set_count(&self, number: u32, count: u32) {
        self.set_word(number, self.word(number) & !(3 << COUNT_SHIFT) | count << COUNT_SHIFT);
    }

    fn units(&self, number: u32) -> u32 {
        self.word(number) & UNITS_MASK
    }

    fn head_of(&self, h: u32) -> u32 {
        field::HEADER_BYTES + 4 * fastrange(fmix32(h ^ 0x27D4_EB2F), self.entries)
    }

    fn find(&self, h: u32) -> Checked<u32> {
        let mut number = self.entry(self.get(self.head_of(h)))?;
        for _ in 0..=self.entries {
            if number == 0 || self.key(number) == h {
                return Ok(number);
            }
            number = self.entry(self.get(self.entry_at(number) + field::NEXT_IN_CHAIN))?;
        }
        Err(Broken)
    }

    /// A use of what is resident; false where it is not.
    pub fn touch(&self, h: u32) -> Checked<bool> {
        let number = self.find(h)?;
        if number == 0 {
            return Ok(false);
        }
        let count = self.count(number);
        if count < MOST {
            self.set_count(number, count + 1);
        }
        Ok(true)
    }

    /// Takes a key in that is not resident; one that is stays as it is.
    pub fn insert(&self, h: u32, units: u32) -> Checked<()> {
        if self.find(h)? != 0 {
            return Ok(());
        }
        self.sketch().add(h, 1);
        let remembered = self.ghosts().take(h, h & 0xFFFF);
        let units = units.min(UNITS_MASK);
        if units > self.capacity {
            return Ok(());
        }
        let mut number = self.vacancy()?;
        for _ in 0..=self.entries {
            if number != 0 && self.used(SMALL) + self.used(MAIN) + units <= self.capacity {
                break;
            }
            self.evict()?;
            number = self.vacancy()?;
        }
        if number == 0 {
            return Err(Broken);
        }
        self.occupy(number);
        let small_full =
            self.get(field::EVICTED_ONCE) == 0 && self.used(SMALL) >= self.mode.small_target(self.capacity);
        let at = self.entry_at(number);
        self.put(at + field::KEY, h);
        self.set_word(number, units);
        let head = self.head_of(h);
        self.put(at + field::NEXT_IN_CHAIN, self.get(head));
        self.put(head, number);
        self.put(field::RESIDENT, self.get(field::RESIDENT).wrapping_add(1));
        self.push(self.mode.queue_of_new(remembered, small_full), number);
        Ok(())
    }

    /// An entry that is free; 0 when all are taken.
    fn vacancy(&self) -> Checked<u32> {
        let free = self.entry(self.get(field::FREE))?;
        let fresh = self.entry(self.get(field::FRESH))?;
        Ok(if free != 0 {
            free
        } else if fresh < self.entries {
            fresh + 1
        } else {
            0
        })
    }

    fn occupy(&self, number: u32) {
        if self.get(field::FREE) == number {
            self.put(field::FREE, self.get(self.entry_at(number) + field::NEXT_IN_QUEUE));
        } else {
            self.put(field::FRESH, number);
        }
    }

    fn used(&self, queue: u32) -> u32 {
        self.get(field::USED + 4 * queue).min(1 << 30)
    }

    fn oldest(&self, queue: u32) -> Checked<u32> {
        self.entry(self.get(field::QUEUES + 8 * queue))
    }

    fn push(&self, queue: u32, number: u32) {
        self.set_word(number, self.word(number) & !(3 << QUEUE_SHIFT) | queue << QUEUE_SHIFT);
        self.put(self.entry_at(number) + field::NEXT_IN_QUEUE, 0);
        let ends = field::QUEUES + 8 * queue;
        let last = self.get(ends + 4).min(self.entries);
        if self.get(ends) == 0 || last == 0 {
            self.put(ends, number);
        } else {
            self.put(self.entry_at(last) + field::NEXT_IN_QUEUE, number);
        }
        self.put(ends + 4, number);
        self.put(field::USED + 4 * queue, self.used(queue).wrapping_add(self.units(number)));
    }

    /// Takes the oldest out of its queue; 0 where the queue is empty.
    fn pop(&self, queue: u32) -> Checked<u32> {
        let number = self.oldest(queue)?;
        if number != 0 {
            let next = self.entry(self.get(self.entry_at(number) + field::NEXT_IN_QUEUE))?;
            self.put(field::QUEUES + 8 * queue, next);
            self.put(field::USED + 4 * queue, self.used(queue).wrapping_sub(self.units(number)));
        }
        Ok(number)
    }

    /// Frees an entry that is in no queue any more.
    fn drop_entry(&self, number: u32) -> Checked<()> {
        let at = self.entry_at(number);
        let mut link = self.head_of(self.key(number));
        for _ in 0..=self.entries {
            let next = self.entry(self.get(link))?;
            if next == number {
                self.put(link, self.get(at + field::NEXT_IN_CHAIN));
                self.put(at + field::NEXT_IN_QUEUE, self.get(field::FREE));
                self.put(field::FREE, number);
                self.put(field::RESIDENT, self.get(field::RESIDENT).wrapping_sub(1));
                return Ok(());
            }
            if next == 0 {
                break;
            }
            link = self.entry_at(next) + field::NEXT_IN_CHAIN;
        }
        Err(Broken)
    }

    fn small_gives(&self) -> Checked<bool> {
        let target = self.mode.small_target(self.capacity);
        Ok(self.oldest(SMALL)? != 0 && (self.oldest(MAIN)? == 0 || self.used(SMALL) >= target))
    }

    fn evict(&self) -> Checked<()> {
        self.put(field::EVICTED_ONCE, 1);
        if self.mode.rule == Rule::Worth {
            self.evict_by_worth()
        } else if self.small_gives()? {
            self.evict_small()
        } else {
            self.evict_main()
        }
    }

    /// Tells the sketch of up to `most` uses that the entry has had, and takes them off its count.
    fn learn(&self, number: u32, most: u32) {
        let count = self.count(number);
        let uses = count.min(most);
        if uses > 0 {
            self.sketch().add(self.key(number), uses);
            self.set_count(number, count - uses);
        }
    }

    fn evict_main(&self) -> Checked<()> {
        self.settle_main()?;
        let number = self.pop(MAIN)?;
        if number == 0 {
            return Ok(());
        }
        self.learn(number, MOST);
        self.drop_entry(number)
    }

    /// Main's oldest goes to its end until the oldest has no use left.
    fn settle_main(&self) -> Checked<()> {
        for _ in 0..=MOST * self.entries {
            let number = self.oldest(MAIN)?;
            if number == 0 || self.count(number) == 0 {
                return Ok(());
            }
            self.pop(MAIN)?;
            self.learn(number, 1);
            self.push(MAIN, number);
        }
        Err(Broken)
    }

    fn evict_small(&self) -> Checked<()> {
        for _ in 0..=self.entries {
            let number = self.pop(SMALL)?;
            if number == 0 {
                return Ok(());
            }
            let promoted = self.count(number) >= PROMOTE_AT;
            self.learn(number, MOST);
            let share = self.mode.small_target(self.capacity);
            if promoted || self.used(MAIN) + share + self.units(number) < self.capacity {
                self.push(MAIN, number);
                continue;
            }
            let h = self.key(number);
            self.settle_main()?;
            let victim = self.oldest(MAIN)?;
            if victim != 0 && self.sketch().estimate(h) >= self.sketch().estimate(self.key(victim)) + DUEL_MARGIN {
                self.evict_main()?;
                self.push(MAIN, number);
                return Ok(());
            }
            self.drop_entry(number)?;
            self.ghosts().insert(h, h & 0xFFFF);
            return Ok(());
        }
        Err(Broken)
    }

    fn evict_by_worth(&self) -> Checked<()> {
        for _ in 0..=(OLDEST + MOST) * self.entries {
            let queue = if self.small_gives()? { SMALL } else { MAIN };
            let number = self.pop(queue)?;
            if number == 0 {
                return Ok(());
            }
            let mut age = (self.word(number) >> AGE_SHIFT) & 3;
            if self.count(number) > 0 {
                age = 0;
                self.learn(number, MOST);
            } else if queue == MAIN {
                age = (age + 1).min(OLDEST);
            }
            let (h, units) = (self.key(number), self.units(number));
            let worth = f64::from(worth(self.sketch().estimate(h), age, units));
            let bar = f64::from_bits(self.region.load64(self.at + field::BAR, Ordering::Relaxed));
            let keeps = stays(worth, bar, units);
            let moved = moved_bar(worth, bar, units, f64::from(self.capacity));
            self.region.store64(self.at + field::BAR, moved.to_bits(), Ordering::Relaxed);
            if keeps {
                self.set_word(number, self.word(number) & !(3 << AGE_SHIFT) | age << AGE_SHIFT);
                self.push(MAIN, number);
                continue;
            }
            return self.drop_entry(number);
        }
        // Everything is worth keeping: what is oldest goes.
        let number = self.pop(MAIN)?;
        if number == 0 { Ok(()) } else { self.drop_entry(number) }
    }

    /// For tests: whether queues, chains and counts say the same.
    #[cfg(all(test, not(loom)))]
    pub fn audit(&self) -> Result<(), String> {
        let broken = |_| "an index leads nowhere".to_string();
        let mut queued = 0;
        for queue in [SMALL, MAIN] {
            let (mut number, mut units) = (self.oldest(queue).map_err(broken)?, 0);
            while number != 0 {
                queued += 1;
                units += self.units(number);
                if self.find(self.key(number)).map_err(broken)? != number || queued > self.entries {
                    return Err(format!("{number} is queued and not found"));
                }
                number = self.entry(self.get(self.entry_at(number) + field::NEXT_IN_QUEUE)).map_err(broken)?;
            }
            if units != self.used(queue) {
                return Err(format!("queue {queue} holds {units} and says {}", self.used(queue)));
            }
        }
        if queued != self.get(field::RESIDENT) || self.used(SMALL) + self.used(MAIN) > self.capacity {
            return Err(format!("{queued} queued, {} resident", self.get(field::RESIDENT)));
        }
        Ok(())
    }
}
