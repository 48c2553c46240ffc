// Every bound on what comes from outside, with its unit in its name and its reason beside it. A bound that is part of
// the rules (every validator must agree on it) says so; changing one of those needs a new rules version.

export const limits = {
  /** Rule. Consortia count members in dozens; also bounds certificates (n signatures of 64 bytes). */
  validatorsMax: 128,
  /** Rule. Signed part of a transaction: headers only, payloads travel beside it. */
  transactionBytesMax: 65_536,
  /** Rule. Items of one transaction: each costs two commitments and a leaf's share of a block. */
  itemsPerTransactionMax: 256,
  /** Rule. Assertions and retractions of one item, padded: the largest size class (2^20). */
  itemBytesMax: 1_048_576,
  /** Rule. All payloads of one transaction. */
  payloadBytesMax: 4_194_304,
  /** Rule. Transactions of one batch, so that execution of a block stays bounded. */
  batchTransactionsMax: 1024,
  /** Rule. Encoded batch without payloads. */
  batchBytesMax: 1_048_576,
  /** Rule. Linearizable read tokens in a batch: one for each validator. */
  batchTokensMax: 128,
  /** Rule. Data subjects that one item names. */
  subjectsPerItemMax: 64,
  /** Rule. Terms and triples of one item: what fits its largest size class. */
  termsPerItemMax: 65_536,
  /** One frame on the mesh: the largest batch with its payloads, and head-room. */
  frameBytesMax: 8_388_608,
  /** Small messages are gathered into frames of about this size (measured: 14 times the throughput of one each). */
  frameBytesTarget: 65_536,
  /** An IRI, bytes of UTF-8. */
  iriBytesMax: 2_048,
  /** Names that people give: organisations, nodes, policies. */
  nameBytesMax: 128,
  /** Rule. One leaf of the audit log. */
  leafBytesMax: 4_096,
  /** Lexical form of a literal, bytes of UTF-8: what fits an item. */
  literalBytesMax: 1_048_576,
  /** Network addresses of one node. */
  addressesPerNodeMax: 8,
  /** Graphs that one application key may have rights for, by one act. */
  rightsPerKeyMax: 64,
  /** Blocks that one answer of catch-up holds at most; fewer when they fill a frame. */
  blocksPerAnswerMax: 64,
  /** Payloads that wait in memory and in the staging area for their block. */
  stagedBytesMax: 268_435_456,
  /** Verified transactions whose verdict a node remembers. */
  verdictsMax: 16_384,
} as const
