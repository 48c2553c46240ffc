// Formats of answers, and which of them a client gets: proactive negotiation by Accept (RFC 9110, section 12.5.1).

import { LedgerError } from '../base/errors.ts'

/** bindings: SELECT. boolean: ASK. quads: CONSTRUCT and DESCRIBE. */
export type ResultKind = 'bindings' | 'boolean' | 'quads'

const json = 'application/sparql-results+json'
const xml = 'application/sparql-results+xml'

/** The first of each is what a client without wishes gets. */
const formats: Readonly<Record<ResultKind, readonly string[]>> = {
  bindings: [json, xml, 'text/csv', 'text/tab-separated-values'],
  boolean: [json, xml],
  quads: ['application/n-triples', 'text/turtle', 'application/n-quads', 'application/trig', 'application/ld+json'],
}

/** Names that clients use for the same formats. */
const aliases: Readonly<Record<string, string>> = {
  'application/json': json,
  'application/xml': xml,
  'text/xml': xml,
  'text/plain': 'application/n-triples',
  'text/n3': 'text/turtle',
}

interface Wish {
  readonly range: string
  readonly quality: number
}

/** The format for an answer of this kind. @throws LedgerError NOT_ACCEPTABLE */
export function negotiate(kind: ResultKind, accept: string | undefined): string {
  const offered = formats[kind]
  const wishes = accept === undefined || accept.trim() === '' ? [{ range: '*/*', quality: 1 }] : wishesOf(accept)
  let best: { readonly format: string; readonly quality: number } | undefined
  for (const format of offered) {
    const quality = qualityOf(format, wishes)
    if (quality > (best?.quality ?? 0)) best = { format, quality }
  }
  if (best === undefined) throw new LedgerError('NOT_ACCEPTABLE', { offered: offered.join(', ') })
  return best.format
}

function wishesOf(accept: string): readonly Wish[] {
  return accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase())
    const quality = parameters.find((each) => each.startsWith('q='))
    const value = quality === undefined ? 1 : Number(quality.slice(2))
    return { range: aliases[range] ?? range, quality: value >= 0 && value <= 1 ? value : 0 }
  })
}

/** The most specific range that covers the format decides. */
function qualityOf(format: string, wishes: readonly Wish[]): number {
  const family = `${format.slice(0, format.indexOf('/'))}/*`
  for (const range of [format, family, '*/*']) {
    const wish = wishes.find((each) => each.range === range)
    if (wish !== undefined) return wish.quality
  }
  return 0
}
