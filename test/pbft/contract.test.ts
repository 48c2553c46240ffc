// PBFT sits the contract of protocols.

import { pbft } from '../../src/pbft/pbft.ts'
import { protocolContract } from '../consensus/protocol-suite.ts'

protocolContract('pbft', pbft)
