// What a transaction was and who stood behind it, in W3C PROV-O as N-Quads: an activity, the key that acted, and the
// organisation on whose behalf. Names are URNs of this ledger; persons do not occur.

import type { LedgerId } from '../base/ids.ts'
import type { EventView } from './filter.ts'

const prov = 'http://www.w3.org/ns/prov#'
const type = '<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>'
const dateTime = '<http://www.w3.org/2001/XMLSchema#dateTime>'

export function provenanceOf(event: EventView, ledger: LedgerId): string {
  const { time, act, outcome, organisation, key, graphs, tx } = event
  const named = (kind: string, id: string): string => `<urn:quadrille:${kind}:${escaped(id)}>`
  const [activity, agent, member] = [named('tx', tx), named('key', key), named('organisation', organisation)]
  const graph = named('ledger', ledger)
  const lines = [
    `${activity} ${type} <${prov}Activity>`,
    `${activity} <${prov}endedAtTime> "${new Date(time).toISOString()}"^^${dateTime}`,
    `${activity} <${prov}wasAssociatedWith> ${agent}`,
    `${activity} <urn:quadrille:act> "${act}"`,
    `${activity} <urn:quadrille:outcome> "${outcome}"`,
    `${agent} ${type} <${prov}Agent>`,
    ...(organisation === '' ? [] : [`${agent} <${prov}actedOnBehalfOf> ${member}`]),
    ...(outcome === 'OK' ? graphs.map((iri) => `<${escaped(iri)}> <${prov}wasInfluencedBy> ${activity}`) : []),
  ]
  return lines.map((line) => `${line} ${graph} .\n`).join('')
}

/** Characters that an IRI of N-Quads cannot hold, as it escapes them. */
function escaped(iri: string): string {
  return iri.replace(/[^!#-;=?-[\]_a-z~\u0080-\u{10ffff}]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  })
}
