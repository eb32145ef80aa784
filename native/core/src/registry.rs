//! The thread registry: claiming a line, proving a thread dead, and healing what it left (docs/slab.md 3).
//!
//! A thread is dead only when that is proven. Slow, stopped, debugged or starved threads are alive, and nothing is
//! taken from them.

use crate::attachment::{Attachment, ENGINE_NATIVE, line_offset};
use crate::counters::Counter;
use crate::host::Host;
use crate::intent::{LINK, UNLINK};
use crate::layout::{THREADS, control, line, record, segment, shard, slot};
use crate::mutant;
use crate::region::Ordering;
use crate::shard::{Shard, state, word};

impl<H: Host> Attachment<H> {
    /// The index of a line that now belongs to the calling thread.
    pub(crate) fn claim_line(&self, node_thread: u32) -> Option<u32> {
        self.claim_free_line(node_thread).or_else(|| {
            for thread in 0..THREADS {
                self.reap_if_dead(thread, None);
            }
            self.claim_free_line(node_thread)
        })
    }

    fn claim_free_line(&self, node_thread: u32) -> Option<u32> {
        let id = self.host.thread_id();
        for thread in 0..THREADS {
            let at = line_offset(thread);
            if self.control.load32(at + line::THREAD_ID, Ordering::Acquire) != 0
                || self.control.cas32(at + line::THREAD_ID, 0, id).is_err()
            {
                continue;
            }
            let start = self.host.thread_start(id);
            self.control.store32(at + line::START, start as u32, Ordering::Relaxed);
            self.control.store32(at + line::START + 4, (start >> 32) as u32, Ordering::Relaxed);
            self.control.store32(at + line::NODE_THREAD, node_thread, Ordering::Relaxed);
            self.control.store32(at + line::ENGINE, ENGINE_NATIVE, Ordering::Relaxed);
            self.control.store32(at + line::EXITED, 0, Ordering::Release);
            self.raise_high_water(thread + 1);
            return Some(thread);
        }
        None
    }

