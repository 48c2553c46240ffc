// Every code that a person, a program or a peer can meet: one sentence, what to do next, and the exit code of a command
// (0 ok, 1 verification failed, 2 usage, 3 configuration, 4 refused by the ledger, 5 unavailable, 6 locked, 7 not permitted).

export interface ErrorEntry {
  readonly sentence: string
  readonly next: string
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 7
}

export const errorTable = {
  // Bytes that came from outside.
  MALFORMED: {
    exit: 4,
    sentence: 'The bytes do not have the form that was expected.',
    next: 'Check that the file or message is of the kind and version asked for.',
  },
  NON_CANONICAL: {
    exit: 4,
    sentence: 'The bytes are not the one canonical encoding of what they say.',
    next: 'Encode them again with deterministic CBOR (RFC 8949, section 4.2).',
  },
  TOO_LARGE: { exit: 4, sentence: 'The input is larger than its bound.', next: 'Split it into smaller parts.' },
  WRONG_LEDGER: { exit: 4, sentence: 'This belongs to another ledger.', next: 'Check the genesis file on both sides.' },
  SIGNATURE_INVALID: {
    exit: 4,
    sentence: 'A signature does not verify.',
    next: 'Check that the right key signed the bytes that you sent.',
  },
  KEY_WEAK: {
    exit: 4,
    sentence: 'The public key is not a canonical point of the prime-order subgroup.',
    next: 'Generate a new key with `quadrille client new` or `quadrille node init`.',
  },
  UNKNOWN_MESSAGE: {
    exit: 4,
    sentence: 'The message is of no known type.',
    next: 'Check that both sides run versions that work together.',
  },
  // Keys and files at rest.
  RECORD_TAMPERED: {
    exit: 1,
    sentence: 'A stored record is not what was written: it was changed, moved or cut short.',
    next: 'Stop the node, keep its folder as evidence, and rebuild it from the other members.',
  },
  KEY_EXHAUSTED: {
    exit: 5,
    sentence: 'A data key has sealed as many records as it safely may.',
    next: 'Rotate the data keys of this store.',
  },
  STORE_LOCKED: {
    exit: 6,
    sentence: 'Another process has this folder open.',
    next: 'Stop the other process, or give this one a folder of its own.',
  },
  FORMAT_UNSUPPORTED: {
    exit: 3,
    sentence: 'The file has a format that this version does not know; it was left untouched.',
    next: 'Use the version that wrote it, or a newer one.',
  },
  // Agreement.
  QUORUM_NOT_MET: {
    exit: 1,
    sentence: 'Fewer different validators signed than a quorum.',
    next: 'Fetch the certificate from another node.',
  },
  WRONG_EPOCH: {
    exit: 1,
    sentence: 'The signatures are of another epoch than the validator set.',
    next: 'Give the validator history up to that height.',
  },
  TOO_BUSY: {
    exit: 5,
    sentence: 'This node holds as many waiting transactions as it may.',
    next: 'Send it again after the time in Retry-After.',
  },
  // What a person gives to a command or a node.
  USAGE: { exit: 2, sentence: 'The command was not given what it needs.', next: 'Add --help to see an example.' },
  FILE_UNREADABLE: {
    exit: 3,
    sentence: 'A file cannot be read.',
    next: 'Check its path and who may read it.',
  },
  FILE_EXISTS: {
    exit: 3,
    sentence: 'A file that would be written exists already, and nothing was changed.',
    next: 'Move it away, or give another name.',
  },
  CONFIG_INVALID: {
    exit: 3,
    sentence: 'The configuration is not valid.',
    next: 'Correct every place that is named; docs/operations.md lists the keys.',
  },
  INPUT_TOO_LARGE: {
    exit: 4,
    sentence: 'A part of the input is larger than what the ledger takes.',
    next: 'Split it, or keep it elsewhere and refer to it by an IRI.',
  },
  PARSE_ERROR: {
    exit: 4,
    sentence: 'The RDF cannot be parsed.',
    next: 'Correct the place that is named, or say what it is with --format.',
  },
} as const

export type ErrorCode = keyof typeof errorTable
