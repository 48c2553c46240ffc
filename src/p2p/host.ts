// The libp2p node itself: TCP, Noise, Yamux, and every default that we do not want left to others. No discovery, no
// identify, no relay: peers are known from the ledger. Imported only after compat.ts did its work.

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { ConnectionGater } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { limits } from '../base/limits.ts'

export interface HostOptions {
  readonly transportSeed: Uint8Array
  readonly listen: readonly string[]
  readonly gater: ConnectionGater
  /** From an accepted TCP connection to the end of its handshake, ms. */
  readonly upgradeTimeoutMs: number
  /** Between liveness probes of an open connection, ms; a probe unanswered for about as long again ends it. */
  readonly probeMs: number
}

/** Not started yet: nothing arrives before its handlers stand. */
export async function createHost(options: HostOptions): Promise<Libp2p> {
  const { upgradeTimeoutMs, probeMs } = options
  return createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', options.transportSeed),
    addresses: { listen: [...options.listen] },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: 4 * limits.streamsPerConnectionMax,
        streamOptions: { maxReadBufferLength: limits.streamReadBufferBytesMax },
      }),
    ],
    connectionGater: options.gater,
    connectionMonitor: { pingInterval: probeMs },
    connectionManager: {
      maxConnections: limits.validatorsMax * 2 + limits.guestConnectionsMax,
      inboundConnectionThreshold: limits.inboundConnectionsPerSecondMax,
      maxIncomingPendingConnections: limits.pendingConnectionsMax,
      inboundUpgradeTimeout: upgradeTimeoutMs,
      inboundStreamProtocolNegotiationTimeout: upgradeTimeoutMs,
      outboundStreamProtocolNegotiationTimeout: upgradeTimeoutMs,
      dialTimeout: upgradeTimeoutMs,
      addressDialTimeout: upgradeTimeoutMs,
      reconnectRetries: 0,
    },
  })
}