    fn raise_high_water(&self, lines: u32) {
        let mut seen = self.high_water();
        while seen < lines {
            match self.control.cas32(control::HIGH_WATER, seen, lines) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    pub(crate) fn high_water(&self) -> u32 {
        self.control.load32(control::HIGH_WATER, Ordering::Acquire).min(THREADS)
    }

    /// True only with proof.
    pub(crate) fn is_dead(&self, thread: u32) -> bool {
        let at = line_offset(thread);
        let id = self.control.load32(at + line::THREAD_ID, Ordering::Acquire);
        if id == 0 {
            return false;
        }
        if self.control.load32(at + line::EXITED, Ordering::Acquire) != 0 {
            return true;
        }
        let start = u64::from(self.control.load32(at + line::START, Ordering::Relaxed))
            | (u64::from(self.control.load32(at + line::START + 4, Ordering::Relaxed)) << 32);
        !self.host.is_alive(id, start)
    }

    /// Heals what a dead thread left and frees its line. False when it is not proven dead, or somebody else is at it.
    /// Call unpinned. `me` is `None` while the caller has no line yet: it then stands in the reaper lock as itself.
    pub(crate) fn reap_if_dead(&self, thread: u32, me: Option<u32>) -> bool {
        if Some(thread) == me || !self.is_dead(thread) {
            return false;
        }
        let as_reaper = me.map_or(THREADS + self.host.thread_id(), |me| me + 1);
        if !mutant::is("reaper-without-lock") && !self.lock_reaper(as_reaper) {
            return false;
        }
        // Looked at again under the lock: another reaper may have freed the line, and a new thread may own it.
        let dead = self.is_dead(thread);
        if dead {
            self.settle_intent(thread);
            self.free_segments_of(thread);
            self.abandon_leases_of(thread);
            self.control.release32(control::DRIFT, 1);
            let at = line_offset(thread);
            let sequence = self.control.load32(at + line::SEQUENCE, Ordering::Acquire);
            self.control.store32(at + line::INFLIGHT, 0, Ordering::Release);
            if sequence % 2 == 1 {
                self.control.release32(at + line::SEQUENCE, sequence.wrapping_add(1));
            }
            self.free_line(thread);
            if me.is_some() {
                self.count(Counter::ThreadsReaped);
            }
        }
        self.control.release32(control::REAPER, 0);
        dead
    }

    /// The next owner claims a line by its thread id alone: until it has written the rest, it must not be taken for the
    /// one that was here before.
    pub(crate) fn free_line(&self, thread: u32) {
        let at = line_offset(thread);
        self.control.release32(at + line::PIN, 0);
        self.control.release32(at + line::INVALIDATING, 0);
        for field in [line::START, line::START + 4, line::NODE_THREAD, line::EXITED, line::THREAD_ID] {
            self.control.release32(at + field, 0);
        }
    }

    fn lock_reaper(&self, me: u32) -> bool {
        match self.control.cas32(control::REAPER, 0, me) {
            Ok(_) => true,
            Err(holder) if holder <= THREADS => {
                self.is_dead(holder - 1) && self.control.cas32(control::REAPER, holder, me).is_ok()
            }
            // A thread that was attaching and had no line yet: it stands here by its OS thread's id.
            Err(holder) => {
                !self.host.is_alive(holder - THREADS, 0) && self.control.cas32(control::REAPER, holder, me).is_ok()
            }
        }
    }

    /// Finishes or drops the one step that a dead thread had announced; safe to repeat.
    fn settle_intent(&self, thread: u32) {
        let at = line_offset(thread);
        let field = |offset| self.control.load32(at + offset, Ordering::Acquire);
        let kind = field(line::INTENT_KIND);
        let Some(home) = self.shards.get(field(line::INTENT_SHARD) as usize) else {
            return;
        };
        if kind == LINK || kind == UNLINK {
            let at_slot = field(line::INTENT_SLOT);
            let announced = u64::from(field(line::INTENT_WORD_LOW)) | (u64::from(field(line::INTENT_WORD_HIGH)) << 32);
            let now = home.region.load64(at_slot, Ordering::Acquire);
            let location = word::location(announced);
            let counts = field(line::INTENT_WORLD) == field(line::NET_WORLD);
            let done = if kind == LINK {
                let own_busy = word::busy(thread, word::tag(announced), location);
                if now == own_busy {
                    let _ = home.region.cas64(at_slot, own_busy, 0);
                }
                now == announced || home.region.load32(location * 8 + 4, Ordering::Acquire) & record::OBSERVED != 0
            } else {
                now == announced
            };
            if done && counts && !mutant::is("counter-after-death") {
                self.control.release32(at + line::NET, field(line::INTENT_NET));
            }
            if done && kind == UNLINK {
                home.region.store64(at_slot, u64::from(slot::EMPTY), Ordering::Release);
            }
        }
        self.control.release32(at + line::INTENT_KIND, 0);
    }

    /// An evictor that died between sealing a segment and stamping it left the stamp of the segment's former life, whose
    /// grace is long over while a writer may still be inside. A later stamp is right for all of them.
    fn stamp_sealed(&self, home: &Shard) {
        let epoch = self.advance_epoch();
        for index in 0..home.segments {
            if state::kind(home.state(index)) == segment::SEALED {
                home.region.store32(home.segment_header(index) + segment::EPOCH, epoch, Ordering::Release);
            }
        }
    }

    /// Segments that the dead had taken but not published, and the evictor's locks that it held.
    fn free_segments_of(&self, thread: u32) {
        for home in &self.shards {
            for index in 0..home.segments {
                let seen = home.state(index);
                let unpublished = matches!(state::kind(seen), segment::OPENING | segment::BUILDING);
                if unpublished && state::owner(seen) == thread + 1 {
                    self.free_segment(home, index, seen);
                }
            }
            if home.region.load32(shard::EVICTOR, Ordering::Acquire) == thread + 1 {
                if !mutant::is("no-stamp-of-the-dead") {
                    self.stamp_sealed(home);
                }
                let _ = home.region.cas32(shard::EVICTOR, thread + 1, 0);
            }
        }
    }
}
