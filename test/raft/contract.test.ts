// Raft sits the contract of protocols.

import { raft } from '../../src/raft/raft.ts'
import { protocolContract } from '../consensus/protocol-suite.ts'

protocolContract('raft', raft)
