// Every error that Ostraka throws on purpose: one class, one table of codes with their meaning and their cure.
// May touch: nothing. docs/errors.md shows this table and a test compares the two.

interface CodeDescription {
  /** What has happened, as one sentence. */
  readonly meaning: string
  /** What the reader should do about it. */
  readonly cure: string
}

/** The stable codes. A code never changes its meaning; new ones may be added. */
export const errorTable = {
  OSTRAKA_ERR_INVALID_OPTION: {
    meaning: 'An option is unknown, of the wrong type or out of range; all faults are listed, each with its path.',
    cure: 'Correct every option that the message names.',
  },
  OSTRAKA_ERR_OPTIONS_DIFFER: {
    meaning: 'A cache or namespace of this name exists already and was created with other options.',
    cure: 'Use the same options in every thread (or none: then the existing ones hold), or take another name.',
  },
  OSTRAKA_ERR_INVALID_KEY: {
    meaning: 'A key is not a string, is empty, or, with the name of its namespace, is longer than 65,535 bytes.',
    cure: 'Use non-empty strings; hash a key that may become longer.',
  },
  OSTRAKA_ERR_INVALID_VALUE: {
    meaning: 'A value holds something that would not come back as it went in; the message names the path to it.',
    cure: 'Store plain data: leave out or convert what stands at that path. Nothing was changed in the cache.',
  },
  OSTRAKA_ERR_INVALID_ARGUMENT: {
    meaning: 'An argument of a method has the wrong type or is out of range.',
    cure: 'Correct the argument that the message names.',
  },
  OSTRAKA_ERR_NOT_A_NUMBER: {
    meaning: 'increment met an entry whose value is not a number.',
    cure: 'Use update to change an entry of another kind, or delete it first.',
  },
  OSTRAKA_ERR_CORRUPT_VALUE: {
    meaning: 'The bytes of a stored value cannot be read: they come from an incompatible version or were damaged.',
    cure: 'Make sure that all threads load the same version of ostraka; delete the entry.',
  },
  OSTRAKA_ERR_CLOSED: {
    meaning: 'This handle was closed by its own thread and is used again.',
    cure: 'Call createCache again for a new handle, or close later.',
  },
  OSTRAKA_ERR_ATTACH_TIMEOUT: {
    meaning: 'A cache of this name exists, but no thread that holds it answered within the bound.',
    cure: 'Import ostraka and call createCache before the other thread blocks, or start the worker after the cache exists.',
  },
  OSTRAKA_ERR_NO_CACHE: {
    meaning: 'No options were given, and no thread of this process holds a cache of this name.',
    cure: 'Give options (for example maxBytes) to create it, or create it in another thread first.',
  },
  OSTRAKA_ERR_SERVE: {
    meaning: 'The page cannot be served at this host and port.',
    cure: 'Choose another port (0 takes any that is free) or host.',
  },
  OSTRAKA_ERR_TOO_MANY_CACHES: {
    meaning: 'More than 512 caches are open in this process.',
    cure: 'Close caches that are no longer needed, or keep several kinds of entries in one cache.',
  },
  OSTRAKA_ERR_ENGINE_UNAVAILABLE: {
    meaning: "The native engine was asked for and cannot be loaded here; 'cause' says why.",
    cure: "Build or install the native addon ('ostraka doctor' tells what is missing), or use engine: 'auto' or 'js'.",
  },
  OSTRAKA_ERR_LAYOUT_MISMATCH: {
    meaning: 'The addon, or the thread that created the cache, uses another layout of the shared memory.',
    cure: 'Install one version of ostraka only, and build the addon from the same version.',
  },
  OSTRAKA_ERR_TOO_MANY_THREADS: {
    meaning: 'More threads use this cache (128 places) or this package (1,024 places) than there is room for.',
    cure: 'Use fewer worker threads, or close handles that are no longer needed.',
  },
  OSTRAKA_ERR_OUT_OF_MEMORY: {
    meaning: 'The shared memory for the cache could not be allocated.',
    cure: 'Lower maxBytes, or raise the limits of the process or container.',
  },
  OSTRAKA_ERR_LOAD_TIMEOUT: {
    meaning:
      'A load took longer than its hardTimeout; its signal was aborted, and what it may still bring is not kept.',
    cure: 'Make the loader faster, let it heed its signal, raise hardTimeout, or allow a grace in which an older value is served.',
  },
  OSTRAKA_ERR_LOAD_CYCLE: {
    meaning: 'A loader waits for its own key, at once or through other loaders.',
    cure: 'Load what both need under a key of its own, or call the function itself in place of the cache.',
  },
  OSTRAKA_ERR_LOAD_QUEUE_FULL: {
    meaning: 'As many loads run in this thread as may, and as many more wait for their turn.',
    cure: 'Shed load upstream, or raise loads.concurrency or loads.queue.',
  },
  OSTRAKA_ERR_DISK: {
    meaning: 'The disk cannot be written, and what it holds of the keys concerned cannot be taken away either.',
    cure: "Look at 'cause': free space or repair the disk; or remove the folder before the next start, which would read it.",
  },
  OSTRAKA_ERR_DISK_UNREADABLE: {
    meaning: 'A folder that is to be inspected does not hold a disk tier of Ostraka, or cannot be read.',
    cure: 'Name the folder that a cache uses as its disk path.',
  },
  OSTRAKA_ERR_REQUEST_TIMEOUT: {
    meaning:
      "A request to one of the cache's own threads was not answered in time; whether it was carried out is not known.",
    cure: 'Try again, allow more time, or look in stats().owners whether that thread is late.',
  },
  OSTRAKA_ERR_REQUEST_FAILED: {
    meaning: "One of the cache's own threads could not carry out a request; the message says why.",
    cure: 'Correct what the message names.',
  },
  OSTRAKA_ERR_OWNER_GONE: {
    meaning: "The cache's own thread that was asked does not run, or died before it answered.",
    cure: 'Try again: another one is started in its place. Reading and writing in memory go on meanwhile.',
  },
  OSTRAKA_ERR_CHANNEL_FULL: {
    meaning:
      "More is waiting for one of the cache's own threads than there is room for, or one request is larger than that room.",
    cure: 'Ask for less at once, or give the cache more memory: the room is a part of maxBytes.',
  },
  OSTRAKA_ERR_TRACE_UNREADABLE: {
    meaning: 'A trace file cannot be opened or decompressed, or its format cannot be told.',
    cure: 'Correct the path, or name the format with --format.',
  },
  OSTRAKA_ERR_TRACE_MALFORMED: {
    meaning: 'A trace file does not follow its format; the message names the line or byte.',
    cure: 'Repair or cut the file there, or name another format with --format.',
  },
  OSTRAKA_ERR_USAGE: {
    meaning: 'A command line has an unknown command or option, or a value that does not fit.',
    cure: "See 'ostraka help' and 'ostraka <command> --help'.",
  },
  OSTRAKA_ERR_CLOCK: {
    meaning: 'advance was called on a cache whose clock is the system clock.',
    cure: "Create the cache with clock: 'manual' in tests.",
  },
} as const satisfies Record<string, CodeDescription>

/** One of the stable codes of {@link errorTable}. */
export type OstrakaErrorCode = keyof typeof errorTable

/** One fault of an option, or one difference: where, and what would be right. */
export interface OstrakaFault {
  readonly path: string
  readonly message: string
}

/** What Ostraka throws. `code` is stable; the message says what to do and may be worded anew. */
export class OstrakaError extends Error {
  readonly code: OstrakaErrorCode
  /** Every single fault, where one error reports several (options, differences). */
  readonly faults: readonly OstrakaFault[]

  constructor(
    code: OstrakaErrorCode,
    message: string,
    details: { cause?: unknown; faults?: readonly OstrakaFault[] } = {},
  ) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.faults = details.faults ?? []
  }

  static {
    // On the prototype, as with the errors of the language, so that instances print and serialise without an own `name`.
    Object.defineProperty(OstrakaError.prototype, 'name', { value: 'OstrakaError', configurable: true, writable: true })
  }
}
