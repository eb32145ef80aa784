//! Which mode is in force: miniatures of all candidates see the requests of the same sampled keys, and their hits are
//! compared block by block (docs/slab.md 10). Evictor only.
//!
//! A block is half as many sampled requests as a miniature has entries. Blocks are long on purpose: which mode is ahead
//! comes in runs about as long as the cache (a scan that turns back favours recency until it has crossed the cache), and
//! noise taken per request would mistake one such run for proof.

use crate::attachment::Attachment;
use crate::host::Host;
use crate::layout::{shard, tournament as field};
use crate::miniature::{Broken, Miniature};
use crate::mutant;
use crate::policy::{BALANCED, CLOCK, FREQUENCY, LIGHT, Mode, RECENCY, SCAN};
use crate::region::Ordering;
use crate::samples::Sample;
use crate::shard::Shard;

/// The candidates; the first is the one to start in. Where bytes are the bound: frequency per byte against the floor.
const BY_ENTRIES: [u32; 5] = [BALANCED, FREQUENCY, RECENCY, CLOCK, SCAN];
const BY_BYTES: [u32; 2] = [LIGHT, CLOCK];
const BYTES: u32 = 1;

/// Standard errors by which a challenger must lead.
const ERRORS: [f64; 2] = [1.4, 2.0];
/// What a block leaves of the leads: they are forgotten over 24 miniatures' worth of requests.
const DECAY: f64 = 1.0 - 0.5 / 24.0;
/// Entries of a miniature: at least so many, and at least so many times the root of the cache's; one key in 64 at least.
const LEAST_ENTRIES: f64 = 128.0;
const ROOTS: f64 = 4.0;
const LEAST_RATE: f64 = 1.0 / 64.0;
/// Blocks after which the counts of hits that are shown are halved.
const SHOWN_BLOCKS: u32 = 96;
/// Samples handed on at once.
const SAMPLES_A_TURN: u32 = 64;

/// Keys out of all that are sampled for a cache of so many entries, where `slots` is what a miniature has room for.
pub(crate) fn sampling_rate(entries: f64, slots: f64) -> f64 {
    let wanted = LEAST_ENTRIES.max(ROOTS * entries.sqrt());
    (wanted / entries).clamp(LEAST_RATE, 1.0).min(slots / entries)
}

/// The word that keys are compared with.
pub(crate) fn sample_below(rate: f64) -> u32 {
    if rate >= 1.0 { u32::MAX } else { (rate * 4_294_967_296.0) as u32 }
}

fn candidates(group: u32) -> &'static [u32] {
    if group == BYTES { &BY_BYTES } else { &BY_ENTRIES }
}

/// The tournament of one shard.
struct Tournament<'a> {
    home: &'a Shard,
    at: u32,
}

