// A running node's log: one line for each event that an operator may care about, to standard error. It has node names,
// codes and numbers; never a quad, a query or a key.

import { type Logger, pino, stdSerializers } from 'pino'
import type { NodeId } from '../base/ids.ts'
import type { Config } from '../node/config.ts'
import type { NodeEvent } from '../node/index.ts'

export type { Logger } from 'pino'

export function openLogger({ level, format }: Config['log'], node: string): Logger {
  const common = {
    level,
    base: { node },
    timestamp: pino.stdTimeFunctions.isoTime,
    // An error's own fields could hold anything that was thrown: only its kind and its place are written.
    serializers: {
      err: (error: Error) => ({ type: error.name, message: error.message, stack: stdSerializers.err(error).stack }),
    },
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return format === 'json' ? pino(common, process.stderr) : pino(common, textLines(process.stderr))
}

/** `12:00:00.000 info height 12 ...` for people who watch. */
function textLines(out: NodeJS.WritableStream): { write(line: string): void } {
  return {
    write(line) {
      const { time, level, msg, node: _node, ...facts } = JSON.parse(line) as Record<string, unknown>
      const told = Object.entries(facts).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
      out.write(`${[String(time).slice(11, 23), String(level).padEnd(5), msg, ...told].join(' ')}\n`)
    },
  }
}

type Line = readonly [level: 'debug' | 'info' | 'warn' | 'error' | 'fatal', message: string, facts: object]

/** Writes what happened at the level that it deserves. */
export function logEvent(logger: Logger, event: NodeEvent, nameOf: (node: NodeId) => string): void {
  const [level, message, facts] = lineOf(event, nameOf)
  logger[level](facts, message)
}

function lineOf(event: NodeEvent, nameOf: (node: NodeId) => string): Line {
  switch (event.type) {
    case 'executed': {
      const { header, outcomes } = event.delivered
      return ['debug', 'executed', { height: header.sequence, transactions: outcomes.length }]
    }
    case 'final':
      return ['debug', 'final', { height: event.sequence }]
    case 'connected':
      return ['info', 'connected', { peer: nameOf(event.node) }]
    case 'disconnected':
      return ['warn', 'disconnected', { peer: nameOf(event.node) }]
    case 'refused': {
      const { node, peer, by, code } = event
      return ['warn', 'connection refused', { peer: node === undefined ? peer : nameOf(node), by, code }]
    }
    case 'lead':
      return ['info', 'leader', { round: event.round, leader: nameOf(event.leader) }]
    case 'refuse':
      return ['warn', 'message refused', { peer: nameOf(event.from), code: event.code }]
    case 'purged':
      return ['info', 'purged and attested', { order: event.order, ...event.counts }]
    case 'purge-failed':
      return ['warn', 'an erasure is not attested yet; it is tried again', { code: event.code }]
    case 'keys':
      return ['info', 'rotation of keys', { step: event.step, done: event.done }]
    case 'rotation-failed':
      return ['error', 'a rotation of keys stopped', { code: event.code }]
    case 'accuse':
      return ['error', 'misbehaviour', { peer: nameOf(event.culprit) }]
    case 'fence':
      return ['fatal', 'fenced: this node signs nothing more', { code: event.code }]
  }
}
