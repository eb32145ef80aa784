//! Reading many keys at once: the memory latency of one key hides behind the others'.

use crate::attachment::Attachment;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::index::slots;
use crate::layout::UNIT;
use crate::read::{Use, Value};
use crate::region::Ordering;
use crate::shard::word;

/// One answer of [`Attachment::read_many`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManyRead {
    Absent,
    /// The bytes lie at this offset of the buffer.
    Copied {
        value: Value,
        offset: usize,
    },
    /// There was no room for it: it is to be read by itself.
    TooLong {
        value: Value,
    },
}

/// Keys whose memory is fetched ahead together.
const BATCH: usize = 32;

impl<H: Host> Attachment<H> {
    /// Reads the keys in order and hands `answer` each outcome; it runs pinned and must not use the cache. Values are laid one behind the other into `into`.
    pub fn read_many<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]>,
        into: &mut [u8],
        mut answer: impl FnMut(ManyRead),
    ) {
        let mut keys = keys.peekable();
        let mut used = 0;
        let mut batch: Vec<(&[u8], KeyHash)> = Vec::with_capacity(BATCH);
        while keys.peek().is_some() {
            batch.clear();
            batch.extend(keys.by_ref().take(BATCH).map(|key| (key, self.hash(key))));
            self.fetch_ahead(&batch);
            self.pin();
            for &(key, hash) in &batch {
                let room = &mut into[used..];
                let available = room.len();
                let value = match self.read_pinned(self.shard_of(hash), key, hash, Use::Get, room) {
                    Ok(value) => value,
                    // `clear()` came between, the rare case: this key by itself, under a pin of its own.
                    Err(_) => {
                        self.unpin();
                        let value = self.read(key, Use::Peek, room);
                        self.pin();
                        value
                    }
                };
                self.count_read(value);
                let home = &self.shards[self.shard_of(hash)];
                self.sample_read(home, hash, key.len(), value.map(|value| value.length));
                answer(match value {
                    None => ManyRead::Absent,
                    Some(value) if value.length > available => ManyRead::TooLong { value },
                    Some(value) => {
                        let offset = used;
                        used += value.length;
                        ManyRead::Copied { value, offset }
                    }
                });
            }
            self.unpin();
        }
    }

    fn fetch_ahead(&self, batch: &[(&[u8], KeyHash)]) {
        for (_, hash) in batch {
            self.shards[self.shard_of(*hash)].fetch_buckets(*hash);
        }
        for (_, hash) in batch {
            let home = &self.shards[self.shard_of(*hash)];
            let place = home.candidate_buckets(*hash).into_iter().flat_map(slots).find_map(|at| {
                let seen = home.region.load64(at, Ordering::Relaxed);
                word::is_member_with(seen, hash.tag).then_some(word::location(seen))
            });
            if let Some(location) = place {
                // A hint only: whether the record is still there is looked at under the pin.
                let at = location.wrapping_mul(UNIT);
                home.region.prefetch(at);
                home.region.prefetch(at.wrapping_add(64));
            }
        }
    }
}