impl Tournament<'_> {
    fn get(&self, at: u32) -> u32 {
        self.home.region.load32(self.at + at, Ordering::Relaxed)
    }

    fn put(&self, at: u32, value: u32) {
        self.home.region.store32(self.at + at, value, Ordering::Relaxed);
    }

    fn number(&self, at: u32) -> f64 {
        let number = f64::from_bits(self.home.region.load64(self.at + at, Ordering::Relaxed));
        if number.is_finite() { number } else { 0.0 }
    }

    fn put_number(&self, at: u32, number: f64) {
        self.home.region.store64(self.at + at, number.to_bits(), Ordering::Relaxed);
    }

    fn rival(index: usize) -> u32 {
        field::RIVALS + field::RIVAL_BYTES * index as u32
    }

    fn miniature(&self, index: usize, mode: u32) -> Miniature<'_> {
        let entries = self.home.mini_entries;
        Miniature {
            region: &self.home.region,
            at: self.home.miniatures_offset() + index as u32 * Miniature::bytes(entries),
            entries,
            capacity: self.get(field::CAPACITY).min(1 << 29),
            mode: Mode::of(mode),
        }
    }

    /// Empty miniatures, and no leads. What is known of sizes and switches stays.
    fn begin(&self, group: u32, entries: f64, units: Option<f64>) {
        let slots = f64::from(self.home.mini_entries);
        let rate = sampling_rate(entries, slots);
        let mini_entries = (entries * rate).round().max(1.0);
        let capacity = units.map_or(mini_entries, |units| (units * rate).floor().max(1.0));
        if self.get(field::CAPACITY) != 0 {
            (0..field::MOST_RIVALS as usize).for_each(|index| self.miniature(index, 0).clear());
        }
        self.put(field::CAPACITY, capacity as u32);
        self.put(field::BLOCK, (mini_entries / 2.0).floor().max(1.0) as u32);
        self.put(field::BLOCK_LENGTH, 0);
        self.put(field::GROUP, group);
        self.put(field::ENTRIES, entries as u32);
        self.put(field::JUDGED, 0);
        for index in 0..field::MOST_RIVALS as usize {
            let at = Self::rival(index);
            self.put_number(at + field::LEAD, 0.0);
            self.put_number(at + field::NOISE, 0.0);
            self.put(at + field::HITS, 0);
            self.put(at + field::ALL_HITS, 0);
            self.put(at + field::RIVAL_MODE, candidates(group).get(index).copied().unwrap_or(u32::MAX));
        }
        self.home.region.store32(shard::SAMPLE_BELOW, sample_below(rate), Ordering::Relaxed);
    }

    /// Hands one sample to every miniature; true when it was a request.
    fn show(&self, sample: Sample, group: u32, by_entries: bool) -> Result<bool, Broken> {
        let weigh = |units: u32| if by_entries { 1 } else { units };
        for (index, &mode) in candidates(group).iter().enumerate() {
            let mini = self.miniature(index, mode);
            let hit = match sample {
                Sample::Hit { h, units } => {
                    let hit = mini.touch(h)?;
                    if !hit {
                        mini.insert(h, weigh(units))?;
                    }
                    hit
                }
                Sample::Miss { h } => mini.touch(h)?,
                Sample::Stored { h, units } => {
                    mini.insert(h, weigh(units))?;
                    false
                }
            };
            if hit {
                let at = Self::rival(index);
                self.put(at + field::HITS, self.get(at + field::HITS).wrapping_add(1));
            }
        }
        Ok(!matches!(sample, Sample::Stored { .. }))
    }

    /// The end of a block: whose lead is beyond doubt takes over.
    fn judge(&self, group: u32) {
        let modes = candidates(group);
        let in_force = self.home.region.load32(shard::MODE, Ordering::Relaxed);
        let current = modes.iter().position(|&mode| mode == in_force).unwrap_or(0);
        let own = self.get(Self::rival(current) + field::HITS);
        let errors = if mutant::is("tournament-without-noise") { 0.0 } else { ERRORS[usize::from(group == BYTES)] };
        let judged = self.get(field::JUDGED).wrapping_add(self.get(field::BLOCK));
        // What people are shown is of about the time that the leads are of.
        let halves = u32::from(judged / SHOWN_BLOCKS >= self.get(field::BLOCK).max(1));
        self.put(field::JUDGED, judged >> halves);
        let mut best = (0.0, current);
        for other in 0..modes.len() {
            let at = Self::rival(other);
            let hits = self.get(at + field::HITS);
            let difference = f64::from(hits) - f64::from(own);
            let lead = self.number(at + field::LEAD) * DECAY + difference;
            let noise = self.number(at + field::NOISE) * DECAY + difference * difference;
            self.put_number(at + field::LEAD, lead);
            self.put_number(at + field::NOISE, noise);
            self.put(at + field::HITS, 0);
            self.put(at + field::ALL_HITS, self.get(at + field::ALL_HITS).wrapping_add(hits) >> halves);
            let beyond = lead - errors * noise.sqrt();
            if beyond > best.0 {
                best = (beyond, other);
            }
        }
        if best.1 != current {
            self.switch(modes, current, best.1);
        }
    }

    fn switch(&self, modes: &[u32], from: usize, to: usize) {
        let base = self.number(Self::rival(to) + field::LEAD);
        let noise = self.number(Self::rival(to) + field::NOISE);
        self.remember(modes[from], modes[to], base, base / noise.sqrt().max(1.0));
        for other in 0..modes.len() {
            // Differences add up; noise does not, and is at least what the lead itself shows.
            let at = Self::rival(other);
            let lead = self.number(at + field::LEAD) - base;
            self.put_number(at + field::LEAD, lead);
            self.put_number(at + field::NOISE, self.number(at + field::NOISE).max(lead.abs()));
        }
        self.put_number(Self::rival(to) + field::NOISE, 0.0);
        self.home.region.store32(shard::MODE, modes[to], Ordering::Relaxed);
    }

    /// For people who want to know why.
    fn remember(&self, from: u32, to: u32, lead: f64, errors: f64) {
        let switches = self.get(field::SWITCHES);
        let at = field::HISTORY + (switches % field::HISTORY_SLOTS) * field::HISTORY_BYTES;
        self.put(at, self.get(field::SAMPLED));
        self.put(at + 4, from | to << 16);
        self.put(at + 8, (lead as f32).to_bits());
        self.put(at + 12, (errors as f32).to_bits());
        self.put(field::SWITCHES, switches.wrapping_add(1));
    }
}

