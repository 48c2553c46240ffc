import assert from 'node:assert/strict'
import { LedgerError } from '../../src/base/errors.ts'
import { parseConfig, withEnvironment, writtenConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { memoryShares } from '../../src/node/memory.ts'

const home = homeAt('/var/lib/quadrille')

const minimal = `
listen: [/ip4/0.0.0.0/tcp/4701]
unlock: { provider: key-file, path: node.key }
`

function problems(text: string): string {
  try {
    parseConfig(text, home)
  } catch (error) {
    assert.ok(error instanceof LedgerError)
    assert.equal(error.code, 'CONFIG_INVALID')
    assert.equal(error.details['file'], '/var/lib/quadrille/node.yaml')
    return String(error.details['problems'])
  }
  assert.fail('it was taken')
}

describe('node.yaml', () => {
  it('has defaults for everything but where to listen and what unlocks', () => {
    assert.deepEqual(parseConfig(minimal, home), {
      listen: ['/ip4/0.0.0.0/tcp/4701'],
      announce: ['/ip4/0.0.0.0/tcp/4701'],
      http: undefined,
      unlock: { provider: 'key-file', path: '/var/lib/quadrille/node.key' },
      log: { level: 'info', format: 'json' },
      audit: { anchorMinutes: 10, detailsKeptDays: 365 },
      backups: { keptDays: 0 },
      limits: { memoryMiB: 1024, diskFreeMinGiB: 1, queryTimeoutS: 30, resultRowsMax: 1_000_000 },
    })
  })

  it('names every problem at once, each with its path', () => {
    const all = problems(`
listen: [/ip4/0.0.0.0/udp/4701, /ip4/0.0.0.0/tcp/99999]
http: { bind: localhost, colour: red }
unlock: { provider: magic, path: x }
log: { level: loud }
limits: { memoryMiB: 1 }
extra: 1
`)
    for (const place of [
      'listen[0]',
      'listen[1]',
      'http.bind',
      'http.colour: there is no such key',
      'unlock.provider',
      'log.level',
      'limits.memoryMiB',
      'extra: there is no such key',
    ]) {
      assert.ok(all.includes(place), `${place} is not named in: ${all}`)
    }
  })

  it('refuses duplicate keys, aliases that explode and what is not YAML', () => {
    assert.match(problems(`${minimal}listen: []\n`), /unique/)
    assert.match(problems('a: [\n'), /line 2|end/)
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg'].map((pair) => [...pair])) {
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${of}`).join(', ')}]`)
    }
    assert.match(problems(bomb.join('\n')), /alias/)
  })

  it('refuses a file that was written for another home', () => {
    assert.match(problems(`home: /var/lib/other\n${minimal}`), /copied home/)
  })

  it('shares out what a node may hold in memory, and no more than that', () => {
    for (const memoryMiB of [256, 300, 1_024, 4_096]) {
      const { queries, stagedBytesMax, cacheBytesMax } = memoryShares(memoryMiB)
      const sum = queries.threads * queries.heapMiB + (stagedBytesMax + cacheBytesMax) / 1_048_576
      assert.ok(sum <= memoryMiB && sum >= memoryMiB / 2 && queries.threads > 0, `${memoryMiB}: ${sum}`)
    }
    assert.deepEqual(memoryShares(1_024).queries, { threads: 2, heapMiB: 256 })
  })

  it('takes the level of the log from QUADRILLE_LOG before its own, and says which there are', () => {
    const config = parseConfig(minimal, home)
    assert.equal(withEnvironment(config, {}), config)
    assert.deepEqual(withEnvironment(config, { QUADRILLE_LOG: 'debug' }).log, { level: 'debug', format: 'json' })
    assert.throws(
      () => withEnvironment(config, { QUADRILLE_LOG: 'loud' }),
      (error: unknown) => error instanceof LedgerError && /trace, debug, info/.test(JSON.stringify(error.details)),
    )
  })

  it('reads what it writes, IPv6 too', () => {
    const choices = {
      listen: ['/ip6/::1/tcp/4701'],
      announce: ['/dns4/node.acme.example/tcp/4701'],
      http: { host: '::1', port: 4780 },
      unlock: { provider: 'key-file' as const, path: '/etc/quadrille/node.key' },
    }
    const read = parseConfig(writtenConfig(home, choices), home)
    const defaults = { log: undefined, limits: undefined, audit: undefined, backups: undefined }
    assert.deepEqual({ ...read, ...defaults }, { ...choices, ...defaults })
  })
})
