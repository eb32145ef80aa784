// Zstandard, where Node has it (22.15, 23.8 and later): for values long enough to be worth its cost. Touches node:zlib.
import zlib from 'node:zlib'

interface ZstdFunctions {
  zstdCompressSync?: (bytes: Uint8Array) => Buffer
  zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer
}

const { zstdCompressSync, zstdDecompressSync } = zlib as ZstdFunctions

export const hasZstd = zstdCompressSync !== undefined && zstdDecompressSync !== undefined

export function compressZstd(bytes: Uint8Array): Uint8Array | undefined {
  return zstdCompressSync?.(bytes)
}

/** Undefined when it is damaged, longer than it claims, or this Node has no Zstandard. */
export function decompressZstd(bytes: Uint8Array, length: number): Uint8Array | undefined {
  try {
    const raw = zstdDecompressSync?.(bytes, { maxOutputLength: Math.max(1, length) })
    return raw?.length === length ? raw : undefined
  } catch {
    return undefined
  }
}
