// Reading and writing fixed structures that carry a checksum over themselves in their last 8 bytes. Touches the bytes it is given.
import type { Xxh64 } from './checksum.js'

/** A writer and reader of little-endian fields, one behind the other. */
export class Fields {
  readonly view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  u8(value?: number): number {
    if (value !== undefined) this.view.setUint8(this.at, value)
    return this.view.getUint8(this.at++)
  }

  u16(value?: number): number {
    if (value !== undefined) this.view.setUint16(this.at, value, true)
    this.at += 2
    return this.view.getUint16(this.at - 2, true)
  }

  u32(value?: number): number {
    if (value !== undefined) this.view.setUint32(this.at, value, true)
    this.at += 4
    return this.view.getUint32(this.at - 4, true)
  }

  u64(value?: bigint): bigint {
    if (value !== undefined) this.view.setBigUint64(this.at, value, true)
    this.at += 8
    return this.view.getBigUint64(this.at - 8, true)
  }

  f64(value?: number): number {
    if (value !== undefined) this.view.setFloat64(this.at, value, true)
    this.at += 8
    return this.view.getFloat64(this.at - 8, true)
  }
}

export function sign(bytes: Uint8Array, seed: bigint, xxh64: Xxh64): void {
  const end = bytes.length - 8
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).setBigUint64(
    end,
    xxh64(bytes.subarray(0, end), seed),
    true,
  )
}

export function isSigned(bytes: Uint8Array, seed: bigint, xxh64: Xxh64): boolean {
  const end = bytes.length - 8
  if (end < 0) return false
  return (
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(end, true) ===
    xxh64(bytes.subarray(0, end), seed)
  )
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