impl<H: Host> Attachment<H> {
    /// Hands waiting samples on to the miniatures, a bounded number. Evictor only.
    pub(crate) fn learn(&self, home: &Shard) {
        if home.mini_entries == 0 {
            return;
        }
        let seat = Tournament { home, at: home.tournament_offset() };
        let by_entries = self.max_entries != 0;
        let broken = seat.get(field::BUSY) != 0 && !mutant::is("half-a-miniature-is-believed");
        if seat.get(field::CAPACITY) == 0 || broken {
            let group = if by_entries { 0 } else { BYTES };
            self.begin_tournament(&seat, if broken { seat.get(field::GROUP) & 1 } else { group });
        }
        seat.put(field::BUSY, self.me + 1);
        for _ in 0..SAMPLES_A_TURN {
            let Some(sample) = home.next_sample() else { break };
            let Some(sample) = sample else { continue };
            let group = seat.get(field::GROUP) & 1;
            match seat.show(sample, group, by_entries) {
                Err(Broken) => self.begin_tournament(&seat, group),
                Ok(false) => {}
                Ok(true) => {
                    seat.put(field::SAMPLED, seat.get(field::SAMPLED).wrapping_add(1));
                    let length = seat.get(field::BLOCK_LENGTH).wrapping_add(1);
                    seat.put(field::BLOCK_LENGTH, length);
                    if length >= seat.get(field::BLOCK) {
                        seat.put(field::BLOCK_LENGTH, 0);
                        seat.judge(group);
                        self.fit_tournament(&seat, group, by_entries);
                    }
                }
            }
        }
        seat.put(field::BUSY, 0);
    }

    /// Where bytes are the bound, how many entries there are shows with time: another rate may fit better.
    fn fit_tournament(&self, seat: &Tournament<'_>, group: u32, by_entries: bool) {
        if by_entries {
            return;
        }
        let home = seat.home;
        if home.region.load32(shard::EVICTED_ONCE, Ordering::Relaxed) != 0 {
            let made_for = f64::from(seat.get(field::ENTRIES).max(1));
            let slots = f64::from(home.mini_entries);
            let change = sampling_rate(self.entries_of(home), slots) / sampling_rate(made_for, slots);
            if !(0.5..=2.0).contains(&change) {
                self.begin_tournament(seat, group);
            }
        }
    }

    fn begin_tournament(&self, seat: &Tournament<'_>, group: u32) {
        let home = seat.home;
        let units = f64::from(home.segments) * f64::from(home.segment_units());
        seat.begin(group, self.entries_of(home), if self.max_entries != 0 { None } else { Some(units) });
    }

    /// Entries that the shard holds when it is full, as far as is known.
    fn entries_of(&self, home: &Shard) -> f64 {
        let shards = self.shards.len() as u32;
        let entries = if self.max_entries != 0 {
            self.max_entries / shards
        } else if home.region.load32(shard::EVICTED_ONCE, Ordering::Relaxed) != 0 {
            self.size() / shards
        } else {
            home.region.load32(shard::EXPECTED_ENTRIES, Ordering::Relaxed)
        };
        f64::from(entries.max(1))
    }

    /// For tests: every miniature's books, and the number of switches.
    #[cfg(all(test, not(loom)))]
    pub fn audit_miniatures(&self, number: usize) -> Result<u32, String> {
        let home = &self.shards[number];
        let seat = Tournament { home, at: home.tournament_offset() };
        if seat.get(field::BUSY) == 0 && seat.get(field::CAPACITY) != 0 {
            let modes = candidates(seat.get(field::GROUP) & 1);
            modes.iter().enumerate().try_for_each(|(index, &mode)| seat.miniature(index, mode).audit())?;
        }
        Ok(seat.get(field::SWITCHES))
    }
}
