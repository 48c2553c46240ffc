// The engines that the store benches compare, each behind the same few calls. Those that hold everything in memory have no
// folder and no reopening.

import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Quad, Term } from '@rdfjs/types'
import { Level } from 'level'
import { DataFactory, Store as N3Store } from 'n3'
import oxigraph from 'oxigraph'
import { Quadstore } from 'quadstore'
import { openStore } from '../../src/store/index.ts'
import type { Pattern } from './data.ts'

export interface Engine {
  /** Durable when this resolves, where the engine has a disk. */
  add(quads: readonly Quad[]): Promise<void>
  /** All at once, as the engine likes it best. */
  bulk(quads: readonly Quad[]): Promise<void>
  /** Reads every match; how many. */
  count(pattern: Pattern): Promise<number>
  /** Reads every match of a predicate whose object lies between two literals, both included. */
  range(predicate: Term, from: Term, to: Term): Promise<number>
  close(): Promise<void>
}

export const engines: Readonly<Record<string, (directory: string) => Promise<Engine>>> = {
  ours,
  quadstore,
  oxigraph: oxi,
  n3,
}

async function ours(directory: string): Promise<Engine> {
  const unlock = { provider: 'key-file', path: join(directory, 'unlock.key') } as const
  const store = await openStore(join(directory, 'store'), { unlock })
  return {
    add: (quads) => store.add(quads),
    bulk: async (quads) => {
      await once(store.import(Readable.from(quads) as never), 'end')
    },
    count: async (pattern) => (await store.match(...pattern).toArray()).length,
    range: async (predicate, from, to) => (await store.matchBetween(predicate, { from, to } as never).toArray()).length,
    close: () => store.close(),
  }
}

async function quadstore(directory: string): Promise<Engine> {
  const store = new Quadstore({
    backend: new Level(join(directory, 'quadstore')) as never,
    dataFactory: DataFactory as never,
  })
  await store.open()
  return {
    add: async (quads) => {
      // Its own default does not sync; every other engine with a disk does.
      await store.multiPut([...quads] as never, { backend: { sync: true } } as never)
    },
    bulk: async (quads) => {
      await store.multiPut([...quads] as never)
    },
    count: async ([subject, predicate, object, graph]) => {
      const { items } = (await store.get(patternOf({ subject, predicate, object, graph }) as never)) as {
        items: unknown[]
      }
      return items.length
    },
    range: async (predicate, from, to) => {
      const object = { termType: 'Range', gte: from, lte: to }
      const { items } = (await store.get({ predicate, object } as never)) as { items: unknown[] }
      return items.length
    },
    close: () => store.close(),
  }
}

function patternOf(pattern: Readonly<Record<string, Term | null>>): Record<string, Term> {
  return Object.fromEntries(Object.entries(pattern).flatMap(([name, term]) => (term === null ? [] : [[name, term]])))
}

async function oxi(): Promise<Engine> {
  const store = new oxigraph.Store()
  const add = async (quads: readonly Quad[]): Promise<void> => {
    for (const each of quads) store.add(oxigraph.fromQuad(each as never))
  }
  const term = (each: Term | null): never => (each === null ? undefined : oxigraph.fromTerm(each as never)) as never
  return {
    add,
    bulk: async (quads) => {
      await add(quads)
    },
    count: async ([s, p, o, g]) => store.match(term(s), term(p), term(o), term(g)).length,
    range: async (predicate, from, to) => {
      const [low, high] = [from, to].map((each) => oxigraph.fromTerm(each as never).toString())
      const query = `SELECT ?s ?o { GRAPH ?g { ?s <${predicate.value}> ?o } FILTER(?o >= ${low} && ?o <= ${high}) }`
      return (store.query(query, {}) as unknown[]).length
    },
    close: async () => undefined,
  }
}

async function n3(): Promise<Engine> {
  const store = new N3Store()
  return {
    add: async (quads) => {
      for (const each of quads) store.addQuad(each as never)
    },
    bulk: async (quads) => {
      store.addQuads([...quads] as never)
    },
    count: async (pattern) => store.getQuads(...(pattern as never as [null, null, null, null])).length,
    range: (predicate, from, to) => filtered(store.getQuads(null, predicate as never, null, null) as never, from, to),
    close: async () => undefined,
  }
}

/** For an engine that has no ranges: what a query engine above it would do. The literals are UTC times of one form. */
async function filtered(quads: Iterable<Quad> | AsyncIterable<Quad>, from: Term, to: Term): Promise<number> {
  let count = 0
  for await (const { object } of quads) {
    if (object.termType === 'Literal' && object.value >= from.value && object.value <= to.value) count += 1
  }
  return count
}
