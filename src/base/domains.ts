// Every domain of hashing and of signing, in one place: two different meanings never share a domain, so that bytes made
// for one purpose verify for no other (a PREPARE is no COMMIT, a leaf is no block).

/** What a tagged hash can be of. */
export type HashDomain =
  | 'genesis'
  | 'key'
  | 'tx'
  | 'transaction'
  | 'item'
  | 'graph'
  | 'policy'
  | 'tokens'
  | 'transactions'
  | 'batch'
  | 'block'
  | 'payload'
  | 'bucket'
  | 'buckets'
  | 'state-key'
  | 'roster'
  | 'commitment'
  | 'pedersen-h'
  | 'pedersen-m'
  | 'skolem'
  | 'view-change'
  | 'fingerprint'

/** What a signature can be over. */
export type SignatureDomain =
  | 'erasure-approval'
  | 'genesis'
  | 'node-card'
  | 'proof-of-possession'
  | 'proposal'
  | 'transaction'
  | 'pre-prepare'
  | 'prepare'
  | 'commit'
  | 'result'
  | 'view-change'
  | 'new-view'
  | 'receipt'
