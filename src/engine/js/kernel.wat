;; What JavaScript alone cannot do on one region of shared memory: compare and swap 64 bits at once, and look at whole 64-bit slots
;; exactly. One instance per region. Addresses are byte offsets; a slot's low half holds state, owner and tag, its high half the location.
;; src/engine/js/kernel-bytes.ts holds the assembled bytes (`node scripts/kernel.mjs`); a test compares the two.
(module
  (import "region" "memory" (memory 1 65536 shared))

  ;; 1 when the word was {expected high, expected low} and now is {new high, new low}.
  (func (export "cas64")
    (param $address i32) (param $expectedLow i32) (param $expectedHigh i32) (param $newLow i32) (param $newHigh i32)
    (result i32)
    (local $expected i64)
    (local.set $expected
      (i64.or
        (i64.shl (i64.extend_i32_u (local.get $expectedHigh)) (i64.const 32))
        (i64.extend_i32_u (local.get $expectedLow))))
    (i64.eq
      (i64.atomic.rmw.cmpxchg
        (local.get $address)
        (local.get $expected)
        (i64.or
          (i64.shl (i64.extend_i32_u (local.get $newHigh)) (i64.const 32))
          (i64.extend_i32_u (local.get $newLow))))
      (local.get $expected)))

  ;; cas64 of a slot between two additions to the version of its binding (docs/slab.md 9). No call and no loop, so that a thread is never
  ;; terminated in the middle.
  (func (export "rebind")
    (param $slot i32) (param $expectedLow i32) (param $expectedHigh i32) (param $newLow i32) (param $newHigh i32)
    (param $version i32) (result i32)
    (local $expected i64)
    (local $done i32)
    (local.set $expected
      (i64.or
        (i64.shl (i64.extend_i32_u (local.get $expectedHigh)) (i64.const 32))
        (i64.extend_i32_u (local.get $expectedLow))))
    (drop (i64.atomic.rmw.add (local.get $version) (i64.const 1)))
    (local.set $done
      (i64.eq
        (i64.atomic.rmw.cmpxchg
          (local.get $slot)
          (local.get $expected)
          (i64.or
            (i64.shl (i64.extend_i32_u (local.get $newHigh)) (i64.const 32))
            (i64.extend_i32_u (local.get $newLow))))
        (local.get $expected)))
    (drop
      (i64.atomic.rmw.add
        (local.get $version)
        (i64.sub (i64.shl (i64.extend_i32_u (local.get $done)) (i64.const 8)) (i64.const 1))))
    (local.get $done))

  (func (export "store64") (param $address i32) (param $low i32) (param $high i32)
    (i64.atomic.store
      (local.get $address)
      (i64.or
        (i64.shl (i64.extend_i32_u (local.get $high)) (i64.const 32))
        (i64.extend_i32_u (local.get $low)))))

  ;; A 64-bit count as a number, exact up to 2^53.
  (func (export "loadNumber") (param $address i32) (result f64)
    (f64.convert_i64_u (i64.atomic.load (local.get $address))))

  ;; Raises a 64-bit count to at least the given number.
  (func (export "raiseNumber") (param $address i32) (param $least f64)
    (local $seen i64)
    (local $wanted i64)
    (local.set $wanted (i64.trunc_sat_f64_u (local.get $least)))
    (local.set $seen (i64.atomic.load (local.get $address)))
    (block $done
      (loop $again
        (br_if $done (i64.ge_u (local.get $seen) (local.get $wanted)))
        (br_if $done
          (i64.eq
            (local.get $seen)
            (i64.atomic.rmw.cmpxchg (local.get $address) (local.get $seen) (local.get $wanted))))
        (local.set $seen (i64.atomic.load (local.get $address)))
        (br $again))))

  (func (export "addNumber") (param $address i32) (param $by f64)
    (drop (i64.atomic.rmw.add (local.get $address) (i64.trunc_sat_f64_s (local.get $by)))))

  ;; The high half, if the low half is exactly the given one at the same instant; else -1.
  (func (export "highOf") (param $address i32) (param $low i32) (result i32)
    (local $word i64)
    (local.set $word (i64.atomic.load (local.get $address)))
    (if (result i32) (i32.eq (i32.wrap_i64 (local.get $word)) (local.get $low))
      (then (i32.wrap_i64 (i64.shr_u (local.get $word) (i64.const 32))))
      (else (i32.const -1))))

  ;; The first slot of a bucket, from the given index on, whose low half without its dirty bit is the wanted one:
  ;; index << 29 | location, or 0 (no record has location 0). The other candidate bucket is loaded first, for nothing but its way
  ;; into the processor's cache: both misses then run at the same time.
  (func (export "find") (param $bucket i32) (param $wanted i32) (param $from i32) (param $other i32) (result i32)
    (local $word i64)
    (drop (i32.atomic.load (local.get $other)))
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $from) (i32.const 7)))
        (local.set $word
          (i64.atomic.load offset=8 (i32.add (local.get $bucket) (i32.shl (local.get $from) (i32.const 3)))))
        (if (i32.eq (i32.and (i32.wrap_i64 (local.get $word)) (i32.const -9)) (local.get $wanted))
          (then
            (return
              (i32.or
                (i32.shl (local.get $from) (i32.const 29))
                (i32.and (i32.wrap_i64 (i64.shr_u (local.get $word) (i64.const 32))) (i32.const 0x1fffffff))))))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; The first slot from the given index on that is BUSY (2) or MEMBER (1) with the tag, apart from the one at `own`: index + 1, or 0.
  (func (export "rival") (param $bucket i32) (param $tag i32) (param $own i32) (param $from i32) (result i32)
    (local $low i32)
    (local $address i32)
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $from) (i32.const 7)))
        (local.set $address (i32.add (local.get $bucket) (i32.shl (local.get $from) (i32.const 3))))
        (local.set $low (i32.wrap_i64 (i64.atomic.load offset=8 (local.get $address))))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br_if $next (i32.ne (i32.shr_u (local.get $low) (i32.const 16)) (local.get $tag)))
        (br_if $next (i32.eq (i32.add (local.get $address) (i32.const 8)) (local.get $own)))
        (br_if $next
          (i32.gt_u (i32.sub (i32.and (local.get $low) (i32.const 7)) (i32.const 1)) (i32.const 1)))
        (return (local.get $from))))
    (i32.const 0))

  ;; The first EMPTY slot in that of two buckets which has more of them, the first when both have as many; 0 when there is none.
  (func (export "vacancy") (param $first i32) (param $second i32) (result i32)
    (local $inFirst i32)
    (local $inSecond i32)
    (local.set $inFirst (call $vacant (local.get $first)))
    (local.set $inSecond (call $vacant (local.get $second)))
    (if (i32.gt_u (i32.shr_u (local.get $inSecond) (i32.const 3)) (i32.shr_u (local.get $inFirst) (i32.const 3)))
      (then
        (local.set $first (local.get $second))
        (local.set $inFirst (local.get $inSecond))))
    (if (result i32) (local.get $inFirst)
      (then
        (i32.add
          (i32.add (local.get $first) (i32.const 8))
          (i32.shl (i32.and (local.get $inFirst) (i32.const 7)) (i32.const 3))))
      (else (i32.const 0))))

  ;; Empty slots of a bucket: count << 3 | index of the first one, or 0.
  (func $vacant (param $bucket i32) (result i32)
    (local $index i32)
    (local $count i32)
    (local $first i32)
    (local.set $index (i32.const 7))
    (loop $next
      (local.set $index (i32.sub (local.get $index) (i32.const 1)))
      (if (i64.eqz (i64.atomic.load offset=8 (i32.add (local.get $bucket) (i32.shl (local.get $index) (i32.const 3)))))
        (then
          (local.set $count (i32.add (local.get $count) (i32.const 8)))
          (local.set $first (local.get $index))))
      (br_if $next (local.get $index)))
    (i32.or (local.get $count) (local.get $first)))

  ;; The slot of a bucket, whatever its state, that names the location: index + 1, or 0.
  (func (export "holder") (param $bucket i32) (param $location i32) (result i32)
    (local $index i32)
    (local $word i64)
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $index) (i32.const 7)))
        (local.set $word
          (i64.atomic.load offset=8 (i32.add (local.get $bucket) (i32.shl (local.get $index) (i32.const 3)))))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br_if $next
          (i32.ne (i32.wrap_i64 (i64.shr_u (local.get $word) (i64.const 32))) (local.get $location)))
        (br_if $next (i64.eqz (local.get $word)))
        (return (local.get $index))))
    (i32.const 0)))
