// Personal values from a seed, each with a word that stands nowhere else, and the search for that word in whatever comes out: in
// every way in which bytes or text may give it away.

import { DataFactory, Writer } from 'n3'
import type { RdfFormat } from '../../src/node/ingest-parse.ts'
import type { Random } from '../sim/random.ts'

const consonants = 'bcdfghjklmnpqrstvwxz'

export interface Person {
  readonly iri: string
  readonly friend: string
  readonly name: string
  readonly email: string
  readonly remark: string
}

/** Makes values up and remembers what each was for. */
export class Values {
  /** The word of all values of this seed; the second has letters that no encoding leaves alone. */
  readonly words: readonly [string, string]
  readonly #random: Random
  readonly #uses: string[] = []

  constructor(random: Random) {
    this.#random = random
    const letters = (): string => Array.from({ length: 6 }, () => random.pick([...consonants])).join('')
    this.words = [`${letters()}a${letters()}`, `${letters()}\u00e9\u0159${letters()}`]
  }

  /** The word, and which value it is: three digits. */
  word(use: string, plain = this.#random.chance(0.5)): string {
    const number = this.#uses.push(use) - 1
    return `${this.words[plain ? 0 : 1]}${String(number).padStart(3, '0')}`
  }

  iri(use: string): string {
    const word = this.word(use)
    return this.#random.pick([
      `urn:person:${word}`,
      `https://people.example/~${word}#me`,
      `mailto:${word}@mail.example`,
      `https://people.example/id?name=${word}&born=1970-01-01`,
      `https://people.example/a%20${word}/\u00fc`,
    ])
  }

  /** Of XML's characters; nothing that a format could not say. */
  text(use: string): string {
    const word = this.word(use)
    return this.#random.pick([
      word,
      `Dr. ${word} O'Brien`,
      `"${word}", said ${word}`,
      `first\n\t\\second ${word}\n`,
      `\u{1f490} ${word} \ufdfd`,
      `<b>${word}</b>&amp;]]`,
      `=SUM("${word}")`,
      `{"name":"${word}"}`,
      `%${word}%20%zz`,
      `x' OR 1=1 -- ${word} */`,
      `\u202e${word}\u202c`,
      `\${${word}} $& $1 {{${word}}}`,
    ])
  }

  person(use: string): Person {
    const email = `${this.word(`${use}, e-mail`, true)}@mail.example`
    const [name, remark] = [this.text(`${use}, name`), this.text(`${use}, remark`)]
    return { iri: this.iri(`${use}, IRI`), friend: this.iri(`${use}, friend`), name, email, remark }
  }

  /** What the values were for whose words stand in a text. */
  usesIn(text: string): readonly string[] {
    const found = this.words.flatMap((word) => [...text.matchAll(new RegExp(`${word}(\\d{3})`, 'giu'))])
    return [...new Set(found.map(([, number]) => this.#uses[Number(number)] ?? '?'))].sort()
  }

  /** In which encodings one of the words stands in these bytes, and of which values, where that can be read. */
  leaksIn(bytes: Uint8Array): readonly string[] {
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const encodings = this.#needles().flatMap(([name, needle]) => (whole.includes(needle) ? [name] : []))
    return encodings.length === 0 ? [] : [...new Set(encodings), ...this.usesIn(whole.toString())]
  }

  #encoded: readonly (readonly [string, Buffer])[] | undefined

  #needles(): readonly (readonly [string, Buffer])[] {
    this.#encoded ??= this.words.flatMap((word) => [...encodingsOf(word)])
    return this.#encoded
  }
}

/** By the name of the encoding, one that was used for more than one needle stands twice. */
function encodingsOf(word: string): readonly (readonly [string, Buffer])[] {
  const utf8 = Buffer.from(word)
  const little = Buffer.from(word, 'utf16le')
  const escaped = (form: (code: string) => string): string =>
    word.replace(/[^ -~]/g, (character) => form(character.charCodeAt(0).toString(16).padStart(4, '0')))
  const texts: readonly (readonly [string, string])[] = [
    ['UTF-8', word],
    ['upper case', word.toUpperCase()],
    ['percent', encodeURIComponent(word)],
    ['percent', encodeURIComponent(word).toLowerCase()],
    ['percent, all', [...utf8].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
    ['JSON', escaped((code) => `\\u${code}`)],
    ['JSON', escaped((code) => `\\u${code.toUpperCase()}`)],
    ['XML', escaped((code) => `&#x${code.replace(/^0+/, '')};`)],
    ['XML', word.replace(/[^ -~]/g, (character) => `&#${character.charCodeAt(0)};`)],
    ['hex', utf8.toString('hex')],
    ['hex', utf8.toString('hex').toUpperCase()],
    ['numbers', [...utf8].join(',')],
    ...base64Pieces(utf8).map((piece) => ['base64', piece] as const),
  ]
  const encoded = new Map<string, readonly [string, Buffer]>()
  for (const [name, text] of texts) if (!encoded.has(text)) encoded.set(text, [name, Buffer.from(text)])
  return [...encoded.values(), ['UTF-16', little], ['UTF-16', Buffer.from(little).swap16()], ['Latin 1', latin(word)]]
}

function latin(word: string): Buffer {
  return Buffer.from(word.replace(/[^\0-\u00ff]/g, '?'), 'latin1')
}

/** What does not depend on what stands before and behind, at each of the three alignments. */
function base64Pieces(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((shift) =>
    (['base64', 'base64url'] as const).map((form) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(form)
        .replace(/=+$/, '')
      return text.slice(shift === 0 ? 0 : shift + 1, -2)
    }),
  )
}

const s = 'https://schema.org/'
const type = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type'

/** What the persons' quads are in one of the formats. */
export function documentOf(format: RdfFormat, persons: readonly Person[], graph: string): string {
  if (format === 'jsonld') return JSON.stringify({ '@graph': persons.map(jsonOf) }, undefined, 1)
  if (format === 'rdfxml') return xmlOf(persons)
  const { namedNode, literal, quad } = DataFactory
  const named = format === 'nquads' || format === 'trig' ? namedNode(graph) : undefined
  const quads = persons.flatMap(({ iri, friend, name, email, remark }) => {
    const about = namedNode(iri)
    return [
      quad(about, namedNode(type), namedNode(`${s}Person`), named),
      quad(about, namedNode(`${s}name`), literal(name), named),
      quad(about, namedNode(`${s}email`), literal(email, 'en'), named),
      quad(about, namedNode(`${s}knows`), namedNode(friend), named),
      quad(about, namedNode(`${s}description`), literal(remark), named),
    ]
  })
  const isLines = format === 'nquads' || format === 'ntriples'
  const writer = new Writer({ format: isLines ? 'N-Quads' : 'TriG' })
  writer.addQuads(quads)
  let text = ''
  // At once: it writes into a string.
  writer.end((error: Error | null, written: string) => {
    if (error) throw error
    text = written
  })
  return text
}

function jsonOf({ iri, friend, name, email, remark }: Person): object {
  const plain = {
    [`${s}name`]: name,
    [`${s}description`]: remark,
    [`${s}email`]: { '@value': email, '@language': 'en' },
  }
  return { '@id': iri, '@type': `${s}Person`, ...plain, [`${s}knows`]: { '@id': friend } }
}

function xmlOf(persons: readonly Person[]): string {
  const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  const about = persons.map(
    ({ iri, friend, name, email, remark }) => `<s:Person rdf:about="${escaped(iri)}"><s:name>${escaped(name)}</s:name>
<s:email xml:lang="en">${escaped(email)}</s:email><s:knows rdf:resource="${escaped(friend)}"/>
<s:description>${escaped(remark)}</s:description></s:Person>`,
  )
  const namespaces = `xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:s="${s}"`
  return `<?xml version="1.0"?>\n<rdf:RDF ${namespaces}>\n${about.join('\n')}\n</rdf:RDF>\n`
}

const strange = [
  '"',
  "'",
  '<',
  '>',
  '{',
  '}',
  '[',
  '(',
  ';',
  ',',
  '.',
  '@',
  '^^',
  '\\',
  '\\u00',
  '&',
  '%',
  ':',
  '#',
  '\n',
  ' ',
  '\ud800',
  '"""',
  'a:',
  '_:',
  '<<',
  '|}',
  '&x;',
  ']]>',
  '<!--',
  'null',
  '"@id":',
]

/** The text with a few places cut out, doubled, or filled with what does not belong there. */
export function mistyped(text: string, random: Random): Uint8Array {
  let wrong = text
  for (let count = random.between(1, 3); count > 0; count--) {
    const at = random.below(wrong.length)
    const to = Math.min(wrong.length, at + random.between(1, 6))
    const middle = random.pick([
      '',
      wrong.slice(at, to).repeat(2),
      random.pick(strange),
      random.pick(strange) + wrong.slice(at, to),
    ])
    wrong = random.chance(0.1) ? wrong.slice(0, at) : wrong.slice(0, at) + middle + wrong.slice(to)
  }
  const bytes = Buffer.from(wrong)
  if (random.chance(0.1)) bytes[random.below(bytes.length)] = 0xff
  return bytes
}
