// What a transaction was and who stood behind it, in W3C PROV-O as N-Quads: an activity, the key that acted, and the
// organisation on whose behalf. Names are URNs of this ledger; persons do not occur.

import type { EventView } from './filter.ts'

const prov = 'http://www.w3.org/ns/prov#'
const type = '<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>'
const dateTime = '<http://www.w3.org/2001/XMLSchema#dateTime>'

/** Who stood behind a key: once for each is enough. */
export function agentOf(organisation: string, key: string): string {
  const agent = nodeNamed('key', key)
  const member =
    organisation === '' ? [] : [`${agent} <${prov}actedOnBehalfOf> ${nodeNamed('organisation', organisation)}`]
  return linesOf([`${agent} ${type} <${prov}Agent>`, ...member])
}

export function activityOf({ time, act, outcome, key, graphs, tx }: EventView): string {
  const activity = nodeNamed('tx', tx)
  return linesOf([
    `${activity} ${type} <${prov}Activity>`,
    `${activity} <${prov}endedAtTime> "${new Date(time).toISOString()}"^^${dateTime}`,
    `${activity} <${prov}wasAssociatedWith> ${nodeNamed('key', key)}`,
    `${activity} <urn:quadrille:act> "${act}"`,
    `${activity} <urn:quadrille:outcome> "${outcome}"`,
    ...(outcome === 'OK' ? graphs.map((iri) => `<${escaped(iri)}> <${prov}wasInfluencedBy> ${activity}`) : []),
  ])
}

function nodeNamed(kind: string, id: string): string {
  return `<urn:quadrille:${kind}:${escaped(id)}>`
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line} .\n`).join('')
}

/** Characters that an IRI of N-Quads cannot hold, as it escapes them. */
function escaped(iri: string): string {
  return iri.replace(/[^!#-;=?-[\]_a-z~\u0080-\u{10ffff}]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  })
}
