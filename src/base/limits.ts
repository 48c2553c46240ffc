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
  /** What is left of a payload of which items were erased: each other item takes a byte more, and an erased one may have been empty. */
  keptPayloadBytesMax: 4_194_560,
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
  /** Payloads that are sent along with one message, or in one answer: half a frame, so that both fit. */
  carriedBytesMax: 4_194_304,
  /** Unchecked payloads of one peer. */
  offeredBytesMax: 33_554_432,
  /** Payloads that only votes wait for; the oldest are given up. */
  wantedPayloadsMax: 4_096,
  /** A payload whose transaction was not ordered for so many blocks is forgotten: four windows of the default size. */
  stagedBlocksMax: 1_024,
  /** Payloads that wait in memory and in the staging area for their block. */
  stagedBytesMax: 268_435_456,
  /** Executed payloads kept in memory for peers that are a little behind. */
  recentPayloadBytesMax: 33_554_432,
  /** Graphs whose content nodes compare; a ledger has dozens. */
  graphsComparedMax: 4_096,
  /** Of those, in one message: 50 KiB. */
  graphsPerMessageMax: 1_024,
  /** Heights that a starting node looks back for its newest proof of finality. */
  resultsSearched: 1_024,
  /** Transactions not executed yet whose verdict a node remembers: their bytes and 256 for each, together. What is read of them takes some six times that. */
  verdictBytesMax: 8_388_608,
  /** Arrays within arrays of one CBOR value: our formats need 10; an attacker's recursion must not reach our stack. */
  cborDepthMax: 32,
  /** Records under one AES-GCM key: random 96-bit nonces then repeat with a chance below 2^-37 (NIST SP 800-38D asks 2^-32). */
  gcmRecordsPerKeyMax: 1_073_741_824,
  /** One record of an append-only file: the largest block record or journal record, and head-room. */
  fileRecordBytesMax: 16_777_216,
  /** Hashed to tell damage from a torn tail when a sealed file is opened: some 16 times the largest file, about a second. */
  damageSearchBytesMax: 268_435_456,
  /** Rule. Items that one order or hold names: what fits a transaction. */
  placesPerActMax: 2_048,
  /** One piece of evidence: two signed statements, or a transaction with one of its parts. */
  evidenceBytesMax: 1_048_576,
  /** Pieces of evidence that a node keeps: each convicts, and a liar makes as many as it likes. */
  evidenceFilesMax: 256,
  /** Pieces of bytes that a node looks for after one erasure order: what 2 048 items of some hundred rows leave. */
  probesPerOrderMax: 4_194_304,
  /** One record of the state: the largest hold or order, and head-room. */
  stateKeyBytesMax: 64,
  stateValueBytesMax: 131_072,
  /** Records in one of the 4 096 buckets: a state of a hundred million. */
  stateRecordsPerBucketMax: 32_768,
  /** Rule. Holds that one item may be under. */
  holdsPerItemMax: 64,
  /** Rule. Numbers that one key may have open at once, below and above its highest executed one. */
  sequenceWindow: 1024,
  /** Rule. Sequences after which the version of a graph is too old to be the base of a change. */
  baseAgeMax: 65_536,
  /** Data keys in one ring: a journal key for each restart since the last cut, and some versions of each purpose. */
  dataKeysMax: 4_096,
  /** Passes and memory (1 GiB) that Argon2id may be asked for: a changed file must not exhaust a starting node. */
  kdfPassesMax: 16,
  kdfMemoryKiBMax: 1_048_576,
  /** A passphrase or key that is read from a file descriptor. */
  secretBytesMax: 4_096,
  /** LevelDB's table in memory, and its log on disk, before it goes to a file: most of what is in it is deleted soon. */
  storeWriteBufferBytes: 2_097_152,
  /** LevelDB's cache of file blocks. */
  storeCacheBytes: 8_388_608,
  /** Decoded blocks of segments in memory, and as much again for decoded terms, unless the operator says otherwise. */
  blockCacheBytesMax: 33_554_432,
  /** Quads that an import makes one change of, in a store without a consortium: one fsync each. */
  quadsPerChange: 4_096,
  /** Rows of one block of a segment (measured: fewer cost more bytes a row, more cost more for each point look-up). */
  blockRows: 128,
  /** Texts of one block of terms: one long text must not make many short ones slow to read. */
  blockCharacters: 8_192,
  /** A memory table goes into a segment beyond this: bounds what a start reads again, and how long a sort takes. */
  memoryTableBytesMax: 8_388_608,
  /** Segments of about one size before they are merged into one: bounds how many a look-up asks, and how often a row is written. */
  segmentsPerSize: 4,
  /** Segments of one store: with sizes that grow fourfold, far more rows than a disk holds. */
  segmentsMax: 1_024,
  /** Rows that one read of a scan looks at, wanted or not: bounds how long it holds the event loop. */
  scanLooksMax: 16_384,
  /** Of LevelDB's files, hashed when a store is closed and when it is opened: some tenths of a second. */
  closingHashBytesMax: 268_435_456,
  /** Counts of patterns at heights that a store remembers for query plans. */
  storeCountsMax: 4_096,
  /** Index rows that one read of a scan takes: bounds how long it holds the event loop. */
  scanRowsMax: 1_024,
  /** A journal begins a new segment beyond this: what a cut can free at a time. */
  journalSegmentBytesMax: 16_777_216,
  /** Blocks in one archive file: its places are scanned when it is first read. */
  blocksPerFile: 1_024,
  /** Messages that wait for one peer at one priority: four of the largest; beyond it they are dropped and sent again. */
  peerQueueBytesMax: 33_554_432,
  /** Messages of one peer that are checked or wait for the core: some windows of votes; beyond it they are dropped. */
  peerInputsMax: 4_096,
  /** Their bytes, payloads included while they are checked: what the peer's own queue holds. */
  peerInputBytesMax: 33_554_432,
  /** Connections of peers outside the member table at once: enough for candidates that join, too few to cost memory. */
  guestConnectionsMax: 8,
  /** Connections with one member: both sides may dial at once, and a dead one may linger until it is noticed. */
  connectionsPerPeerMax: 6,
  /** Inbound streams of one connection: two priorities, liveness probes, joining, and some under negotiation. */
  streamsPerConnectionMax: 16,
  /** Refused messages of one peer within a minute before it is cut off for a while: no correct node has even one. */
  refusalsPerMinuteMax: 32,
  /** A peer must send a frame that it began at least this fast, after the read timeout's grace. */
  frameBytesPerSecondMin: 65_536,
  /** Rule. How far PBFT's sequences may go above a stable checkpoint: bounds what a view change carries. */
  windowMax: 1024,
  /**
   * Entries from a block to the one whose acknowledgements prove it in Raft: as long as a log gets. That is a window below what is
   * executed and half of one more until a checkpoint comes, a window above it, and head-room.
   */
  linksMax: 4096,
  /** Entries of one Raft message: with the bytes of one batch besides, what a follower saves at once. */
  entriesPerAppendMax: 64,
  /** A proposal whose time is further than this from a validator's clock gets no PREPARE from it. */
  clockSkewMsMax: 120_000,
  /** Further than this from the other nodes' clocks, a node's own is said to be wrong: well before it costs votes. */
  clockSkewWarnMs: 5_000,
  /** A clock that moves by so much more or less than time does has leapt; what keeps clocks right moves them by less. */
  clockLeapMs: 1_000,
  /** Name of a peer's software. */
  softwareBytesMax: 64,
  /** Bytes that one stream holds before anybody reads them: libp2p's own window is 256 KiB. */
  streamReadBufferBytesMax: 1_048_576,
  /** Connections that one host may open in a second: members behind one address translation come back together. */
  inboundConnectionsPerSecondMax: 32,
  /** Handshakes under way at once, silent ones included until they time out. */
  pendingConnectionsMax: 64,
  /** A literal that ingest takes, bytes of UTF-8: the largest item less room for its other terms and its subjects. */
  ingestLiteralBytesMax: 786_432,
  /** A document of JSON-LD, bytes, as far as it gives no quads: it is held whole, because its context may stand last. */
  ingestDocumentBytesMax: 67_108_864,
  /** Arrays and objects within each other in JSON-LD: no vocabulary needs as many, and a parser's stack must not. */
  jsonDepthMax: 128,
  /** Contexts of JSON-LD that one command line gives, bytes each: schema.org's own is a fifth of it. */
  contextBytesMax: 1_048_576,
  /** What stands before the first element of RDF/XML, where entities are declared. */
  xmlPrologCharactersMax: 16_384,
  /** What one entity of RDF/XML stands for: a namespace. Longer, and a short text would unfold into a long one. */
  xmlEntityCharactersMax: 256,
  /** Of all transactions that one submission has under way: bounds its memory, and is half of what a peer's queue takes. */
  submissionBytesMax: 16_777_216,
  /** Quads of personal graphs that one ingest holds in memory, because whose they are shows only when all are known. */
  ingestPersonalQuadsMax: 250_000,
  /** Blank nodes of one ingest: their names are remembered to its end. */
  ingestBlankNodesMax: 500_000,
  /** A signed note of one validator: its text, and a line of some 200 bytes. */
  noteBytesMax: 1_024,
  /** For a quorum of validators to sign a checkpoint before the last one that has a quorum is shown, ms. */
  cosignMsMax: 2_000,
  /** Leaves of a log whose hashes are computed again after a crash, at most: a fraction of a second. */
  logMarkLeaves: 65_536,
  /** One file of an audit bundle, so that it is checked in bounded memory: the largest record, and head-room. */
  bundleFileBytesMax: 16_777_216,
  /** An audit bundle begins a new file beyond this. */
  bundleFileBytesTarget: 4_194_304,
  /** Files of an audit bundle, so that its manifest is one of them: a log of 10 million leaves. */
  bundleFilesMax: 100_000,
  /** Leaves that an audit bundle draws and proves: a change of one leaf in ten is missed with a chance of 3 in 100. */
  sampleLeaves: 32,
  /** Rows of one list in the report of a bundle: what somebody reads. */
  reportRowsMax: 200,
  /** Failures that a verification lists before it only counts them. */
  findingsMax: 100,
  /** Text of one query. */
  queryBytesMax: 262_144,
  /** Rows or triples of one answer unless the operator says otherwise. */
  resultRowsMax: 1_000_000,
  /** One query in its thread, to its last byte, ms, unless the operator says otherwise; as long again for a thread to be free. */
  queryMsMax: 30_000,
  /** Queries under way at once, those that wait for a thread included: their time runs. */
  queriesMax: 32,
  /** Threads that evaluate queries, one each, on machines with as many processors: each holds the engine and its own heap. */
  queryThreadsMax: 4,
  /** Heap of one such thread, the loaded engine (some 60 MiB) included: joins and orders are held in memory. */
  queryMemoryMiB: 256,
  /** For a thread to stop when it is told, ms, before it is ended. */
  queryStopMsMax: 1_000,
  /** After so long an idle thread ends, but for the last one. */
  idleThreadMs: 30_000,
  /** Quads that pass to a thread at once. */
  queryPageQuads: 512,
  /** A piece of an answer on its way from a thread, and how many may be: what a slow client holds in memory. */
  answerPieceBytes: 32_768,
  answerPiecesMax: 4,
  /** Quads that one update may add and remove: one transaction. */
  updateQuadsMax: 5_000,
  /** Rows that one update may retract: a quad has one for each item that asserts it. */
  updateRowsMax: 50_000,
  /** N-Quads of one update: more than a transaction's payloads hold. */
  deltaBytesMax: 8_388_608,
  /** Clients that follow changes at once. */
  changeStreamsMax: 64,
  /** A client that takes nothing for so long is dropped, ms. */
  stalledMs: 30_000,
  /** Silence after which a follower is told that the node is there, ms. */
  heartbeatMs: 15_000,
  /** Bodies of requests under way, bytes: what a flood of transactions holds in memory before it is told to come back. */
  bodiesBytesMax: 67_108_864,
  /** Changes of the validator set that one receipt follows. */
  receiptEpochsMax: 1_024,
  /** Linearizable reads that wait at once: one question to the protocol covers many. */
  readsMax: 1_024,
  /** For a linearizable read to be confirmed, ms: some changes of the leader. */
  readMsMax: 20_000,
  /** FROM and FROM NAMED of one query. */
  queryGraphsMax: 256,
  /** HTTP connections at once: a node's own applications, through keep-alive. */
  httpConnectionsMax: 256,
  /** To receive a request whole, ms: what a slow upload of the largest transaction needs. */
  httpRequestMsMax: 30_000,
  /** For a transaction to become final before the client is told to ask again, ms. */
  submitMsMax: 60_000,
  /** Of an answer that is gathered before its status is sent, so that early failures have their own status. */
  answerAheadBytesMax: 65_536,
  /** Entries of a node's local log that are gathered between two writes; beyond it they are counted as one. */
  localPendingMax: 256,
  /** Entries that a local log takes at once, and how many more each second: a flood makes some 30 MB a day. */
  localEntriesBurst: 8_192,
  localEntriesPerSecond: 1,
  /** One text of the details beside a local log, such as a query; what is longer is cut. */
  detailTextBytesMax: 4_096,
  /** Requests that the details of one entry tell one by one. */
  detailsPerEntryMax: 32,
  /** Details that are written within an hour, and that are kept in all. */
  detailBytesPerHour: 33_554_432,
  detailBytesMax: 268_435_456,
  /** Records that one write removes: commits wait for it at most. */
  detailsPerWrite: 1_024,
  /** Rule. Hashes of one consistency proof: two for each level of the largest tree. */
  consistencyHashesMax: 128,
  /** Exports and backups that a preview of an erasure lists one by one. */
  handedOutListed: 100,
  /** Leaves of the log in one answer. */
  leavesPerAnswerMax: 4_096,
  /** Bytes of a file that one part of a backup holds; records fill one until they are about as many. */
  copyPartBytes: 1_048_576,
  /** Records of one part of a backup. */
  copyRecordsPerPart: 1_024,
  /** One part of a backup as it travels: the largest record, and head-room. */
  backupPartBytesMax: 33_554_432,
  /** Parts of a backup: a quarter of a terabyte of whole ones; their list fits a part. */
  backupPartsMax: 262_144,
  /** Keys in the backup of a key bag, at some eighty bytes each. */
  bagBackupKeysMax: 4_194_304,
} as const
