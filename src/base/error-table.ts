// Every code that a person, a program or a peer can meet: one sentence, what to do next, and the exit code of a command
// (0 ok, 1 verification failed, 2 usage, 3 configuration, 4 refused by the ledger, 5 unavailable, 6 locked, 7 not permitted).

import { answerErrors } from './error-table-answers.ts'
import { ledgerErrors } from './error-table-ledger.ts'
import { operationErrors } from './error-table-operation.ts'
import { storageErrors } from './error-table-storage.ts'

export interface ErrorEntry {
  readonly sentence: string
  readonly next: string
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 7
}

const ownErrors = {
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
    sentence: 'The message or record is of no known type.',
    next: 'Check that both sides run versions that work together.',
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
  NOT_LEADER: {
    exit: 4,
    sentence: 'A validator proposed in a view that another one leads.',
    next: 'Nothing: the message was dropped and the peer scored. The log of this node names such peers.',
  },
  PROPOSAL_INVALID: {
    exit: 4,
    sentence: 'A proposal is not what its signature says, or breaks a static rule.',
    next: 'Nothing: the message was dropped and the peer scored. The log of this node names such peers.',
  },
  VIEW_UNJUSTIFIED: {
    exit: 4,
    sentence: 'A new view does not follow from the view changes that it names.',
    next: 'Nothing: the validators go on to the next view. The log of this node names such peers.',
  },
  RESULT_DIVERGED: {
    exit: 5,
    sentence: 'This node executed a block with another result than a quorum did.',
    next: 'Stop it, keep its folder for examination, and restore it from its peers.',
  },
  RESULTS_SPLIT: {
    exit: 5,
    sentence:
      'More validators than may lie executed a block with other results than the rest: no quorum has one, and nothing is written.',
    next: 'Call the other members: `quadrille status` on each node names who has which result. Keep the folders, find out whose software or disk is at fault (`quadrille store verify`), and repair those nodes together.',
  },
  VOTES_FORGOTTEN: {
    exit: 5,
    sentence: 'This validator signed votes that its journal does not hold: its disk was lost, or put back from a copy.',
    next: 'Leave it running: it follows without voting, and votes again from the next epoch on. Give it a new key with a roster act.',
  },
  FORK_DETECTED: {
    exit: 1,
    sentence: 'Two roots of the audit log contradict each other.',
    next: 'Stop writing, keep the proof (both notes, or data/fork.json), and call the other members: someone shows different logs to different people.',
  },
  CATCHING_UP: {
    exit: 5,
    sentence:
      'This node was away and has not caught up with the others: its copy may still hold what was erased meanwhile.',
    next: 'Wait until `quadrille status` says that it serves, or ask another node.',
  },
  TOO_BUSY: {
    exit: 5,
    sentence: 'This node holds as many waiting transactions as it may.',
    next: 'Send it again after the time in Retry-After.',
  },
  // What a person gives to a command or a node.
  USAGE: { exit: 2, sentence: 'The command was not given what it needs.', next: 'Add --help to see an example.' },
  UNEXPECTED: {
    exit: 5,
    sentence: 'Something happened that this program does not know.',
    next: 'Nothing is confirmed: look at the state before trying again, and report it with what you did.',
  },
  NODE_UNREACHABLE: {
    exit: 5,
    sentence: 'No node answers at this address.',
    next: 'Check that it runs (`quadrille start`) and that --endpoint names its HTTP address.',
  },
  ANSWER_UNEXPECTED: {
    exit: 5,
    sentence: 'What answered is no node of this version.',
    next: 'Check that --endpoint names the HTTP address of a node, and that both run versions that work together.',
  },
  QUORUM_AWAY: {
    exit: 5,
    sentence: 'Not enough validators are connected for a quorum.',
    next: 'Start the nodes that are missing, and check the addresses in their cards.',
  },
  ADDRESS_IN_USE: {
    exit: 3,
    sentence: 'Another program listens at an address that this node is to listen at.',
    next: 'Stop the other program, or give this node another port in node.yaml.',
  },
  NO_HOME: {
    exit: 3,
    sentence: 'There is no node in this folder.',
    next: 'Create one with `quadrille node init`, or name its folder with --home or QUADRILLE_HOME.',
  },
  NO_GENESIS: {
    exit: 3,
    sentence: 'This node belongs to no ledger yet.',
    next: 'Start it once with `quadrille start --genesis genesis.json`.',
  },
  KEY_FILE_OPEN: {
    exit: 7,
    sentence: 'Others than its owner may read a file with a private key.',
    next: 'Run `chmod 600` on it, and replace the key if somebody may have read it.',
  },
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
  FORMAT_UNKNOWN: {
    exit: 2,
    sentence: 'The name of the file does not tell what RDF it holds.',
    next: 'Say it with --format turtle, trig, ntriples, nquads, jsonld or rdfxml.',
  },
  GRAPH_MISSING: {
    exit: 2,
    sentence: 'A statement names no graph, and every statement on the ledger stands in one.',
    next: 'Say with --graph where statements go that name none; in an update use GRAPH or WITH.',
  },
  PARSE_ERROR: {
    exit: 4,
    sentence: 'The RDF, query or update cannot be parsed.',
    next: 'Correct the place that is named, or say with --format what a file is.',
  },
  REMOTE_CONTEXT_REFUSED: {
    exit: 4,
    sentence: 'A JSON-LD file names a context that is not bundled, and nothing is fetched for it.',
    next: 'Save the context, look at it, and give it with --context IRI=FILE.',
  },
  // The mesh.
  PEER_NOT_ADMITTED: {
    exit: 7,
    sentence: 'The peer is not in the member table of this ledger.',
    next: 'Check the transport key in the genesis, or ask a member to invite the node.',
  },
  NODE_SUSPENDED: {
    exit: 7,
    sentence: 'The node is suspended.',
    next: 'Ask the members to lift the suspension; its connections stay closed until then.',
  },
  FRAME_TOO_LARGE: {
    exit: 4,
    sentence: 'A peer announced a frame that is larger than its bound.',
    next: 'Check that the peer runs a version that works with this one; it is cut off for a while.',
  },
  READ_TIMEOUT: {
    exit: 5,
    sentence: 'A peer began a frame and did not finish it in time.',
    next: 'Check the network between the two; the connection is opened again by itself.',
  },
  STREAM_LIMIT: {
    exit: 4,
    sentence: 'A peer opened more streams or connections than it may.',
    next: 'Check that the peer runs a version that works with this one; it is cut off for a while.',
  },
  PEER_UNREACHABLE: {
    exit: 5,
    sentence: 'A member could not be reached at any of its addresses.',
    next: 'Check that it runs, and its addresses with `quadrille status`; dialing goes on by itself.',
  },
  // A running node.
  PAYLOAD_UNAVAILABLE: {
    exit: 5,
    sentence: 'The payload of a transaction is not here, or is not the one that it committed to.',
    next: 'Send the transaction again with its payload.',
  },
  PROTOCOL_UNKNOWN: {
    exit: 3,
    sentence: 'The genesis names a protocol that this version does not have.',
    next: 'Install the version that the consortium runs.',
  },
  NOT_FINAL: {
    exit: 5,
    sentence: 'The transaction was not final when the wait ended.',
    next: 'Send the same bytes again: it is executed at most once.',
  },
  BLOCK_INVALID: {
    exit: 4,
    sentence: 'A block is not the agreed next one.',
    next: 'Nothing: it is fetched from another node.',
  },
  STATE_BEHIND_CHECKPOINT: {
    exit: 3,
    sentence: 'The store is older than what this node has signed or archived.',
    next: 'Put the right store back; if it is lost, `quadrille start --recover` fetches everything from the others, and votes once they said what it signed.',
  },
  STORAGE_INCOMPLETE: {
    exit: 3,
    sentence: 'Block archive or log end before the height that was executed.',
    next: 'Restore the folder, or start this node anew from its peers.',
  },
  RECOVERY_UNSAFE: {
    exit: 3,
    sentence: 'A Raft server that lost its log may not come back under its name: nobody could tell what it promised.',
    next: 'Remove it (quadrille proposal draft --remove-node), make a new home, and let that join as a learner.',
  },
  NODE_UNKNOWN: {
    exit: 3,
    sentence: 'The genesis does not name this node.',
    next: 'Start it from the home whose card is in the genesis; a node that joins later is started once with --join.',
  },
  NODE_STOPPED: { exit: 5, sentence: 'The node is stopping.', next: 'Ask another node, or this one when it is back.' },
} as const

export const errorTable: typeof ownErrors &
  typeof answerErrors &
  typeof ledgerErrors &
  typeof operationErrors &
  typeof storageErrors = {
  ...ownErrors,
  ...answerErrors,
  ...ledgerErrors,
  ...operationErrors,
  ...storageErrors,
}

export type ErrorCode = keyof typeof errorTable
