// The toy sits the contract of protocols: first to show that the suite can be passed.

import { toy } from '../sim/toy.ts'
import { protocolContract } from './protocol-suite.ts'

protocolContract('toy', toy)
