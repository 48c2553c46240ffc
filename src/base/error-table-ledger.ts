// The codes with which the ledger itself answers: to transactions, and at its founding. Part of error-table.ts.

export const ledgerErrors = {
  // What the ledger answers to a transaction.
  KEY_UNKNOWN: {
    exit: 4,
    sentence: 'The signing key is not enrolled on this ledger.',
    next: 'Enrol it with `quadrille client add`, and wait until that is final.',
  },
  SIGNER_REVOKED: {
    exit: 4,
    sentence: 'The signing key was revoked, is not in force at this height, or its organisation has left.',
    next: 'Sign with a key that is in force; an application gets one with `quadrille client new`.',
  },
  NOT_PERMITTED: {
    exit: 7,
    sentence: 'The signer has no right to do this.',
    next: 'Ask your organisation for the right, or let its key sign.',
  },
  NOT_CONTROLLER: {
    exit: 7,
    sentence: 'The signing organisation is not the one that this names as its controller or owner.',
    next: 'Let the organisation that it names sign.',
  },
  GRAPH_UNKNOWN: {
    exit: 4,
    sentence: 'There is no such graph on this ledger.',
    next: 'Check its IRI, or let its owner register it.',
  },
  POLICY_UNKNOWN: {
    exit: 4,
    sentence: 'There is no such policy on this ledger.',
    next: 'Check its name, or let its controller register it.',
  },
  POLICY_UNSUPPORTED: {
    exit: 4,
    sentence: 'The rules version in force has no policy of this kind.',
    next: 'Use class open with sha256 or class personal with pedersen, carriage proposal and no audience.',
  },
  CARRIAGE_MISMATCH: {
    exit: 4,
    sentence: 'The payload is not carried as its policy demands.',
    next: 'Build the transaction again with the policy as the ledger has it.',
  },
  ALGORITHM_MISMATCH: {
    exit: 4,
    sentence: 'The commitments are not of the kind that the policy demands.',
    next: 'Build the transaction again with the policy as the ledger has it.',
  },
  CONFLICT: {
    exit: 4,
    sentence: 'A graph that the change was computed from has changed since.',
    next: 'Compute it again from the present state and send it under a new number.',
  },
  BASE_TOO_OLD: {
    exit: 4,
    sentence: 'The change was computed from a state that is too old to compare with.',
    next: 'Compute it again from the present state and send it under a new number.',
  },
  EXPIRED: {
    exit: 4,
    sentence: 'The transaction expired before it was ordered.',
    next: 'Send it again under a new number with a later expiry.',
  },
  SEQUENCE_EXPIRED: {
    exit: 4,
    sentence: 'The number of the transaction is too far below the highest that its key used.',
    next: 'Ask the ledger for the next number of this key and sign again.',
  },
  SEQUENCE_TOO_FAR: {
    exit: 4,
    sentence: 'The number of the transaction is too far above the highest that its key used.',
    next: 'Ask the ledger for the next number of this key and sign again.',
  },
  REPEATED: {
    exit: 4,
    sentence: 'A transaction with this number of this key was executed before.',
    next: 'Ask for its receipt; if it was another one, sign again under a new number.',
  },
  KEY_TAKEN: {
    exit: 4,
    sentence: 'The key already has a use on this ledger, or had one.',
    next: 'Generate a key for this purpose alone.',
  },
  NAME_TAKEN: {
    exit: 4,
    sentence: 'The name or IRI is registered already.',
    next: 'Choose another, or use the registered one.',
  },
  ITEM_UNKNOWN: {
    exit: 4,
    sentence: 'No accepted item stands at the place that was named.',
    next: 'Check the item ids against a dump or an audit export.',
  },
  ITEM_ERASED: {
    exit: 4,
    sentence: 'The item was erased by an order.',
    next: 'Nothing: it is gone from every node. `quadrille erase report ORDER` says who ordered and who attested it.',
  },
  PERSON_UNKNOWN: {
    exit: 4,
    sentence: 'No item that this organisation controls names this person.',
    next: 'Check the IRI, and ask a node of the organisation that is the controller.',
  },
  APPROVAL_MISSING: {
    exit: 7,
    sentence: 'An erasure needs the approval of a second key of the controller that may erase.',
    next: 'Let another person approve it with --approve-as.',
  },
  LEGAL_HOLD: {
    exit: 4,
    sentence: 'A legal hold keeps an item from being erased.',
    next: 'Lift the hold first, or leave the item out of the order.',
  },
  HOLD_UNKNOWN: {
    exit: 4,
    sentence: 'There is no such hold, or it was lifted.',
    next: 'Check the transaction that placed it.',
  },
  ORDER_UNKNOWN: {
    exit: 4,
    sentence: 'There is no such erasure order.',
    next: 'Check the transaction that ordered it.',
  },
  PURGE_INCOMPLETE: {
    exit: 4,
    sentence: 'A node may attest only a purge after which it found nothing.',
    next: 'Purge again, then search again.',
  },
  ATTESTED_BEFORE: {
    exit: 4,
    sentence: 'This node has attested this order before.',
    next: 'Nothing: the first attestation stands.',
  },
  ANCHOR_OUTDATED: {
    exit: 4,
    sentence: 'The node has anchored this much of its local log before, or more, or a later log.',
    next: 'Nothing: the anchor that stands covers it.',
  },
  ANCHOR_CONTRADICTED: {
    exit: 1,
    sentence: 'The local log of the node does not begin as the node anchored it before: it was changed or cut.',
    next: 'Call who runs that node. Both acts stand in the log; they are its own signed words.',
  },
  // Governance.
  PROPOSAL_OUTDATED: {
    exit: 4,
    sentence: 'The proposal was carried out before, or another one was since it was written.',
    next: 'Write it again with the next number, and collect the ballots anew.',
  },
  PROPOSAL_CLOSED: {
    exit: 4,
    sentence: 'The proposal closed before it was ordered.',
    next: 'Write it again with a later end, and collect the ballots anew.',
  },
  THRESHOLD_NOT_MET: {
    exit: 7,
    sentence: 'Fewer organisations signed the proposal than the thresholds demand.',
    next: 'Collect the missing ballots and send it again under a new number of your key.',
  },
  ROSTER_INVALID: {
    exit: 4,
    sentence: 'What the change would lead to cannot run this ledger.',
    next: 'Keep four validators, every node with its organisation, every key with one use, and thresholds within the members.',
  },
  PARAMETERS_INVALID: {
    exit: 4,
    sentence: 'The parameters are out of range, or their checkpoints do not fit those before.',
    next: 'Choose values in range, and an interval that divides the present one or is a multiple of it.',
  },
  ACTIVATION_INVALID: {
    exit: 4,
    sentence: 'The rules version is not a later one, its height is too near, or another activation is pending.',
    next: 'Name a later version and a height at least one window ahead.',
  },
  VERSION_NOT_ANNOUNCED: {
    exit: 4,
    sentence: 'A validator has not announced that its software knows the rules version.',
    next: 'Update the software of every validator, and wait until each has announced it.',
  },
  EVIDENCE_KNOWN: {
    exit: 4,
    sentence: 'The log holds evidence against this validator from this epoch or a later one already.',
    next: 'Nothing: one piece of evidence convicts it.',
  },
  ANNOUNCED_BEFORE: {
    exit: 4,
    sentence: 'This node has announced this rules version or a later one before.',
    next: 'Nothing: the announcement stands.',
  },
  NODE_BEHIND: {
    exit: 4,
    sentence: 'The node that is to vote is not known to have caught up.',
    next: 'Let it join as a learner first and wait until its height is that of the others (quadrille status), or add --unseen.',
  },
  SOFTWARE_TOO_OLD: {
    exit: 5,
    sentence: 'The ledger goes on under a version of the rules that this software does not know.',
    next: 'Update the software and start the node again: it goes on where it stopped.',
  },
  SNAPSHOT_INVALID: {
    exit: 1,
    sentence: 'The snapshot does not begin as the checkpoint says.',
    next: 'Fetch it from a node of another organisation.',
  },
  STATE_CHUNK_INVALID: {
    exit: 1,
    sentence: 'A piece of the ledger state is not the one that the checkpoint names.',
    next: 'Fetch it from a node of another organisation.',
  },
  PAYLOAD_MALFORMED: {
    exit: 4,
    sentence: 'A part of the payload opens its commitment but does not have the form of one.',
    next: 'Build it again with a client of this version.',
  },
  PAYLOAD_MISMATCH: {
    exit: 4,
    sentence: 'The payload does not open the commitments of its transaction.',
    next: 'Send the payload that was built together with the transaction.',
  },
  EVIDENCE_EMPTY: {
    exit: 1,
    sentence: 'The evidence proves nothing: what it shows is as it should be, or nobody known signed it.',
    next: 'If the validators have changed since, have it shown again by a node that can prove who they were in its epoch.',
  },
  // Founding.
  GENESIS_INVALID: {
    exit: 3,
    sentence: 'The genesis cannot found a ledger.',
    next: 'Correct the draft and let every organisation sign it again.',
  },
  SIGNATURE_MISSING: {
    exit: 3,
    sentence: 'A founding organisation has not signed the genesis.',
    next: 'Let it sign the same draft with `quadrille org sign`, and assemble again.',
  },
  ORGANISATION_TOO_LARGE: {
    exit: 3,
    sentence: 'An organisation would run more validators than may fail.',
    next: 'Give it fewer validators, or let other organisations run more.',
  },
  CARD_INVALID: {
    exit: 3,
    sentence: 'The node card does not prove what it claims.',
    next: 'Make it again with `quadrille node request` and `quadrille org sign`.',
  },
} as const
